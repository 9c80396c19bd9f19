"""Compares what a back end believes about a camera with what is true."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from lapel_fleet.control.conformance.story import Question, Truth

_SHAPES: Mapping[Question, str] = {
    "state": 'text, such as "recording"',
    "session": "text: the session's id",
    "events": "a list of event ids, in order",
    "recordings": "a list of recording ids",
}
_SHOWN_IDS = 4


class WrongBelief(msgspec.Struct, frozen=True):
    """A question that the back end answered wrongly."""

    camera: str
    question: str
    believed: str
    true: str
    problem: str = ""
    """What is wrong, where the two answers alone do not show it."""

    def __str__(self) -> str:
        text = f"{self.camera}: {self.question}: believed {self.believed}; true is {self.true}"
        return f"{text} ({self.problem})" if self.problem else text


def wrong_beliefs(truth: Truth, answers: Mapping[str, Any], answered: set[str]) -> Iterator[WrongBelief]:
    """What is wrong in the answers about one camera, of the questions in `answered`, which the probe answers at all."""
    for question in truth.asked:
        if question in answered:
            yield from _wrong(truth, question, answers.get(question))


def _wrong(truth: Truth, question: Question, believed: Any) -> Iterator[WrongBelief]:
    expected = getattr(truth, question)
    if (fault := _shape_fault(question, believed)) is not None:
        yield WrongBelief(truth.camera, question, _short(believed), _short_truth(expected), fault)
    elif question == "events":
        problems = list(_event_problems(truth, believed))
        if problems:
            yield WrongBelief(truth.camera, question, _short(believed), _short_truth(expected), "; ".join(problems))
    elif question == "recordings":
        if sorted(believed) != sorted(expected):
            yield WrongBelief(truth.camera, question, _short(believed), _short_truth(expected))
    elif believed != expected:
        yield WrongBelief(truth.camera, question, _short(believed), _short_truth(expected))


def _shape_fault(question: Question, believed: Any) -> str | None:
    """What is wrong with the kind of an answer; None when nothing is."""
    if believed is None:
        return "the back end does not know this camera"
    if question in ("state", "session"):
        is_right = isinstance(believed, str)
    else:
        is_right = isinstance(believed, list | tuple) and all(isinstance(one, str) for one in believed)
    return None if is_right else f"the probe must answer {_SHAPES[question]}, not {type(believed).__name__}"


def _event_problems(truth: Truth, believed: Sequence[str]) -> Iterator[str]:
    events = truth.events or ()
    known, counts = {event.id for event in events}, Counter(believed)
    doubled = [id_ for id_, count in counts.items() if count > 1]
    missing = [event.id for event in events if event.id not in counts and event.id not in truth.maybe_events]
    foreign = [id_ for id_ in counts if id_ not in known]
    for what, ids in (("more than once", doubled), ("missing", missing), ("not of this camera", foreign)):
        if ids:
            yield f"{len(ids)} {what}, first {ids[0]}"
    if (late := _first_out_of_order(truth, believed)) is not None:
        yield f"{late} stands after a later one"


def _first_out_of_order(truth: Truth, believed: Sequence[str]) -> str | None:
    """The first event behind one that happened later. Those of one moment may be in any order."""
    events = truth.events or ()
    sessions = list(dict.fromkeys(event.session for event in events))
    places = {event.id: (sessions.index(event.session), event.mono_s) for event in events}
    kept = [id_ for id_ in dict.fromkeys(believed) if id_ in places]
    return next((later for earlier, later in pairwise(kept) if places[later] < places[earlier]), None)


def _short_truth(expected: Any) -> str:
    return _short([getattr(one, "id", one) for one in expected] if isinstance(expected, tuple) else expected)


def _short(answer: Any) -> str:
    """An answer in a few words."""
    if isinstance(answer, list | tuple):
        items = [str(one) for one in answer]
        more = ", …" if len(items) > _SHOWN_IDS else ""
        return f"{len(items)}: [{', '.join(items[:_SHOWN_IDS])}{more}]"
    return "nothing" if answer is None else str(answer)[:120]
