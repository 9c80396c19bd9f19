"""Why capturing began, in words that follow "when" in the reason for a short pre-event buffer.

Los Angeles' inspector general found the pre-event buffer short in 24 % of recordings, and in 50 of the 51 that were
examined the camera had been off before. So a shortfall names what began the capture, not only when it began.
"""

from collections.abc import Sequence

from lapel.link.messages import Command
from lapel.recording import Cause
from lapel.states import Event

SWITCHED_ON = "the camera was switched on or its firmware started"
"""The firmware cannot distinguish a power button from a start by the host's service manager."""


def after_restart(reason: str) -> str:
    """For a camera that takes the place of an earlier one in the same process. `reason`: why that one ended."""
    return f"the camera started again after a {reason}"


def after_power_loss(recordings: Sequence[str]) -> str:
    """For a camera that finds recordings which an earlier session did not finish."""
    return f"the camera started again after power or process was lost during {', '.join(recordings)}"


def capture_reason(event: Event, cause: Cause, command: Command | None, started: str, fault: str) -> str:
    """`started`: why the camera itself was started. `fault`: the fault that has just ended, or an empty text."""
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
    return command_text(command) if command is not None else f"the {cause.source}"


def trigger_text(command: Command) -> str:
    """What a command says about a trigger: `peer cam-7, 12 m away`, `schedule (night patrol)`."""
    peer = f" {command.peer}" if command.peer else ""
    distance = f", {command.distance_m:.0f} m away" if command.distance_m is not None else ""
    reason = f" ({command.reason})" if command.reason else ""
    return f"{command.trigger}{peer}{distance}{reason}"


def restart_reason(command: Command) -> str:
    """Why a camera restarts, in words that follow "after a"."""
    restart = "reboot" if command.command == "reboot" else "restart for changed settings"
    return f"{restart} by {command_text(command)}"


def command_text(command: Command) -> str:
    """Id, sender and reason of a command: `command 12 from dispatcher-3 (traffic stop)`."""
    sender = f" from {command.sender}" if command.sender else ""
    reason = f" ({command.reason})" if command.reason else ""
    return f"command {command.id}{sender}{reason}"
