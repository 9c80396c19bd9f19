"""The trial of changed settings: they must bring frames, and a connection to the broker, or they are rolled back."""

from collections.abc import Callable

from lapel.clock import Clock
from lapel.hardware.interfaces import Footage
from lapel.link.interface import Link
from lapel.remote_commands import TRIAL_S, RemoteCommands


class SettingsTrial:
    """Runs once per start of a camera whose settings are on trial."""

    __slots__ = ("_clock", "_footage", "_has_broker", "_link", "_remote", "has_frames")

    def __init__(self, clock: Clock, footage: Footage, link: Link, remote: RemoteCommands, *, has_broker: bool) -> None:
        """`has_broker`: whether the settings name one, so that the link must come up."""
        self._clock, self._footage, self._link, self._remote = clock, footage, link, remote
        self._has_broker = has_broker
        self.has_frames = False
        """Whether a fragment was captured; set by the camera."""

    async def run(self, fault: Callable[[], str]) -> bool:
        """Whether the settings were rolled back, so that the camera must restart. `fault`: its current fault, or ""."""
        failure = None
        deadline_s = self._clock.mono_s() + TRIAL_S
        while missing := self._missing(fault()):
            if self._clock.mono_s() >= deadline_s:
                failure = f"after {TRIAL_S:g} s there {missing}"
                break
            await self._clock.sleep(1.0)
        return await self._remote.end_trial(failure)

    def _missing(self, fault: str) -> str:
        """What the settings have not brought yet, in words that follow "there"."""
        if not (self.has_frames or self._footage.status().buffered_s > 0):
            return "were still no frames" + (f" ({fault})" if fault else "")
        link = self._link.status()
        return f"was still no connection to the broker ({link.reason})" if self._has_broker and not link.up else ""
