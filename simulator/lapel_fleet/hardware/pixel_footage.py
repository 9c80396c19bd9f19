"""Footage of real frames and sound: drawn or captured with OpenCV and encoded, with a video source and a microphone
that can be disturbed.

Threads capture and encode in real time, so the clock must run at speed 1.
"""

import asyncio
from time import sleep

from lapel.app import live_footage, source_of
from lapel.clock import Clock, Instant
from lapel.config import Config
from lapel.fragment import Fragment
from lapel.hardware.interfaces import FootageListener, FootageStatus, FrameSource, PreEvent
from lapel.media.aac import SoundFormat
from lapel.media.sound_sources import open_sound
from lapel.media.sound_track import SoundTrack
from lapel.randomness import RandomSource
from lapel_fleet.hardware.frame_source import SimulatedFrameSource
from lapel_fleet.hardware.microphone import SimulatedMicrophone
from lapel_fleet.hardware.sound_source import SimulatedSoundSource


class PixelFootage:
    """Implements `SimulatedFootage`: the firmware's own footage over a `SimulatedFrameSource`."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        rng: RandomSource,
        source: FrameSource | None = None,
        microphone: SimulatedMicrophone | None = None,
    ) -> None:
        """`source` replaces the one that `config` names. Raises VideoError when there is no such source, AudioError
        when there is no such source of sound.
        """
        self.video = SimulatedFrameSource(source or source_of(config, clock))
        sound = _sound_of(config, clock, microphone or SimulatedMicrophone(clock))
        self._live = live_footage(config, self.video, clock, rng, sound)
        self._gate: _Gate | None = None
        self._stopping: asyncio.Task[None] | None = None

    async def start(self, listener: FootageListener, reason: str) -> None:
        """See `Footage.start`."""
        self._gate = _Gate(listener)
        await self._live.start(self._gate, reason)

    async def stop(self) -> None:
        """See `Footage.stop`. After `lose_power` it waits until the threads have ended."""
        await (self._live.stop() if self._stopping is None else self._stopping)

    async def cut(self, wait_s: float = 0.0) -> bool:
        """See `Footage.cut`."""
        return await self._live.cut(wait_s)

    def set_muted(self, is_muted: bool, moment: Instant) -> None:
        """See `Footage.set_muted`."""
        self._live.set_muted(is_muted, moment)

    def before(self, moment: Instant) -> PreEvent:
        """See `Footage.before`."""
        return self._live.before(moment)

    def status(self) -> FootageStatus:
        """See `Footage.status`."""
        return self._live.status()

    # -- the outside world ---------------------------------------------------------------------------------------------

    def unplug(self, reason: str = "unplugged") -> None:
        """See `SimulatedFootage.unplug`."""
        self.video.unplug(reason)

    def plug_in(self) -> None:
        """See `SimulatedFootage.plug_in`."""
        self.video.plug_in()

    def freeze(self) -> None:
        """See `SimulatedFootage.freeze`."""
        self.video.freeze()

    def unfreeze(self) -> None:
        """See `SimulatedFootage.unfreeze`."""
        self.video.unfreeze()

    def lose_power(self) -> None:
        """See `SimulatedFootage.lose_power`."""
        if self._gate is not None:
            self._gate.is_open = False
        self._stopping = self._stopping or asyncio.create_task(self._live.stop(), name="footage without power")


def _sound_of(config: Config, clock: Clock, microphone: SimulatedMicrophone) -> SoundTrack | None:
    """The sound that the configuration names, through the microphone."""
    form = SoundFormat(config.audio.rate_hz, config.audio.channels, config.audio.bitrate_bps)
    source = open_sound(config.audio.source, form, clock, sleep)
    return SoundTrack(SimulatedSoundSource(source, microphone, clock), form, clock) if source is not None else None


class _Gate:
    """Implements `FootageListener` by another one, while it is open."""

    def __init__(self, listener: FootageListener) -> None:
        self._listener = listener
        self.is_open = True

    def on_fragment(self, fragment: Fragment) -> None:
        if self.is_open:
            self._listener.on_fragment(fragment)

    def on_source_note(self, note: str) -> None:
        if self.is_open:
            self._listener.on_source_note(note)

    def on_source_lost(self, reason: str) -> None:
        if self.is_open:
            self._listener.on_source_lost(reason)

    def on_video_reduced(self, width: int, height: int, reason: str) -> None:
        if self.is_open:
            self._listener.on_video_reduced(width, height, reason)

    def on_source_restored(self) -> None:
        if self.is_open:
            self._listener.on_source_restored()

    def on_source_ended(self, reason: str) -> None:
        if self.is_open:
            self._listener.on_source_ended(reason)
