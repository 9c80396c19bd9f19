"""Asynchronous objects for blocking code: an event loop in a thread of its own."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_LIMIT_S = 600.0
"""No call takes longer; one that does has hung."""


class LoopThread(Generic[T]):
    """Enters an asynchronous context in the thread's event loop, and leaves it at `close`."""

    def __init__(self, context: AbstractAsyncContextManager[T], name: str) -> None:
        """Returns once the context is entered. Raises what entering it raised. `name` is the thread's."""
        self._loop = asyncio.new_event_loop()
        self._entered: Future[T] = Future()
        self._staying: asyncio.Task[None] | None = None
        self._is_closing = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._live, args=(context,), name=name, daemon=True)
        self._thread.start()
        try:
            self.inside = self._entered.result(_LIMIT_S)
        except BaseException:  # also for Ctrl-C: else nothing could end the thread
            self.close()
            raise

    def call(self, what: Callable[[T], Coroutine[Any, Any, R]]) -> R:
        """Run it in the thread's event loop and wait for the result. Ctrl-C while waiting cancels it."""
        future = asyncio.run_coroutine_threadsafe(what(self.inside), self._loop)
        try:
            return future.result(_LIMIT_S)
        except BaseException:
            future.cancel()
            raise

    async def awaited(self, what: Callable[[T], Coroutine[Any, Any, R]]) -> R:
        """The same for code in an event loop of its own, which it does not block."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(what(self.inside), self._loop))

    def close(self) -> None:
        """Leave the context and end the thread. Harmless when closed. Raises what leaving the context raised."""
        if self._thread.is_alive() and not self._is_closing:
            self._is_closing = True  # once: a second cancellation would interrupt the clean-up
            self._loop.call_soon_threadsafe(self._leave)
        self._thread.join(_LIMIT_S)
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _leave(self) -> None:
        if self._staying is not None:
            self._staying.cancel()

    def _live(self, context: AbstractAsyncContextManager[T]) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._stay(context))
        except asyncio.CancelledError:
            pass  # the normal end
        except BaseException as error:
            self._failure = error
        if not self._entered.done():
            failure, self._failure = self._failure, None
            self._entered.set_exception(failure or RuntimeError("closed before its context was entered"))

    async def _stay(self, context: AbstractAsyncContextManager[T]) -> None:
        self._staying = asyncio.current_task()
        if self._is_closing:
            return
        async with context as inside:
            self._entered.set_result(inside)
            await asyncio.Event().wait()
