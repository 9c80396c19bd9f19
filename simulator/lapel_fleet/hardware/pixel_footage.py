"""A lens with pictures of its own, through OpenCV and the encoder, in the hands of the outside world.

Threads capture and encode in real time: the clock passed in must run at speed 1.
"""

import asyncio

from lapel.app import live_footage, source_of
from lapel.clock import Clock, Instant
from lapel.config import Config
from lapel.fragment import Fragment
from lapel.hardware.interfaces import FootageListener, FootageStatus, FrameSource, PreEvent
from lapel.randomness import RandomSource
from lapel_fleet.hardware.video import SimulatedVideo


class PixelFootage:
    """Implements `hardware.footage.SimulatedFootage`: the firmware's own footage over a SimulatedVideo."""

    def __init__(self, config: Config, clock: Clock, rng: RandomSource, source: FrameSource | None = None) -> None:
        """`source` stands in for what `config` names. Raises VideoError when there is no such source."""
        self.video = SimulatedVideo(source or source_of(config, clock))
        self._live = live_footage(config, self.video, clock, rng)
        self._gate: _Gate | None = None
        self._fading: asyncio.Task[None] | None = None

    async def start(self, listener: FootageListener, reason: str) -> None:
        """See `Footage.start`."""
        self._gate = _Gate(listener)
        await self._live.start(self._gate, reason)

    async def stop(self) -> None:
        """See `Footage.stop`. After `lose_power` it waits for what had no power to end by itself: threads."""
        await (self._live.stop() if self._fading is None else self._fading)

    async def cut(self) -> None:
        """See `Footage.cut`."""
        await self._live.cut()

    def before(self, moment: Instant) -> PreEvent:
        """See `Footage.before`."""
        return self._live.before(moment)

    def status(self) -> FootageStatus:
        """See `Footage.status`."""
        return self._live.status()

    # -- the outside world ---------------------------------------------------------------------------------------------

    def unplug(self, reason: str = "unplugged") -> None:
        """No more pictures."""
        self.video.unplug(reason)

    def plug_in(self) -> None:
        """Pictures again."""
        self.video.plug_in()

    def freeze(self) -> None:
        """The same picture from now on."""
        self.video.freeze()

    def thaw(self) -> None:
        """Pictures that move again."""
        self.video.thaw()

    def lose_power(self) -> None:
        """Nothing is delivered any more."""
        if self._gate is not None:
            self._gate.is_open = False
        self._fading = self._fading or asyncio.create_task(self._live.stop(), name="lens without power")


class _Gate:
    """Between footage and its listener: shut, it lets nothing through."""

    def __init__(self, listener: FootageListener) -> None:
        self._listener = listener
        self.is_open = True

    def on_fragment(self, fragment: Fragment) -> None:
        if self.is_open:
            self._listener.on_fragment(fragment)

    def on_source_lost(self, reason: str) -> None:
        if self.is_open:
            self._listener.on_source_lost(reason)

    def on_source_restored(self) -> None:
        if self.is_open:
            self._listener.on_source_restored()

    def on_source_ended(self, reason: str) -> None:
        if self.is_open:
            self._listener.on_source_ended(reason)
