"""What the operator's commands print. Pure. Whatever strangers said goes through `plain`: no word of theirs may order
the terminal about.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from lapel.link.messages import Command, EventMessage, Reply, StateMessage, Telemetry
from lapel.sanitize import plain
from lapel_fleet.operator.outcomes import Outcome, OutcomeTally
from lapel_fleet.operator.received import ClearedTopic, ReceivedMessage, UnreadableMessage, kind_of

_HEAD = ("camera", "state", "since", "flags", "recording", "firmware", "session")
UNREADABLE = "unreadable"
_EXAMPLES = 10

States = Mapping[str, StateMessage | None]


# -- ls ----------------------------------------------------------------------------------------------------------------


def table(cameras: Sequence[str], states: States) -> list[str]:
    """A line for each camera, under a head; and why, where it says so."""
    rows = [_HEAD, *(_row(camera, states[camera]) for camera in cameras)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    reasons = ["", *(_reason(states[camera]) for camera in cameras)]
    return [f"{line}  {reason}".rstrip() for line, reason in zip(lines, reasons, strict=True)]


def totals(states: Iterable[StateMessage | None]) -> str:
    """`12 cameras: 8 buffering, 3 recording, 1 offline`, the commonest first."""
    counted = Counter(UNREADABLE if state is None else state.state for state in states)
    ranked = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    said = f": {', '.join(f'{count} {state}' for state, count in ranked)}" if ranked else ""
    return f"{counted.total()} camera{'' if counted.total() == 1 else 's'}{said}"


def listed(cameras: Sequence[str], states: States) -> list[dict[str, Any]]:
    """The same for programs: each state message, with the camera's `address`."""
    return [{"address": camera, **_fields(states[camera])} for camera in cameras]


def misfits(count: int, newest: Iterable[str]) -> list[str]:
    """What did not fit the contract, as far as it was kept."""
    if count == 0:
        return []
    return [f"{count} message{'s' if count > 1 else ''} did not fit the contract; the newest:", *map(_indented, newest)]


def _row(camera: str, state: StateMessage | None) -> tuple[str, ...]:
    if state is None:
        return (plain(camera), UNREADABLE, *("-" for _ in _HEAD[2:]))
    cells = (state.since or "", ",".join(state.flags), state.recording or "", state.firmware, state.session)
    return (plain(camera), state.state, *(plain(cell) or "-" for cell in cells))


def _reason(state: StateMessage | None) -> str:
    return f"({plain(state.reason)})" if state is not None and state.reason else ""


def _fields(state: StateMessage | None) -> dict[str, Any]:
    return {"state": UNREADABLE} if state is None else msgspec.to_builtins(state)


def _indented(line: str) -> str:
    return f"  {plain(line)}"


# -- send --------------------------------------------------------------------------------------------------------------


def summary(account: OutcomeTally, command: str) -> list[str]:
    """Each camera that did not do it, by result and reason; what was brought; and the count."""
    ranked = sorted(account.outcomes.values(), key=lambda one: one.camera)
    lines = [line for one in ranked for line in _brought(one, alone=len(ranked) == 1)]
    for result in account.counts():
        if result != "done":
            lines += _by_reason(result, [one for one in ranked if one.result == result])
    lines += [f"odd: {plain(oddity)}{f' ({count} times)' if count > 1 else ''}"
              for oddity, count in sorted(account.oddities.items())]  # fmt: skip
    counted = ", ".join(f"{count} {result}" for result, count in account.counts().items())
    return [*lines, f"{command}: {len(ranked)} camera{'' if len(ranked) == 1 else 's'}: {counted}"]


def accounted(account: OutcomeTally, order: Command) -> dict[str, Any]:
    """The same for programs."""
    return {
        "command": order.command,
        "counts": account.counts(),
        "oddities": dict(account.oddities),
        "cameras": [_outcome(one) for one in sorted(account.outcomes.values(), key=lambda one: one.camera)],
    }


def _brought(one: Outcome, *, alone: bool) -> list[str]:
    """Lines of a log, details of a self-test; the clip, where only one camera was asked."""
    details = one.answer.detail if one.answer is not None else None
    lines = [f"{plain(one.camera)}  {plain(line)}" for line in one.lines]
    lines += [f"{plain(one.camera)}  {plain(key)}: {plain(str(value))}" for key, value in (details or {}).items()]
    if alone and one.answer is not None and one.answer.recording:
        lines.append(f"{plain(one.camera)}  recording: {plain(one.answer.recording)}")
    return lines


def _by_reason(result: str, outcomes: Sequence[Outcome]) -> list[str]:
    """A thousand cameras that say the same are told in a line, with the first of them by name."""
    groups: dict[str, list[str]] = {}
    for one in outcomes:
        groups.setdefault(one.reason, []).append(one.camera)
    lines = []
    for reason, cameras in groups.items():
        more = len(cameras) - _EXAMPLES
        named = ", ".join(map(plain, cameras[:_EXAMPLES])) + (f" and {more} more" if more > 0 else "")
        lines.append(f"{result} ({plain(reason)}): {named}")
    return lines


def _outcome(one: Outcome) -> dict[str, Any]:
    told = {"camera": one.camera, "result": one.result, "id": one.id, "reason": one.reason}
    brought: dict[str, Any] = {"took_s": one.took_s, "lines": one.lines}
    if one.answer is not None:
        brought |= {"state": one.answer.state, "recording": one.answer.recording, "detail": one.answer.detail}
    return told | {key: value for key, value in brought.items() if value}


# -- watch -------------------------------------------------------------------------------------------------------------


def happening(said: ReceivedMessage | ClearedTopic | UnreadableMessage, before: StateMessage | None, now: str) -> str:
    """One line; `now` (ISO 8601) stands where the camera gives no time, as its will cannot."""
    match said:
        case ClearedTopic(camera):
            return _line(now, camera, "its state was cleared: no longer of this fleet")
        case UnreadableMessage(camera, _, reason):
            return _line(now, camera, f"does not fit the contract: {reason}")
        case ReceivedMessage(camera, message):
            return _line(_time(message) or now, camera, _words(message, before))


def told(said: ReceivedMessage | ClearedTopic | UnreadableMessage) -> dict[str, Any]:
    """The same for programs."""
    match said:
        case ClearedTopic(camera):
            return {"camera": camera, "kind": "cleared"}
        case UnreadableMessage(camera, _, reason):
            return {"camera": camera, "kind": "misfit", "reason": reason}
        case ReceivedMessage(camera, message, retained):
            fields = msgspec.to_builtins(message)
            return {"camera": camera, "kind": kind_of(message), "retained": retained, "message": fields}


def _line(time: str, camera: str, words: str) -> str:
    return f"{time[11:19]}  {plain(camera)}  {plain(words)}"


def _time(message: StateMessage | EventMessage | Reply | Telemetry | Command) -> str | None:
    return message.sent_at if isinstance(message, Command) else message.time


def _words(message: StateMessage | EventMessage | Reply | Telemetry | Command, before: StateMessage | None) -> str:
    match message:
        case StateMessage():
            return _state_words(message, before)
        case EventMessage():
            return f"{message.kind}{_listed(message.detail.items())}"
        case Reply():
            return f"answers {message.command} {message.id}: {message.result}{_because(message.reason)}"
        case Telemetry():
            return f"telemetry: {message.state}, {message.buffered_s:.0f} s buffered, {message.measured_fps:.1f} fps"
        case Command():
            asks = message.sender or "somebody"
            return f"is asked by {asks} to {message.command} {message.id}{_because(message.reason)}"


def _state_words(state: StateMessage, before: StateMessage | None) -> str:
    came = f"{before.state} -> " if before is not None and before.state != state.state else ""
    lost = ", a will: its connection is gone" if state.state == "offline" and state.time is None else ""
    clip = f", {state.recording}" if state.recording else ""
    flags = f" [{', '.join(state.flags)}]" if state.flags else ""
    return f"{came}{state.state}{clip}{flags}{lost or _because(state.reason)}"


def _because(reason: str | None) -> str:
    return f", {reason}" if reason else ""


def _listed(pairs: Iterable[tuple[str, object]]) -> str:
    said = ", ".join(f"{key}={value}" for key, value in pairs)
    return f"  {said}" if said else ""
