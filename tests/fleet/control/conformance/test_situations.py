"""The situations themselves: documented, replayed by their seed, and passed by a correct back end."""

import pytest

from examples.backend import BackEnd
from lapel.errors import ConfigError
from lapel_fleet.control.conformance.catalogue import SITUATIONS, chosen
from lapel_fleet.control.conformance.examination import Examiner
from lapel_fleet.control.conformance.situation import REGISTERED
from lapel_fleet.control.conformance.stage import Place, make_story
from lapel_fleet.control.conformance.story import Publish
from lapel_fleet.control.conformance.subject import MemorySubject


def wrong(seed: int) -> dict[str, list[str]]:
    examiner = Examiner(MemorySubject(BackEnd("conformance")), seed)
    outcomes = list(examiner.examine(SITUATIONS.values()))
    return {one.id: [one.reason, *map(str, one.wrong)] for one in outcomes if one.verdict != "passed"}


def test_every_situation_is_in_the_report_and_says_what_happens_and_why_it_matters() -> None:
    assert set(SITUATIONS) == set(REGISTERED)
    assert len(SITUATIONS) >= 30
    for one in SITUATIONS.values():
        assert one.happens.endswith("."), one.id
        assert one.matters.endswith("."), one.id


@pytest.mark.parametrize("id_", ["reboot-loop", "swapped-events-of-different-cameras"])
def test_a_seed_gives_the_same_story_wherever_it_takes_place(id_: str) -> None:
    def messages(seed: int, site: str) -> list[tuple[str, bytes]]:
        story = make_story(SITUATIONS[id_].script, seed, Place("conformance", site))
        steps = [step for step in story.steps if isinstance(step, Publish)]
        return [
            (one.label, one.envelope.payload.replace(site.encode(), b""))
            for one in steps
            if one.label != "telemetry"  # where it is depends on the site's name
        ]

    assert messages(3, "here") == messages(3, "there")
    assert messages(3, "here") != messages(4, "here")


@pytest.mark.parametrize("seed", [1, 2])
def test_the_example_believes_the_truth_in_every_situation(seed: int) -> None:
    assert wrong(seed) == {}


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3, 21))
def test_the_example_believes_the_truth_with_many_seeds(seed: int) -> None:
    assert wrong(seed) == {}


def test_an_unknown_situation_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(ConfigError, match="late-wil: no such situation; did you mean `late-will`"):
        chosen(["late-wil"])
    assert [one.id for one in chosen(["restart", "late-will"])] == ["late-will", "restart"]
