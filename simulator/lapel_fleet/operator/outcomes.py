"""What became of each camera that was asked: everyone ends in exactly one place. Pure: knows no broker and no clock."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from lapel.link.messages import Reply

Result = Literal["done", "refused", "failed", "no answer", "offline"]
RESULTS: tuple[Result, ...] = ("done", "refused", "failed", "no answer", "offline")
_ENDINGS: Mapping[str, Result] = {"done": "done", "refused": "refused", "failed": "failed"}


@dataclass(slots=True)
class Outcome:
    """One camera's."""

    camera: str
    id: str = ""
    """Of the command; empty when it was sent none."""
    result: Result | None = None
    """None while it is open."""
    reason: str = ""
    answer: Reply | None = None
    """The one that ended it."""
    lines: list[str] = field(default_factory=list)
    """Of `request-log`."""
    sent_s: float | None = None
    took_s: float | None = None
    """Seconds from the first sending to the ending."""
    received: bool = False
    """Whether it gave any answer at all."""
    garbled: str = ""
    """What was wrong with an answer that was none."""


class OutcomeTally:
    """One command to many cameras, each under an id of its own. Times are seconds on any one line."""

    def __init__(self, ids: Mapping[str, str], offline: Iterable[str] = ()) -> None:
        """`ids` names the command for each camera that is sent one; those `offline` are sent none."""
        self.outcomes = {camera: Outcome(camera, id_) for camera, id_ in ids.items()}
        for camera in offline:
            self.outcomes[camera] = Outcome(camera, result="offline", reason="not sent")
        self.oddities: Counter[str] = Counter()
        """What cameras said that changed nothing, and how often."""
        self._by_id = {id_: camera for camera, id_ in ids.items()}
        self._open = len(ids)

    @property
    def settled(self) -> bool:
        """Whether every camera has its result."""
        return self._open == 0

    @property
    def all_done(self) -> bool:
        """Whether every result is *done*."""
        return all(one.result == "done" for one in self.outcomes.values())

    def open(self) -> list[Outcome]:
        """Those without a result."""
        return [one for one in self.outcomes.values() if one.result is None]

    def silent(self) -> list[Outcome]:
        """Those that gave no answer at all so far: whoever has accepted need not be asked again."""
        return [one for one in self.open() if not one.received]

    def counts(self) -> dict[Result, int]:
        """How many of each result, in the order of RESULTS; those that are none are left out."""
        counted = Counter(one.result for one in self.outcomes.values())
        return {result: counted[result] for result in RESULTS if counted[result]}

    def sent(self, one: Outcome, now_s: float) -> None:
        """Its command goes out, perhaps again."""
        if one.sent_s is None:
            one.sent_s = now_s

    def take(self, camera: str, reply: Reply, now_s: float) -> None:
        """A camera answers. Only its own id counts, and only the first ending."""
        asked = self._by_id.get(reply.id)
        if asked is None:
            return  # an answer to somebody else
        if asked != camera:
            self.oddities[f"{camera} answered for {asked}"] += 1
            return
        one = self.outcomes[camera]
        one.received = True
        if one.result is not None:
            self._again(one, reply)
            return
        one.lines += reply.lines or []
        if reply.result in _ENDINGS:
            one.answer = reply
            one.took_s = None if one.sent_s is None else now_s - one.sent_s
            self._end(one, _ENDINGS[reply.result], reply.reason or "")

    def garble(self, camera: str, reason: str) -> None:
        """What it said where answers belong was none."""
        if (one := self.outcomes.get(camera)) is not None:
            one.garbled = reason

    def close(self, why: str) -> None:
        """Nobody is waited for any longer."""
        for one in self.open():
            if one.sent_s is None:
                said = "not sent, "
            elif one.received:
                said = "accepted, and then nothing, "
            else:
                said = f"what it said was no answer ({one.garbled}), " if one.garbled else ""
            self._end(one, "no answer", f"{said}{why}")

    def _again(self, one: Outcome, reply: Reply) -> None:
        if reply.result in _ENDINGS:
            same = reply.result == one.result
            self.oddities[f"{one.camera} answered again: {reply.result}{'' if same else f' after {one.result}'}"] += 1

    def _end(self, one: Outcome, result: Result, reason: str) -> None:
        one.result, one.reason = result, reason
        self._open -= 1
