"""The output of the operator's commands. Pure. Text from messages goes through `plain`, so that it cannot control the
terminal.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from lapel.link.messages import Command, EventMessage, Reply, StateMessage, Telemetry
from lapel.sanitize import plain
from lapel_fleet.operator.outcomes import Outcome, OutcomeTally
from lapel_fleet.operator.policy_words import policy_words
from lapel_fleet.operator.received import ClearedTopic, Received, ReceivedMessage, UnreadableMessage, kind_of

HEAD = ("camera", "state", "since", "flags", "recording", "firmware", "session")
UNREADABLE = "unreadable"
_EXAMPLES = 10

States = Mapping[str, StateMessage | None]


# -- ls ----------------------------------------------------------------------------------------------------------------


def table(cameras: Sequence[str], states: States) -> list[str]:
    """A head and a line for each camera, with the reason of its state if it gives one."""
    rows = [HEAD, *(row(camera, states[camera]) for camera in cameras)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(one, widths, strict=True)).rstrip() for one in rows]
    reasons = ["", *(reason(states[camera]) for camera in cameras)]
    return [f"{line}  {why}".rstrip() for line, why in zip(lines, reasons, strict=True)]


def totals(states: Iterable[StateMessage | None]) -> str:
    """`12 cameras: 8 buffering, 3 recording, 1 offline`, the most frequent state first."""
    counted = Counter(UNREADABLE if state is None else state.state for state in states)
    ranked = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    by_state = f": {', '.join(f'{count} {state}' for state, count in ranked)}" if ranked else ""
    return f"{counted.total()} camera{'' if counted.total() == 1 else 's'}{by_state}"


def table_json(cameras: Sequence[str], states: States) -> list[dict[str, Any]]:
    """The table for programs: each state message, with the camera's `address`."""
    return [{"address": camera, **_fields(states[camera])} for camera in cameras]


def invalid_messages(count: int, newest: Iterable[str]) -> list[str]:
    """The number of messages that do not fit the contract, and the newest of them."""
    if count == 0:
        return []
    return [f"{count} message{'s' if count > 1 else ''} did not fit the contract; the newest:", *map(_indented, newest)]


def row(camera: str, state: StateMessage | None) -> tuple[str, ...]:
    """The cells below HEAD; `-` where there is nothing to show."""
    if state is None:
        return (plain(camera), UNREADABLE, *("-" for _ in HEAD[2:]))
    cells = (state.since or "", ",".join(state.flags), state.recording or "", state.firmware, state.session)
    return (plain(camera), state.state, *(plain(cell) or "-" for cell in cells))


def reason(state: StateMessage | None) -> str:
    """The reason of its state in brackets; empty if it gives none."""
    return f"({plain(state.reason)})" if state is not None and state.reason else ""


def _fields(state: StateMessage | None) -> dict[str, Any]:
    return {"state": UNREADABLE} if state is None else msgspec.to_builtins(state)


def _indented(line: str) -> str:
    return f"  {plain(line)}"


# -- send --------------------------------------------------------------------------------------------------------------


def summary(tally: OutcomeTally, command: str) -> list[str]:
    """Log lines and details of the replies, the cameras without *done* by result and reason, and the counts."""
    ranked = sorted(tally.outcomes.values(), key=lambda one: one.camera)
    lines = [line for one in ranked for line in _reply_lines(one, alone=len(ranked) == 1)]
    for result in tally.counts():
        if result != "done":
            lines += _by_reason(result, [one for one in ranked if one.result == result])
    lines += [f"unexpected: {plain(oddity)}{f' ({count} times)' if count > 1 else ''}"
              for oddity, count in sorted(tally.oddities.items())]  # fmt: skip
    counted = ", ".join(f"{count} {result}" for result, count in tally.counts().items())
    return [*lines, f"{command}: {len(ranked)} camera{'' if len(ranked) == 1 else 's'}: {counted}"]


def summary_json(tally: OutcomeTally, command: Command) -> dict[str, Any]:
    """The summary for programs."""
    return {
        "command": command.command,
        "counts": tally.counts(),
        "oddities": dict(tally.oddities),
        "cameras": [_outcome(one) for one in sorted(tally.outcomes.values(), key=lambda one: one.camera)],
    }


def _reply_lines(one: Outcome, *, alone: bool) -> list[str]:
    """Log lines, details of a self-test; the recording too if the command was for this camera alone."""
    details = one.reply.detail if one.reply is not None else None
    lines = [f"{plain(one.camera)}  {plain(line)}" for line in one.lines]
    lines += [f"{plain(one.camera)}  {plain(key)}: {plain(str(value))}" for key, value in (details or {}).items()]
    if alone and one.reply is not None and one.reply.recording:
        lines.append(f"{plain(one.camera)}  recording: {plain(one.reply.recording)}")
    return lines


def _by_reason(result: str, outcomes: Sequence[Outcome]) -> list[str]:
    """One line for all cameras with the same reason, with the names of the first of them."""
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
    always = {"camera": one.camera, "result": one.result, "id": one.id, "reason": one.reason}
    known: dict[str, Any] = {"took_s": one.took_s, "lines": one.lines}
    if one.reply is not None:
        known |= {"state": one.reply.state, "recording": one.reply.recording, "detail": one.reply.detail}
    return always | {key: value for key, value in known.items() if value}


# -- watch -------------------------------------------------------------------------------------------------------------


def line_of(received: Received, before: StateMessage | None, now: str) -> str:
    """The message as one line; `now` (ISO 8601) replaces the time that a message lacks, as a last will does."""
    match received:
        case ClearedTopic(camera):
            return _line(now, camera, "its state was cleared: no longer part of this fleet")
        case UnreadableMessage(camera, _, reason):
            return _line(now, camera, f"does not fit the contract: {reason}")
        case ReceivedMessage(camera, message):
            return _line(_time(message) or now, camera, _text(message, before))


def json_of(received: Received) -> dict[str, Any]:
    """The message for programs."""
    match received:
        case ClearedTopic(camera):
            return {"camera": camera, "kind": "cleared"}
        case UnreadableMessage(camera, _, reason):
            return {"camera": camera, "kind": "misfit", "reason": reason}
        case ReceivedMessage(camera, message, retained):
            fields = msgspec.to_builtins(message)
            return {"camera": camera, "kind": kind_of(message), "retained": retained, "message": fields}


def _line(time: str, camera: str, text: str) -> str:
    return f"{time[11:19]}  {plain(camera)}  {plain(text)}"


def _time(message: StateMessage | EventMessage | Reply | Telemetry | Command) -> str | None:
    return message.sent_at if isinstance(message, Command) else message.time


def _text(message: StateMessage | EventMessage | Reply | Telemetry | Command, before: StateMessage | None) -> str:
    match message:
        case StateMessage():
            return _state_text(message, before)
        case EventMessage():
            return f"{message.kind}{_listed(message.detail.items())}"
        case Reply():
            return f"reply to {message.command} {message.id}: {message.result}{_because(message.reason)}"
        case Telemetry():
            return f"telemetry: {message.state}, {message.buffered_s:.0f} s buffered, {message.measured_fps:.1f} fps"
        case Command():
            sender = message.sender or "an unnamed sender"
            return f"command {message.command} {message.id} from {sender}{_because(message.reason)}"


def _state_text(state: StateMessage, before: StateMessage | None) -> str:
    change = f"{before.state} -> " if before is not None and before.state != state.state else ""
    lost = ", last will: its connection was lost" if state.state == "offline" and state.time is None else ""
    clip = f", {state.recording}" if state.recording else ""
    flags = f" [{', '.join(state.flags)}]" if state.flags else ""
    return f"{change}{state.state}{clip}{flags}{lost or _because(state.reason)}"


def detail_text(event: EventMessage) -> str:
    """An event's details as `key=value, …`."""
    return plain(_listed(event.detail.items()).strip())


def event_words(event: EventMessage) -> str:
    """An event's details for readers: a sentence for those of the policy; for others why it happened, in words, and the
    rest as `key=value, …` behind it.
    """
    if (sentence := policy_words(event)) is not None:
        return plain(sentence)
    reason = event.detail.get("reason")
    others = _listed(
        (key, value) for key, value in event.detail.items() if key != "reason" and value not in ("", None)
    ).strip()
    if not isinstance(reason, str) or not reason:
        return plain(others)
    return plain(f"{reason} ({others})" if others else reason)


def _because(reason: str | None) -> str:
    return f", {reason}" if reason else ""


def _listed(pairs: Iterable[tuple[str, object]]) -> str:
    text = ", ".join(f"{key}={value}" for key, value in pairs)
    return f"  {text}" if text else ""
