"""Simulated parts of a camera: footage in virtual time, a link and indicators that record what they get."""

import asyncio
from collections.abc import Callable
from typing import Any

from fragments import fragment
from lapel.clock import Clock, Instant
from lapel.fragment import Fragment
from lapel.hardware.interfaces import FootageListener, FootageStatus, PreEvent, SoundStatus
from lapel.indications import Light, Pattern, Signal
from lapel.link.interface import LinkHost, LinkStatus
from lapel.link.messages import Command, EventMessage, Reply, StateMessage
from lapel.media.prebuffer import PreEventBuffer
from lapel.states import State


class VirtualFootage:
    """Ten frames per second; a fragment every second, or where it is cut."""

    def __init__(self, clock: Clock, length_s: float, max_bytes: int = 10**9) -> None:
        self._clock, self._buffer = clock, PreEventBuffer(length_s, max_bytes)
        self._listener: FootageListener | None = None
        self._task: asyncio.Task[None] | None = None
        self._number, self._from_s = 0, 0.0
        self.lost: str | None = None
        """Why no frames arrive, as `status` reports it; set by a test."""
        self.muted = False
        """What `set_muted` was called with last."""
        self.sound: SoundStatus | None = None
        """The microphone, as `status` reports it; set by a test."""
        self.blind = False
        """Whether no fragment is delivered, and no reason reported."""

    async def start(self, listener: FootageListener, reason: str) -> None:
        if self._task is None:
            self._buffer.begin(reason)
            self._listener, self._from_s = listener, self._clock.mono_s()
            self._task = asyncio.create_task(self._capture())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
            self._close_fragment()
            self._buffer.clear()

    def set_muted(self, is_muted: bool, moment: Instant) -> None:
        self.muted = is_muted

    async def cut(self, wait_s: float = 0.0) -> bool:
        self._close_fragment()
        return True

    def before(self, moment: Instant) -> PreEvent:
        return self._buffer.before(moment)

    def status(self) -> FootageStatus:
        return FootageStatus(self._buffer.held_s, self._buffer.held_bytes, 10.0, 0, self.lost, sound=self.sound)

    async def _capture(self) -> None:
        while True:
            await self._clock.sleep(self._from_s + 1.0 - self._clock.mono_s())
            self._close_fragment()

    def _close_fragment(self) -> None:
        end_s = self._clock.mono_s()
        length_s, start_s = end_s - self._from_s, self._from_s
        if self._listener is None or length_s < 0.01:
            return
        if self.blind:
            self._from_s = end_s
            return
        self._number, self._from_s = self._number + 1, end_s
        closed: Fragment = fragment(self._number, start_s, length_s, max(1, round(10 * length_s)))
        self._buffer.append(closed)
        self._listener.on_fragment(closed)


class RecordingLink:
    """A link that is always up, and keeps what is published."""

    def __init__(self) -> None:
        self.published: list[Any] = []
        """Messages in order; at the end the line `offline: REASON`."""
        self.host: LinkHost | None = None
        self.standing = LinkStatus(up=True)
        """What `status` reports."""
        self._closed = asyncio.Event()

    async def run(self, host: LinkHost) -> None:
        self.host = host
        host.on_link(True, "")
        await self._closed.wait()

    def publish(self, message: Any) -> None:
        self.published.append(message)

    def status(self) -> LinkStatus:
        return self.standing

    async def close(self, reason: str) -> None:
        self.published.append(f"offline: {reason}")
        self._closed.set()

    def command(self, command: str, id_: str = "1", *, reason: str = "test", **fields: Any) -> None:
        """Deliver a command to the camera."""
        assert self.host is not None
        self.host.on_command(Command(id=id_, command=command, reason=reason, **fields))  # type: ignore[arg-type]

    @property
    def states(self) -> list[str]:
        """Each published state, without repetitions."""
        states = [message.state for message in self.published if isinstance(message, StateMessage)]
        return [state for before, state in zip(["", *states], states, strict=False) if state != before]

    @property
    def replies(self) -> list[Reply]:
        return [message for message in self.published if isinstance(message, Reply)]

    def events(self, *kinds: str) -> list[EventMessage]:
        """The published events of these kinds."""
        return [message for message in self.published if isinstance(message, EventMessage) and message.kind in kinds]


class RecordedIndicators:
    """Indicators that keep what they show."""

    def __init__(self, on_line: Callable[[str], None] = lambda _: None) -> None:
        self.lines: list[str] = []
        self.states: list[str] = []
        self.lights: list[Light] = []
        self.signals: list[Signal] = []
        self._on_line = on_line

    def show_line(self, line: str) -> None:
        self.lines.append(line)
        self._on_line(line)

    def show_state(self, state: State) -> None:
        self.states.append(state.value)

    def show_light(self, light: Light) -> None:
        self.lights.append(light)

    def signal(self, signal: Signal, pattern: Pattern) -> None:
        self.signals.append(signal)

    def identify(self, seconds: float) -> None:
        self.show_line(f"identify {seconds:g}")

    def silence(self) -> None:
        self.show_line("silence")
