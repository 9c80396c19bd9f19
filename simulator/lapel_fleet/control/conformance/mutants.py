"""The mutation score of the suite: bugs planted in a back end one after the other, and which situations catch them."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from lapel_fleet.control.conformance.evidence.examination import Recordings, examine
from lapel_fleet.control.conformance.evidence.situations import EvidenceSituation
from lapel_fleet.control.conformance.evidence.subject import MemoryEvidence
from lapel_fleet.control.conformance.examination import Examiner, Stories
from lapel_fleet.control.conformance.situation import Situation
from lapel_fleet.control.conformance.subject import BackEndError, MemorySubject

AGENCY = "conformance"
Maker = Callable[[], object]
"""Makes a back end in memory: an object with `receive` and the questions of a probe."""


class Score(msgspec.Struct, frozen=True):
    """What the suite finds in one mutant."""

    mutant: str
    caught_by: list[str]
    """Ids of the situations that failed."""
    cpu_s: float
    """Seconds of CPU time of its examination, without the making of the stories, which all mutants share."""
    bug: str = ""
    """What is wrong with it: its docstring."""


def scores(makers: Mapping[str, Maker], situations: Sequence[Situation], seed: int) -> Iterator[Score]:
    """The score of each mutant, as soon as it is there."""
    stories = Stories(seed, AGENCY, is_live=False)
    for one in situations:
        stories.story(one)
    yield from _scores(makers, lambda back_end: _failed(back_end, situations, seed, stories))


def evidence_scores(makers: Mapping[str, Maker], situations: Sequence[EvidenceSituation], seed: int) -> Iterator[Score]:
    """The same for evidence back ends."""
    recordings = Recordings(seed)
    for one in situations:
        recordings.of(one.id)

    def failed(back_end: object) -> Iterator[str]:
        outcomes = examine(MemoryEvidence(back_end), situations, recordings)
        return (one.id for one in outcomes if one.verdict == "failed")

    yield from _scores(makers, failed)


def _scores(makers: Mapping[str, Maker], failed: Callable[[object], Iterator[str]]) -> Iterator[Score]:
    for name, maker in makers.items():
        began_s = time.process_time()
        caught = list(failed(maker()))
        yield Score(name, caught, time.process_time() - began_s, " ".join((maker.__doc__ or "").split()))


def idle_situations(situations: Iterable[Situation | EvidenceSituation], found: Iterable[Score]) -> list[str]:
    """The situations that catch none of the mutants."""
    useful = {id_ for score in found for id_ in score.caught_by}
    return [one.id for one in situations if one.id not in useful]


def _failed(back_end: object, situations: Sequence[Situation], seed: int, stories: Stories) -> Iterator[str]:
    examiner = Examiner(MemorySubject(back_end), seed, agency=AGENCY, stories=stories)
    try:
        for outcome in examiner.examine(situations):
            if outcome.verdict == "failed":
                yield outcome.id
    except BackEndError:
        yield "every situation"
