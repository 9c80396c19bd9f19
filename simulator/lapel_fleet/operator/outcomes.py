"""The outcome of a command for each camera: every camera ends with exactly one result. Pure: no broker, no clock."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from lapel.link.messages import Reply

Result = Literal["done", "refused", "failed", "no answer", "offline"]
RESULTS: tuple[Result, ...] = ("done", "refused", "failed", "no answer", "offline")
_FINAL: Mapping[str, Result] = {"done": "done", "refused": "refused", "failed": "failed"}


@dataclass(slots=True)
class Outcome:
    """The outcome for one camera."""

    camera: str
    id: str = ""
    """Id of the command; empty if none was sent to it."""
    result: Result | None = None
    """None until there is one."""
    reason: str = ""
    reply: Reply | None = None
    """The final reply."""
    lines: list[str] = field(default_factory=list)
    """The log lines, for `request-log`."""
    sent_s: float | None = None
    took_s: float | None = None
    """Seconds from the first sending to the final reply."""
    replied: bool = False
    """Whether any reply arrived."""
    invalid_reply: str = ""
    """What was wrong with a message that is not a valid reply."""


class OutcomeTally:
    """The outcomes of one command to many cameras, with an id for each. Times are seconds of any one time line."""

    def __init__(self, ids: Mapping[str, str], offline: Iterable[str] = ()) -> None:
        """`ids`: the command's id for each camera that it is sent to; it is not sent to those `offline`."""
        self.outcomes = {camera: Outcome(camera, id_) for camera, id_ in ids.items()}
        for camera in offline:
            self.outcomes[camera] = Outcome(camera, result="offline", reason="not sent")
        self.oddities: Counter[str] = Counter()
        """Unexpected replies that had no effect, and their number."""
        self._by_id = {id_: camera for camera, id_ in ids.items()}
        self._open = len(ids)

    @property
    def is_settled(self) -> bool:
        """Whether every camera has a result."""
        return self._open == 0

    @property
    def all_done(self) -> bool:
        """Whether every result is *done*."""
        return all(one.result == "done" for one in self.outcomes.values())

    def open(self) -> list[Outcome]:
        """The outcomes without a result."""
        return [one for one in self.outcomes.values() if one.result is None]

    def silent(self) -> list[Outcome]:
        """The outcomes without any reply: a camera that accepted the command need not be sent it again."""
        return [one for one in self.open() if not one.replied]

    def counts(self) -> dict[Result, int]:
        """The number of each result, in the order of RESULTS, without zeros."""
        counted = Counter(one.result for one in self.outcomes.values())
        return {result: counted[result] for result in RESULTS if counted[result]}

    def sent(self, one: Outcome, now_s: float) -> None:
        """Note that its command is sent, perhaps for the second time."""
        if one.sent_s is None:
            one.sent_s = now_s

    def take(self, camera: str, reply: Reply, now_s: float) -> None:
        """Take a reply of a camera. Only its own id counts, and only the first final reply."""
        expected = self._by_id.get(reply.id)
        if expected is None:
            return  # a reply to another operator
        if expected != camera:
            self.oddities[f"{camera} replied for {expected}"] += 1
            return
        one = self.outcomes[camera]
        one.replied = True
        if one.result is not None:
            self._take_repeat(one, reply)
            return
        one.lines += reply.lines or []
        if reply.result in _FINAL:
            one.reply = reply
            one.took_s = None if one.sent_s is None else now_s - one.sent_s
            self._end(one, _FINAL[reply.result], reply.reason or "")

    def take_invalid(self, camera: str, reason: str) -> None:
        """Take a message on a camera's reply topic that is not a valid reply."""
        if (one := self.outcomes.get(camera)) is not None:
            one.invalid_reply = reason

    def close(self, why: str) -> None:
        """Give every outcome without a result the result *no answer*, with the reason `why`."""
        for one in self.open():
            if one.sent_s is None:
                detail = "not sent, "
            elif one.replied:
                detail = "accepted, but no final reply, "
            else:
                detail = f"its reply was invalid ({one.invalid_reply}), " if one.invalid_reply else ""
            self._end(one, "no answer", f"{detail}{why}")

    def _take_repeat(self, one: Outcome, reply: Reply) -> None:
        if reply.result in _FINAL:
            same = reply.result == one.result
            self.oddities[f"{one.camera} replied again: {reply.result}{'' if same else f' after {one.result}'}"] += 1

    def _end(self, one: Outcome, result: Result, reason: str) -> None:
        one.result, one.reason = result, reason
        self._open -= 1
