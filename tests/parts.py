"""Simulated parts of a camera: footage that comes by itself in virtual time, a link that remembers what was said."""

import asyncio
from collections.abc import Callable
from typing import Any

from fragments import fragment
from lapel.clock import Clock, Instant
from lapel.fragment import Fragment
from lapel.hardware.interfaces import FootageListener, FootageStatus, PreEvent, Signal
from lapel.link.interface import LinkHost, LinkStatus
from lapel.link.messages import Command, EventMessage, Reply, StateMessage
from lapel.media.prebuffer import PreEventBuffer
from lapel.states import State


class VirtualFootage:
    """Ten pictures a second; a fragment each second, or where it is cut."""

    def __init__(self, clock: Clock, length_s: float, max_bytes: int = 10**9) -> None:
        self._clock, self._buffer = clock, PreEventBuffer(length_s, max_bytes)
        self._listener: FootageListener | None = None
        self._task: asyncio.Task[None] | None = None
        self._number, self._from_s = 0, 0.0
        self.lost: str | None = None
        self.blind = False

    async def start(self, listener: FootageListener, reason: str) -> None:
        if self._task is None:
            self._buffer.begin(reason)
            self._listener, self._from_s = listener, self._clock.mono_s()
            self._task = asyncio.create_task(self._film())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
            self._close()
            self._buffer.clear()

    async def cut(self) -> None:
        self._close()

    def before(self, moment: Instant) -> PreEvent:
        return self._buffer.before(moment)

    def status(self) -> FootageStatus:
        return FootageStatus(self._buffer.held_s, self._buffer.held_bytes, 10.0, 0, self.lost)

    async def _film(self) -> None:
        while True:
            await self._clock.sleep(self._from_s + 1.0 - self._clock.mono_s())
            self._close()

    def _close(self) -> None:
        end_s = self._clock.mono_s()
        length_s, start_s = end_s - self._from_s, self._from_s
        if self._listener is None or length_s < 0.01:
            return
        if self.blind:
            self._from_s = end_s
            return
        self._number, self._from_s = self._number + 1, end_s
        one: Fragment = fragment(self._number, start_s, length_s, max(1, round(10 * length_s)))
        self._buffer.append(one)
        self._listener.on_fragment(one)


class RecordingLink:
    """A link that is always up, and keeps what it was told."""

    def __init__(self) -> None:
        self.said: list[Any] = []
        self.host: LinkHost | None = None
        self._closed = asyncio.Event()

    async def run(self, host: LinkHost) -> None:
        self.host = host
        host.on_link(True, "")
        await self._closed.wait()

    def publish(self, message: Any) -> None:
        self.said.append(message)

    def status(self) -> LinkStatus:
        return LinkStatus(up=True)

    async def close(self, reason: str) -> None:
        self.said.append(f"offline: {reason}")
        self._closed.set()

    def command(self, command: str, id_: str = "1") -> None:
        assert self.host is not None
        self.host.on_command(Command(id=id_, command=command, reason="test"))  # type: ignore[arg-type]

    @property
    def states(self) -> list[str]:
        """Each published state, repetitions left out."""
        told = [one.state for one in self.said if isinstance(one, StateMessage)]
        return [state for before, state in zip(["", *told], told, strict=False) if state != before]

    @property
    def replies(self) -> list[Reply]:
        return [one for one in self.said if isinstance(one, Reply)]

    def events(self, *kinds: str) -> list[EventMessage]:
        return [one for one in self.said if isinstance(one, EventMessage) and one.kind in kinds]


class Ear:
    """Indicators that remember."""

    def __init__(self, on_line: Callable[[str], None] = lambda _: None) -> None:
        self.lines: list[str] = []
        self.states: list[str] = []
        self.signals: list[str] = []
        self._on_line = on_line

    def show_line(self, line: str) -> None:
        self.lines.append(line)
        self._on_line(line)

    def show_state(self, state: State) -> None:
        self.states.append(state.value)

    def signal(self, signal: Signal) -> None:
        self.signals.append(signal)

    def identify(self, seconds: float) -> None:
        self.show_line(f"identify {seconds:g}")
