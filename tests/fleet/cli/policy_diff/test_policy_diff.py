"""One day under two profiles: the same seed gives the same day, and what differs is what the rules imply."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from lapel.policy.decision import Start, decide, decide_stop, duties_of
from lapel.policy.decision import Stop as AskedStop
from lapel.policy.profile import ACTIVITIES, CONTEXTS, Profile, Source, load_profile
from lapel_fleet.cli.main import main
from lapel_fleet.cli.policy_diff.comparison import changed, compare
from lapel_fleet.cli.policy_diff.day import DayJob, comparable
from lapel_fleet.cli.policy_diff.outcomes import Outcome
from lapel_fleet.scenario.encounters import PlannedEncounter, planned_encounters
from lapel_fleet.scenario.loading import load
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario

SEED = 7
SMALL = comparable(replace(load("policy-day"), sites={"baltimore": 6, "buffalo": 3}))
PAIRS = [
    ("development", "federal-2024"),
    ("development", "court-order-example"),
    ("federal-2024", "court-order-example"),
]


def day(profile: str, scenario: Scenario = SMALL, shard: tuple[int, int] = (0, 1)) -> list[Outcome]:
    return DayJob(replace(scenario, policy=profile), SEED, shard).run(lambda _: None)


def planned(outcome: Outcome) -> PlannedEncounter:
    plan = planned_encounters(SMALL.encounters, outcome.camera, RandomStreams(SEED), SMALL.duration_s)
    return next(one for one in plan if one.number == outcome.number)


def answers(profile: Profile, one: PlannedEncounter) -> dict[str, object]:
    """All that the profile says about the starts, the early stop and the duties of that encounter."""
    contexts = [what for what in CONTEXTS if what in one.kind.declared]
    activities = [what for what in ACTIVITIES if what in one.kind.declared]
    asked: list[tuple[Source, float | None]] = [
        ("wearer", one.wearer_s), ("command", one.dispatcher_s), (one.kind.trigger, one.sensor_s)
    ]  # fmt: skip
    found: dict[str, object] = {
        source: decide(profile, Start(source, "buffering", contexts, activities))
        for source, at_s in asked
        if at_s is not None
    }
    if one.early_stop_s is not None:
        found["stop"] = decide_stop(profile, AskedStop(by_wearer=True, activities=activities))
    found["duties"] = duties_of(profile, activities, Start("wearer").on)
    return found


@pytest.mark.parametrize("profile", ["development", "federal-2024"])
def test_the_same_seed_under_the_same_profile_gives_the_same_day(profile: str) -> None:
    assert day(profile) == day(profile)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_an_outcome_differs_only_where_the_rules_answer_differently(one: str, other: str) -> None:
    profiles = load_profile(one), load_profile(other)
    different = changed(day(one), day(other))
    assert different
    for outcome, _ in different:
        plan = planned(outcome)
        assert answers(profiles[0], plan) != answers(profiles[1], plan), outcome


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_each_start_that_one_profile_alone_refuses_makes_a_difference(one: str, other: str) -> None:
    """Where it is the first that is asked for: then no recording is running yet, under either profile."""
    profiles = load_profile(one), load_profile(other)
    here, there = day(one), day(other)
    different = {(outcome.camera, outcome.number) for outcome, _ in changed(here, there)}
    expected = set()
    for outcome in here:
        plan = planned(outcome)
        asked: list[tuple[float, Source]] = [
            (at_s, source)
            for at_s, source in (
                (plan.wearer_s, "wearer"), (plan.dispatcher_s, "command"), (plan.sensor_s, plan.kind.trigger)
            )
            if at_s is not None
        ]  # fmt: skip
        if asked:
            first = min(asked)[1]
            if answers(profiles[0], plan)[first].answer != answers(profiles[1], plan)[first].answer:  # type: ignore[attr-defined]
                expected.add((outcome.camera, outcome.number))
    assert expected
    assert expected <= different


def test_both_days_have_the_same_encounters() -> None:
    def encounters(outcomes: list[Outcome]) -> list[tuple[str, int, str]]:
        return [(one.camera, one.number, one.title) for one in outcomes]

    assert encounters(day("development")) == encounters(day("federal-2024"))


def test_a_camera_has_the_same_day_in_any_shard() -> None:
    parts = [one for part in range(2) for one in day("federal-2024", shard=(part, 2))]
    whole = day("federal-2024")
    assert sorted(parts, key=lambda one: (one.camera, one.number)) == whole


def test_each_difference_names_a_rule_of_its_profile_or_is_a_consequence() -> None:
    names = "federal-2024", "court-order-example"
    profiles = load_profile(names[0]), load_profile(names[1])
    found = compare("small", SEED, SMALL.duration_s, profiles, names, (day(names[0]), day(names[1])))
    rules = {
        name: {rule.id: rule.text for rule in profile.rules} for name, profile in zip(names, profiles, strict=True)
    }
    assert found.differences
    for one in found.differences:
        assert one.sentence == (rules[one.profile][one.rule] if one.rule else "")
    assert sum(both[0].encounters for both in found.sites.values()) == found.total[0].encounters


def test_wearers_of_a_scenario_without_encounters_go_on_recording() -> None:
    made = comparable(load("five-cities"))
    assert made.encounters[-1].category == "patrol"
    assert len(made.encounters) == len(load("policy-day").encounters) + 1
    assert made.wearer.activations_per_hour == 0


def test_the_command_prints_text_and_json_and_writes_a_page(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    common = ["policy-diff", "development", "federal-2024", "--seed", "3", "--duration", "2h", "--workers", "1"]
    page = tmp_path / "page.html"
    assert main([*common, "--html", str(page)]) == 0
    text = capsys.readouterr().out
    assert "Under federal-2024, and not under development:" in text
    assert "first-amendment" in page.read_text(encoding="utf-8")
    assert main([*common, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["profiles"] == ["development", "federal-2024"]
    assert found["total"][0]["encounters"] == found["total"][1]["encounters"] > 0


def test_two_names_of_one_profile_differ_in_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy-diff", "federal-2024", "federal-2024", "--duration", "2h", "--workers", "1"]) == 0
    assert "nothing: it is the same profile" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["development", "federal-2025"], "did you mean `federal-2024`"),
        (["development", "no/such.toml"], "no/such.toml: cannot be read"),
        (["development", "federal-2024", "--scenario", "five-city"], "five-city: no such scenario"),
        (["development", "federal-2024", "--duration", "30s"], "no encounter ends within 30 s"),
        (["development", "federal-2024", "--workers", "0"], "--workers 0: give 1 or more"),
    ],
)
def test_bad_input_is_one_clear_line(arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy-diff", *arguments]) == 2
    printed = capsys.readouterr().err
    assert error in printed
    assert "Traceback" not in printed
