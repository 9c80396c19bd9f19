"""The state chart: what a camera may do, and what it refuses and why. Pure: no I/O, no clock, no asyncio.

`TABLE` has a row for every event in every state: a transition, or a refusal with its reason. There is no catch-all, so
a new state or event cannot be added before all of its pairs are decided.

One synchronous `transitions.Machine` serves all cameras of a process; each camera's `Chart` is a model of it. Refusals
are internal transitions, so the machine never raises for an event that is refused. The machine is unqueued, and no
callback triggers an event: effects are *returned*, and the camera's inbox is the queue.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import SimpleNamespace
from typing import Any, cast

from transitions import EventData, Machine
from transitions.extensions.diagrams import GraphMachine


class State(StrEnum):
    """The states of a camera. The glossary gives other vendors' names for them."""

    OFF = "off"
    BOOTING = "booting"
    STANDBY = "standby"
    BUFFERING = "buffering"
    RECORDING = "recording"
    DOCKED = "docked"
    FAULT = "fault"


class Event(StrEnum):
    """Everything that decides a camera's state. What does not (a lost source, a link that is down) is a flag."""

    POWER_ON = "power_on"
    SELF_TEST_PASSED = "self_test_passed"
    SELF_TEST_FAILED = "self_test_failed"
    ARM = "arm"
    SLEEP = "sleep"
    START = "start"
    STOP = "stop"
    POST_EVENT_OVER = "post_event_over"
    MARK = "mark"
    MUTE = "mute"
    UNMUTE = "unmute"
    DOCK = "dock"
    UNDOCK = "undock"
    STORAGE_FULL = "storage_full"
    STORAGE_FAILED = "storage_failed"
    VIDEO_ENDED = "video_ended"
    FAULT_CLEARED = "fault_cleared"
    BATTERY_CRITICAL = "battery_critical"
    POWER_OFF = "power_off"
    SHUT_DOWN = "shut_down"
    RESTART = "restart"


class Effect(StrEnum):
    """What the camera does on a transition, in the order given."""

    SELF_TEST = "self-test"
    START_CAPTURE = "start capture"
    STOP_CAPTURE = "stop capture"
    OPEN_RECORDING = "open recording"
    CLOSE_RECORDING = "close recording"
    AWAIT_POST_EVENT = "await post-event"
    SET_MARKER = "set marker"
    MUTE = "mute"
    UNMUTE = "unmute"


class Guard(StrEnum):
    """The facts that decide between the rows of one pair; fields of `Facts` of the same name."""

    STORAGE_FULL = "storage_full"
    BATTERY_CRITICAL = "battery_critical"
    POST_EVENT_CONFIGURED = "post_event_configured"
    WITHOUT_SOUND = "without_sound"
    MUTED = "muted"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the chart is given about the camera at the moment of an event."""

    storage_full: bool = False
    battery_critical: bool = False
    post_event_configured: bool = False
    """A post-event time is configured and not running yet."""
    without_sound: bool = False
    """The recording has no sound."""
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Go:
    """A transition to a state, with effects. With a guard it applies only while that fact is true."""

    to: State
    effects: tuple[Effect, ...] = ()
    when: Guard | None = None


@dataclass(frozen=True, slots=True)
class No:
    """A refusal, in words that follow "refused: ". With a guard it applies only while that fact is true."""

    reason: str
    when: Guard | None = None


Row = Go | No

_CAPTURE, _RELEASE = Effect.START_CAPTURE, Effect.STOP_CAPTURE
_OPEN, _CLOSE = Effect.OPEN_RECORDING, Effect.CLOSE_RECORDING

TABLE: Mapping[State, Mapping[Event, tuple[Row, ...]]] = {
    State.OFF: {
        Event.POWER_ON: (Go(State.BOOTING, (Effect.SELF_TEST,)),),
        Event.SELF_TEST_PASSED: (No("no self-test runs while the camera is off"),),
        Event.SELF_TEST_FAILED: (No("no self-test counts while the camera is off"),),
        Event.ARM: (No("the camera is off; power it on to arm it"),),
        Event.SLEEP: (No("the camera is off and captures nothing"),),
        Event.START: (No("the camera is off; power it on to record"),),
        Event.STOP: (No("the camera is off and records nothing"),),
        Event.POST_EVENT_OVER: (No("the camera went off before the post-event time was over"),),
        Event.MARK: (No("the camera is off; there is no recording to mark"),),
        Event.MUTE: (No("the camera is off; there is no sound to mute"),),
        Event.UNMUTE: (No("the camera is off; no sound is muted"),),
        Event.DOCK: (No("the camera is off; the dock only charges it"),),
        Event.UNDOCK: (No("the camera is off; undocking does not wake it"),),
        Event.STORAGE_FULL: (No("the camera is off; free space is checked when it starts"),),
        Event.STORAGE_FAILED: (No("the camera is off; storage is tested when it starts"),),
        Event.VIDEO_ENDED: (No("the camera is off; no video is expected"),),
        Event.FAULT_CLEARED: (No("the camera is off; faults are detected when it starts"),),
        Event.BATTERY_CRITICAL: (No("the camera is off already"),),
        Event.POWER_OFF: (No("the camera is switched off already"),),
        Event.SHUT_DOWN: (No("the camera is off; there is nothing to shut down"),),
        Event.RESTART: (No("the camera is off; power it on instead"),),
    },
    State.BOOTING: {
        Event.POWER_ON: (No("the camera is starting"),),
        Event.SELF_TEST_PASSED: (Go(State.BUFFERING, (_CAPTURE,)),),
        Event.SELF_TEST_FAILED: (Go(State.FAULT),),
        Event.ARM: (No("the camera is starting; it arms itself when the self-test has passed"),),
        Event.SLEEP: (No("the camera is starting; send it to sleep once it is up"),),
        Event.START: (No("the camera is starting; it cannot record before the self-test has passed"),),
        Event.STOP: (No("the camera is starting; nothing is being recorded"),),
        Event.POST_EVENT_OVER: (No("the camera restarted before the post-event time was over"),),
        Event.MARK: (No("the camera is starting; there is no recording to mark"),),
        Event.MUTE: (No("the camera is starting; there is no sound to mute"),),
        Event.UNMUTE: (No("the camera is starting; no sound is muted"),),
        Event.DOCK: (Go(State.DOCKED),),
        Event.UNDOCK: (No("the camera is starting and was not docked"),),
        Event.STORAGE_FULL: (Go(State.FAULT),),
        Event.STORAGE_FAILED: (Go(State.FAULT),),
        Event.VIDEO_ENDED: (No("the camera is starting; no video is expected yet"),),
        Event.FAULT_CLEARED: (No("the camera is starting; the self-test decides"),),
        Event.BATTERY_CRITICAL: (Go(State.OFF),),
        Event.POWER_OFF: (Go(State.OFF),),
        Event.SHUT_DOWN: (Go(State.OFF),),
        Event.RESTART: (Go(State.OFF),),
    },
    State.STANDBY: {
        Event.POWER_ON: (No("the camera is on"),),
        Event.SELF_TEST_PASSED: (No("no self-test is under way in standby"),),
        Event.SELF_TEST_FAILED: (Go(State.FAULT),),
        Event.ARM: (Go(State.BUFFERING, (_CAPTURE,)),),
        Event.SLEEP: (No("the camera is in standby already"),),
        Event.START: (
            No("the storage is full; offload recordings first", Guard.STORAGE_FULL),
            Go(State.RECORDING, (_CAPTURE, _OPEN)),
        ),
        Event.STOP: (No("the camera is in standby; nothing is being recorded"),),
        Event.POST_EVENT_OVER: (No("the recording ended before its post-event time was over"),),
        Event.MARK: (No("the camera is in standby; there is no recording to mark"),),
        Event.MUTE: (No("the camera is in standby; there is no sound to mute"),),
        Event.UNMUTE: (No("the camera is in standby; no sound is muted"),),
        Event.DOCK: (Go(State.DOCKED),),
        Event.UNDOCK: (No("the camera is not docked"),),
        Event.STORAGE_FULL: (Go(State.FAULT),),
        Event.STORAGE_FAILED: (Go(State.FAULT),),
        Event.VIDEO_ENDED: (No("the camera is in standby; no video is expected"),),
        Event.FAULT_CLEARED: (No("there is no fault to clear in standby"),),
        Event.BATTERY_CRITICAL: (Go(State.OFF),),
        Event.POWER_OFF: (Go(State.OFF),),
        Event.SHUT_DOWN: (Go(State.OFF),),
        Event.RESTART: (Go(State.OFF),),
    },
    State.BUFFERING: {
        Event.POWER_ON: (No("the camera is on and buffering"),),
        Event.SELF_TEST_PASSED: (No("no self-test is under way while buffering"),),
        Event.SELF_TEST_FAILED: (Go(State.FAULT, (_RELEASE,)),),
        Event.ARM: (No("the camera is armed already"),),
        Event.SLEEP: (Go(State.STANDBY, (_RELEASE,)),),
        Event.START: (
            No("the storage is full; offload recordings first", Guard.STORAGE_FULL),
            Go(State.RECORDING, (_OPEN,)),
        ),
        Event.STOP: (No("the camera is buffering; nothing is being recorded"),),
        Event.POST_EVENT_OVER: (No("the recording has ended; its post-event time is over"),),
        Event.MARK: (No("the camera is buffering; there is no recording to mark"),),
        Event.MUTE: (No("the camera is not recording; there is no sound to mute"),),
        Event.UNMUTE: (No("the camera is not recording; no sound is muted"),),
        Event.DOCK: (Go(State.DOCKED, (_RELEASE,)),),
        Event.UNDOCK: (No("the camera is not docked; it is buffering"),),
        Event.STORAGE_FULL: (Go(State.FAULT, (_RELEASE,)),),
        Event.STORAGE_FAILED: (Go(State.FAULT, (_RELEASE,)),),
        Event.VIDEO_ENDED: (Go(State.OFF, (_RELEASE,)),),
        Event.FAULT_CLEARED: (No("there is no fault to clear while buffering"),),
        Event.BATTERY_CRITICAL: (Go(State.OFF, (_RELEASE,)),),
        Event.POWER_OFF: (Go(State.OFF, (_RELEASE,)),),
        Event.SHUT_DOWN: (Go(State.OFF, (_RELEASE,)),),
        Event.RESTART: (Go(State.OFF, (_RELEASE,)),),
    },
    State.RECORDING: {
        Event.POWER_ON: (No("the camera is on and recording"),),
        Event.SELF_TEST_PASSED: (No("no self-test is under way while recording"),),
        Event.SELF_TEST_FAILED: (No("the recording continues; no self-test interrupts it"),),
        Event.ARM: (No("the camera is armed and recording"),),
        Event.SLEEP: (No("the camera is recording; stop the recording first"),),
        Event.START: (No("the camera is recording already"),),
        Event.STOP: (
            Go(State.RECORDING, (Effect.AWAIT_POST_EVENT,), Guard.POST_EVENT_CONFIGURED),
            Go(State.BUFFERING, (_CLOSE,)),
        ),
        Event.POST_EVENT_OVER: (Go(State.BUFFERING, (_CLOSE,)),),
        Event.MARK: (Go(State.RECORDING, (Effect.SET_MARKER,)),),
        Event.MUTE: (
            No("no sound is recorded that could be muted", Guard.WITHOUT_SOUND),
            No("the sound is muted already", Guard.MUTED),
            Go(State.RECORDING, (Effect.MUTE,)),
        ),
        Event.UNMUTE: (Go(State.RECORDING, (Effect.UNMUTE,), Guard.MUTED), No("the sound is not muted")),
        Event.DOCK: (Go(State.DOCKED, (_CLOSE, _RELEASE)),),
        Event.UNDOCK: (No("the camera is not docked; it is recording"),),
        Event.STORAGE_FULL: (Go(State.FAULT, (_CLOSE, _RELEASE)),),
        Event.STORAGE_FAILED: (Go(State.FAULT, (_CLOSE, _RELEASE)),),
        Event.VIDEO_ENDED: (Go(State.OFF, (_CLOSE, _RELEASE)),),
        Event.FAULT_CLEARED: (No("there is no fault to clear while recording"),),
        Event.BATTERY_CRITICAL: (Go(State.OFF, (_CLOSE, _RELEASE)),),
        Event.POWER_OFF: (
            Go(State.OFF, (_CLOSE, _RELEASE), Guard.BATTERY_CRITICAL),
            No("the camera is recording; stop the recording before you switch it off"),
        ),
        Event.SHUT_DOWN: (Go(State.OFF, (_CLOSE, _RELEASE)),),
        Event.RESTART: (No("the camera is recording; stop the recording before you restart it"),),
    },
    State.DOCKED: {
        Event.POWER_ON: (No("the camera is on, in its dock"),),
        Event.SELF_TEST_PASSED: (No("the camera is docked; it buffers when it is taken out"),),
        Event.SELF_TEST_FAILED: (Go(State.FAULT),),
        Event.ARM: (No("the camera is docked; take it out to arm it"),),
        Event.SLEEP: (No("the camera is docked and captures nothing"),),
        Event.START: (No("the camera is docked; take it out to record"),),
        Event.STOP: (No("the camera is docked; nothing is being recorded"),),
        Event.POST_EVENT_OVER: (No("the dock ended the recording before its post-event time was over"),),
        Event.MARK: (No("the camera is docked; there is no recording to mark"),),
        Event.MUTE: (No("the camera is docked; there is no sound to mute"),),
        Event.UNMUTE: (No("the camera is docked; no sound is muted"),),
        Event.DOCK: (No("the camera is docked already"),),
        Event.UNDOCK: (Go(State.BUFFERING, (_CAPTURE,)),),
        Event.STORAGE_FULL: (No("the camera is docked; the dock makes room by offloading"),),
        Event.STORAGE_FAILED: (Go(State.FAULT),),
        Event.VIDEO_ENDED: (No("the camera is docked; no video is expected"),),
        Event.FAULT_CLEARED: (No("there is no fault to clear in the dock"),),
        Event.BATTERY_CRITICAL: (No("the camera is docked and charging"),),
        Event.POWER_OFF: (Go(State.OFF),),
        Event.SHUT_DOWN: (Go(State.OFF),),
        Event.RESTART: (Go(State.OFF),),
    },
    State.FAULT: {
        Event.POWER_ON: (No("the camera is on, with a fault"),),
        Event.SELF_TEST_PASSED: (Go(State.BUFFERING, (_CAPTURE,)),),
        Event.SELF_TEST_FAILED: (No("the fault stays: the self-test failed again"),),
        Event.ARM: (No("the camera has a fault; it arms itself when that is cleared"),),
        Event.SLEEP: (No("the camera has a fault and captures nothing"),),
        Event.START: (No("the camera has a fault and cannot record; see its reason"),),
        Event.STOP: (No("the camera has a fault; nothing is being recorded"),),
        Event.POST_EVENT_OVER: (No("the fault ended the recording before its post-event time was over"),),
        Event.MARK: (No("the camera has a fault; there is no recording to mark"),),
        Event.MUTE: (No("the camera has a fault; there is no sound to mute"),),
        Event.UNMUTE: (No("the camera has a fault; no sound is muted"),),
        Event.DOCK: (Go(State.DOCKED),),
        Event.UNDOCK: (No("the camera is not docked; it has a fault"),),
        Event.STORAGE_FULL: (No("the fault stays: the storage is full"),),
        Event.STORAGE_FAILED: (No("the fault stays: the storage fails"),),
        Event.VIDEO_ENDED: (No("the camera has a fault; no video is expected"),),
        Event.FAULT_CLEARED: (Go(State.BUFFERING, (_CAPTURE,)),),
        Event.BATTERY_CRITICAL: (Go(State.OFF),),
        Event.POWER_OFF: (Go(State.OFF),),
        Event.SHUT_DOWN: (Go(State.OFF),),
        Event.RESTART: (Go(State.OFF),),
    },
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of an event: the states before and after and the effects, or why it was refused."""

    event: Event
    before: State
    after: State
    effects: tuple[Effect, ...] = ()
    refusal: str | None = None


class Chart:
    """The state of one camera. Small: thousands share one machine."""

    __slots__ = ("_row", "state")

    def __init__(self) -> None:
        self.state: str = State.OFF.value
        self._row: Row | None = None

    def refusal(self, event: Event, facts: Facts) -> str | None:
        """Why `event` would be refused now; None when it would not. Changes nothing."""
        row = next(row for row in TABLE[State(self.state)][event] if _holds(row, facts))
        return row.reason if isinstance(row, No) else None

    def handle(self, event: Event, facts: Facts) -> Outcome:
        """Handle `event`. Never raises: every pair has its row."""
        before = State(self.state)
        _MACHINE.events[event.value].trigger(self, facts=facts)
        row, self._row = self._row, None
        if isinstance(row, No):
            return Outcome(event, before, before, refusal=row.reason)
        assert row is not None, "a pair without a row"
        return Outcome(event, before, row.to, row.effects)


def _machine(kind: type[Machine], model: object, **options: Any) -> Machine:
    return kind(
        model=model, states=[state.value for state in State], initial=State.OFF.value, auto_transitions=False, **options
    )


def _shared_machine() -> Machine:
    """The machine of all charts. Of the rows of a pair the first whose guard is true applies."""
    machine = _machine(Machine, None, send_event=True)
    for state, answers in TABLE.items():
        for event, rows in answers.items():
            for row in rows:
                _add(machine, state, event, row)
    return machine


def _holds(row: Row, facts: Facts) -> bool:
    return row.when is None or bool(getattr(facts, row.when.value))


def _add(machine: Machine, state: State, event: Event, row: Row) -> None:
    def holds(data: EventData) -> bool:
        return _holds(row, data.kwargs["facts"])

    def take(data: EventData) -> None:
        cast(Chart, data.model)._row = row

    to = row.to.value if isinstance(row, Go) and row.to is not state else None
    machine.add_transition(event.value, state.value, to, conditions=holds, before=take)


def mermaid() -> str:
    """The chart as a Mermaid state diagram: only the transitions; the refusals are in `table_text`."""
    machine = _machine(GraphMachine, SimpleNamespace(), graph_engine="mermaid", show_conditions=True)
    for state, answers in TABLE.items():
        for event, rows in answers.items():
            for row in rows:
                if isinstance(row, Go):
                    guard = {"conditions": row.when.value} if row.when else {}
                    machine.add_transition(event.value, state.value, row.to.value, **guard)
    return str(machine.get_combined_graph().source)


def table_text() -> str:
    """Every pair of state and event, one per line, as in the tests' golden table."""
    lines = []
    for state in State:
        for event in Event:
            lines += [f"{state:<10}{event:<18}{_row_text(row)}" for row in TABLE[state][event]]
    return "\n".join(lines) + "\n"


def _row_text(row: Row) -> str:
    guard = f" [{row.when}]" if row.when else ""
    if isinstance(row, No):
        return f"refused{guard}: {row.reason}"
    return f"-> {row.to}{guard}" + (f": {', '.join(row.effects)}" if row.effects else "")


_MACHINE = _shared_machine()
