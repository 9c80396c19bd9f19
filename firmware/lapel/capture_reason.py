"""Why capturing began, in words that follow "when": an inspector reads them where a pre-event buffer was short.

Los Angeles' inspector general found the buffer short in 24 % of recordings; in 50 of 51 that were looked at, the camera
had been off before. So a shortfall must name what began the capture, not only when.
"""

from lapel.link.messages import Command
from lapel.recording import Cause
from lapel.states import Event

SWITCHED_ON = "the camera was switched on, or its firmware was started"


def restarted(reason: str) -> str:
    """For a camera that starts again by itself. `reason`: why its predecessor in this process ended."""
    return f"the camera restarted ({reason})"


def after_power_loss(recordings: list[str]) -> str:
    """For a camera that finds recordings which an earlier session did not finish."""
    return f"the camera started again after power or process was lost during {', '.join(recordings)}"


def capture_reason(event: Event, cause: Cause, command: Command | None, started: str, fault: str) -> str:
    """`started`: why the camera itself was started. `fault`: the fault that has just ended, if one has."""
    match event:
        case Event.UNDOCK:
            return "the camera was taken out of the dock"
        case Event.ARM:
            return f"the camera was woken by {requester(cause, command)}"
        case Event.START:
            return f"recording was started by {requester(cause, command)}"
        case _ if fault:
            return f"a fault ended ({fault})"
    return started


def requester(cause: Cause, command: Command | None) -> str:
    """Who requested something: `the button`, `command 12 from dispatcher-3 (traffic stop)`."""
    if command is None:
        return f"the {cause.source}"
    sender = f" from {command.sender}" if command.sender else ""
    reason = f" ({cause.reason})" if cause.reason else ""
    return f"command {command.id}{sender}{reason}"
