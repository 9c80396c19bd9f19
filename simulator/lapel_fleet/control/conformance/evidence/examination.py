"""Examines an evidence back end: each situation uploads recordings of its own, and judges what the back end has."""

from collections.abc import Iterable, Iterator

from lapel.clock import SystemClock
from lapel_fleet.control.conformance.evidence.material import Recorded, recorded
from lapel_fleet.control.conformance.evidence.situations import EvidenceSituation
from lapel_fleet.control.conformance.evidence.stage import EvidenceStage
from lapel_fleet.control.conformance.evidence.subject import EvidenceSubject, EvidenceSubjectError
from lapel_fleet.control.conformance.examination import Outcome
from lapel_fleet.control.conformance.judging import WrongBelief

_SHOWN_MESSAGES = 14


class Recordings:
    """The recordings of a seed, made once for each situation."""

    def __init__(self, seed: int, suffix: str = "") -> None:
        """`suffix` makes the names of sites new, for a server that remembers earlier examinations."""
        self._seed, self._suffix = seed, suffix
        self._made: dict[str, list[Recorded]] = {}

    def of(self, situation: str) -> list[Recorded]:
        """Those of one situation: its cameras are its own."""
        if situation not in self._made:
            site = f"{situation}{self._suffix}"
            self._made[situation] = recorded(self._seed, site)
        return self._made[situation]


def examine(
    subject: EvidenceSubject, situations: Iterable[EvidenceSituation], recordings: Recordings
) -> Iterator[Outcome]:
    """The outcome of each situation, as soon as it is there."""
    for one in situations:
        yield _examine_one(subject, one, recordings)


def _examine_one(subject: EvidenceSubject, situation: EvidenceSituation, recordings: Recordings) -> Outcome:
    clock = SystemClock()
    began_s = clock.mono_s()
    stage = EvidenceStage(subject, recordings.of(situation.id))
    try:
        situation.script(stage)
    except EvidenceSubjectError as error:
        stage.wrong.append(WrongBelief("the back end", "answer", "none", "an answer", str(error)))
    missing = ", ".join(dict.fromkeys(stage.skipped))
    reason = f"the back end does not say: {missing}" if missing and not stage.wrong else ""
    return Outcome(
        id=situation.id, happens=situation.happens, matters=situation.matters,
        verdict="failed" if stage.wrong else "not-applicable" if reason else "passed",
        reason=reason, wrong=stage.wrong, messages=stage.messages[-_SHOWN_MESSAGES:] if stage.wrong else [],
        took_s=clock.mono_s() - began_s,
    )  # fmt: skip
