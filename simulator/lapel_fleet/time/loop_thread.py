"""Something asynchronous for code that is not: it lives in an event loop of its own, in a thread of its own."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_LIMIT_S = 600.0
"""Nothing that is asked for takes longer; what does hangs."""


class LoopThread(Generic[T]):
    """Enters an asynchronous context there, and leaves it at `close`. Calls wait for what they return."""

    def __init__(self, context: AbstractAsyncContextManager[T], name: str) -> None:
        """Returns once the context is entered; raises what that raises. `name` is the thread's."""
        self._loop = asyncio.new_event_loop()
        self._entered: Future[T] = Future()
        self._staying: asyncio.Task[None] | None = None
        self._is_closing = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._live, args=(context,), name=name, daemon=True)
        self._thread.start()
        try:
            self.inside = self._entered.result(_LIMIT_S)
        except BaseException:  # a Ctrl-C too: nobody else could end the thread then
            self.close()
            raise

    def call(self, what: Callable[[T], Coroutine[Any, Any, R]]) -> R:
        """Do it there, and wait. Whoever stops waiting (Ctrl-C) stops it."""
        asked = asyncio.run_coroutine_threadsafe(what(self.inside), self._loop)
        try:
            return asked.result(_LIMIT_S)
        except BaseException:
            asked.cancel()
            raise

    async def awaited(self, what: Callable[[T], Coroutine[Any, Any, R]]) -> R:
        """The same for code that has an event loop of its own, which goes on meanwhile."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(what(self.inside), self._loop))

    def close(self) -> None:
        """Leave the context; the thread ends. Harmless when done. Raises what leaving it raised."""
        if self._thread.is_alive() and not self._is_closing:
            self._is_closing = True  # once: a second time would cut short what is being put in order
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
            pass  # this is how it ends
        except BaseException as error:
            self._failure = error
        if not self._entered.done():
            failure, self._failure = self._failure, None
            self._entered.set_exception(failure or RuntimeError("closed before it began"))

    async def _stay(self, context: AbstractAsyncContextManager[T]) -> None:
        self._staying = asyncio.current_task()
        if self._is_closing:
            return
        async with context as inside:
            self._entered.set_result(inside)
            await asyncio.Event().wait()
