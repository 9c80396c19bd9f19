"""The self-test before a shift: a camera that could not record is out of service until it can; the rest is a warning.

It runs when the camera leaves its dock or has started, as configured. The same test on request of a technician or an
operator is put on record, too, and changes nothing: a camera must not be taken out of service from afar.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from lapel.check import Check
from lapel.clock import Clock
from lapel.device_watches import Post
from lapel.errors import StorageError
from lapel.hardware.interfaces import Charge, Footage, FootageListener, FootageStatus, SoundStatus
from lapel.link.event_details import SelfTested
from lapel.power import LOW_PERCENT
from lapel.recording import Cause
from lapel.reporter import Reporter
from lapel.states import Event, Outcome, State

VITAL = ("video", "storage", "key")
"""What a recording cannot do without."""
VIDEO_WAIT_S = 5.0
"""Seconds in which a video source must deliver its first frames."""
_SHIFT_BEGINS = ("undock", "boot")
_CAPTURING = (State.BUFFERING, State.RECORDING)


class ShiftCheck:
    """Runs the self-test of one camera, puts it on record, and takes a camera that fails it out of service."""

    __slots__ = ("_clock", "_footage", "_post", "_reporter", "_state", "_task", "_test", "_when", "failure")

    def __init__(
        self,
        when: str,
        clock: Clock,
        reporter: Reporter,
        footage: Footage,
        test: Callable[[], Awaitable[list[Check]]],
        state: Callable[[], State],
        post: Post,
    ) -> None:
        """`when`: as `self_test` of [controls]. `test` makes the checks."""
        self._when, self._clock, self._reporter, self._footage = when, clock, reporter, footage
        self._test, self._state, self._post = test, state, post
        self._task: asyncio.Task[None] | None = None
        self.failure = ""
        """Why the camera is out of service by the last test; empty when it is not."""

    def on_transition(self, event: Event, outcome: Outcome) -> None:
        """Begin a test when a shift may begin."""
        is_boot = event is Event.SELF_TEST_PASSED and outcome.before is State.BOOTING
        by = "undock" if event is Event.UNDOCK else "boot" if is_boot else ""
        if by and by in self._when and outcome.after is State.BUFFERING:
            self.close()
            self._task = asyncio.create_task(self._run_when_captured(by), name="shift check")

    async def run(self, by: str) -> list[Check]:
        """Run it now. `by`: `undock` or `boot` before a shift, or else who requested it."""
        checks = await self._test()
        failed = [check for check in checks if not check.ok]
        vital = [check for check in failed if check.name in VITAL]
        is_out = bool(vital) and by in _SHIFT_BEGINS and self._state() is State.BUFFERING
        self._reporter.emit(
            SelfTested(
                passed=not failed,
                failed=", ".join(check.name for check in failed),
                by=by,
                checks=summary(checks),
                out_of_service=is_out,
            )
        )
        if failed:
            self._reporter.announce(f"self-test failed: {summary(failed)}", "error" if is_out else "warning")
        if is_out:
            self.failure = summary(vital)
            self._post(Event.SELF_TEST_FAILED, Cause("camera", f"out of service, self-test failed: {self.failure}"))
        return checks

    async def repeat(self, listener: FootageListener) -> None:
        """Test a camera that is out of service again; it is in service if what it cannot do without works."""
        await self._footage.start(listener, "the self-test was repeated")
        await self._clock.sleep(VIDEO_WAIT_S)
        if self._state() in _CAPTURING:
            return  # taken out of its dock in the meantime: the capture goes on
        checks = [check for check in await self._test() if check.name in VITAL and check.name != "video"]
        checks.append(check_video(self._footage.status(), is_capturing=True))
        await self._footage.stop()
        if all(check.ok for check in checks):
            self._reporter.announce(f"in service again: {summary(checks)}")
            self._post(Event.SELF_TEST_PASSED, Cause("camera", "self-test passed"))

    def close(self) -> None:
        """No test is begun any more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run_when_captured(self, by: str) -> None:
        """Give the video source time to deliver frames."""
        await self._clock.sleep(VIDEO_WAIT_S)
        if self._state() in _CAPTURING:
            await self.run(by)


def summary(checks: Sequence[Check]) -> str:
    """The checks in one line."""
    return "; ".join(f"{check.name} {'ok' if check.ok else 'FAILED'}: {check.finding}" for check in checks)


def check_video(footage: FootageStatus, *, is_capturing: bool) -> Check:
    """Whether frames arrive. `is_capturing`: whether they are expected."""
    if not is_capturing:
        return Check("video", False, "nothing is captured in this state")
    fps = f"{footage.measured_fps:.1f} frames per second, {footage.buffered_s:.0f} s buffered"
    return Check("video", footage.lost is None, footage.lost or fps)


def check_sound(sound: SoundStatus | None) -> Check:
    """Whether the microphone delivers sound; a camera without one passes."""
    if sound is None:
        return Check("sound", True, "no sound is recorded")
    return Check("sound", sound.lost is None, sound.lost or f"{sound.rms_dbfs:.0f} dBFS")


def check_battery(charge: Charge | None) -> Check:
    """Whether the battery lasts for a while; a camera without a gauge passes."""
    if charge is None:
        return Check("battery", True, "no gauge")
    return Check("battery", charge.charging or charge.percent > LOW_PERCENT, f"{charge.percent:.0f} %")


async def check_key(try_key: Callable[[], Awaitable[str]]) -> Check:
    """Whether the key that signs evidence can be used. `try_key` says what it is, or raises StorageError."""
    try:
        return Check("key", True, await try_key())
    except StorageError as error:
        return Check("key", False, str(error))
