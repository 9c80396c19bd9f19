"""Which messages a delivery rule concerns."""

from lapel.link.messages import EventMessage, StateMessage, Telemetry
from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.control.conformance.delivery_line import Match, Sent


def will_of(camera: SimulatedCamera) -> Match:
    """The camera's last wills."""
    return lambda sent: sent.camera == camera.name and sent.is_will


def all_of(camera: SimulatedCamera) -> Match:
    """Everything that the camera publishes."""
    return lambda sent: sent.camera == camera.name


def events_of(camera: SimulatedCamera) -> Match:
    """The camera's events."""
    return lambda sent: sent.camera == camera.name and is_event(sent)


def states_of(camera: SimulatedCamera) -> Match:
    """The camera's state messages that it published itself: no last wills."""
    return lambda sent: sent.camera == camera.name and is_state(sent) and not sent.is_will


def telemetry_of(camera: SimulatedCamera) -> Match:
    """The camera's telemetry."""
    return lambda sent: sent.camera == camera.name and isinstance(sent.message, Telemetry)


def is_event(sent: Sent) -> bool:
    """Any camera's event."""
    return isinstance(sent.message, EventMessage)


def is_state(sent: Sent) -> bool:
    """Any camera's state, wills included."""
    return isinstance(sent.message, StateMessage)


def everything(sent: Sent) -> bool:  # noqa: ARG001  # a Match
    """Every message."""
    return True
