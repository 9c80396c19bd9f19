"""What needs attention first, and why. Pure: rules on what is known about a camera, the most urgent first.

The order is ours: what loses video now, then what will lose it or hides what happens, then what can wait for the end of
the shift. A camera is listed once, with the most urgent of its reasons first.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from lapel.link.messages import StateMessage, Telemetry
from lapel_fleet.operator.page.camera_view import CameraView

SILENT_AFTER_S = 120.0
"""A connected camera from which nothing came for so long is silent: four messages of telemetry by default."""
CLOCK_TOLERANCE_S = 5.0
ALMOST_FULL_BYTES = 2_000_000_000
"""Some half an hour of video at 8 Mb/s."""
MANY_WAITING = 100

NOW, SOON, LATER = 1, 2, 3
"""Urgencies: video is lost now; it may be, or cannot be known; can wait for the end of the shift."""
_WHILE_CAPTURING = {
    "source-lost": "no frames from the video source",
    "frozen": "the same frame again and again",
    "microphone-lost": "no sound from the microphone",
    "silent-microphone": "the microphone is silent",
}
_FLAGS = {
    "duplicate-name": (SOON, "another camera uses its name; it stays disconnected"),
    "publish-refused": (SOON, "the broker refuses its messages"),
    "events-in-memory": (SOON, "its events are in memory only, and lost with the power"),
    "low-battery": (SOON, "the battery lasts 20 minutes or less"),
    "undervoltage": (SOON, "the board's supply voltage is too low; it may switch off"),
    "video-reduced": (SOON, "smaller or fewer frames than configured: the encoder cannot keep up"),
    "offload-blocked": (LATER, "the evidence back end takes nothing until a person acts"),
    "offload-rejected": (LATER, "the evidence back end has rejected a recording for good"),
    "no-wearer": (LATER, "no wearer is assigned"),
    "throttled": (LATER, "the board slows itself down"),
    "board-hot": (LATER, "the board has 80 °C or more"),
    "hot": (LATER, "the battery has 55 °C or more"),
    "clock-unsynced": (LATER, "the clock was never synced"),
}


@dataclass(frozen=True, slots=True)
class Attention:
    """A camera that needs attention, and why."""

    camera: str
    urgency: int
    reasons: tuple[str, ...]
    since: str
    """When its state began; empty if that is not known."""


def attention(view: CameraView, now_s: float) -> Attention | None:
    """Why a camera needs attention; None when it does not. `now_s`: on the clock of `view.last_message_s`."""
    found = sorted(_reasons(view, now_s), key=lambda one: one[0])
    if not found:
        return None
    since = (view.state_message.since or "") if view.state_message is not None else ""
    return Attention(view.camera, found[0][0], tuple(reason for _, reason in found), since)


def _reasons(view: CameraView, now_s: float) -> Iterator[tuple[int, str]]:
    state = view.state_message
    if view.unreadable:
        yield SOON, "its state does not fit the contract"
    if state is None or state.state == "off":
        return
    if state.state == "offline":
        yield from _of_offline(view)
        return
    if now_s - view.last_message_s > SILENT_AFTER_S:
        yield SOON, f"connected, and silent for {(now_s - view.last_message_s) / 60:.0f} min"
    yield from _of_state(state)
    if view.telemetry is not None:
        yield from _of_telemetry(view.telemetry, view.clock_error_s)


def _of_offline(view: CameraView) -> Iterator[tuple[int, str]]:
    if view.before_offline == "recording":
        yield SOON, "the connection was lost while it was recording; it may still be"
    elif view.before_offline:
        yield LATER, "the connection was lost"


def _of_state(state: StateMessage) -> Iterator[tuple[int, str]]:
    if state.state == "fault":
        yield NOW, f"fault: {state.reason or 'no reason given'}"
    for flag in state.flags:
        if flag in _WHILE_CAPTURING:
            yield (NOW if state.state == "recording" else SOON), _WHILE_CAPTURING[flag]
        elif flag in _FLAGS:
            yield _FLAGS[flag]


def _of_telemetry(telemetry: Telemetry, clock_error_s: float) -> Iterator[tuple[int, str]]:
    if telemetry.events_dropped:
        yield SOON, f"{telemetry.events_dropped} events were dropped: its outbox was full"
    elif telemetry.events_waiting > MANY_WAITING:
        yield LATER, f"{telemetry.events_waiting} events and replies wait in its outbox"
    free_bytes = telemetry.storage_free_bytes
    if free_bytes is not None and free_bytes < ALMOST_FULL_BYTES:
        yield SOON, f"the storage card has {free_bytes / 1e9:.1f} GB left"
    if abs(clock_error_s) > CLOCK_TOLERANCE_S:
        yield LATER, f"the clock is {abs(clock_error_s):.0f} s {'ahead' if clock_error_s > 0 else 'behind'}"
