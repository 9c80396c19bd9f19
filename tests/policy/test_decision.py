from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapel.policy.decision import Start, Stop, decide, decide_mute, decide_stop
from lapel.policy.profile import (
    ACTIVITIES,
    CONTEXTS,
    SOURCES,
    STATES,
    Activity,
    Context,
    Duty,
    Limit,
    NoMute,
    Profile,
    load_profile,
    shipped_profiles,
)  # fmt: skip

TEXT = "A rule in a sentence."
TODAY = date(2026, 11, 27)
starts = st.builds(
    Start,
    source=st.sampled_from(SOURCES),
    state=st.sampled_from(STATES),
    contexts=st.frozensets(st.sampled_from(CONTEXTS)),
    activities=st.frozensets(st.sampled_from(ACTIVITIES)),
    on=st.just(TODAY),
)
limits = st.builds(
    Limit,
    id=st.just("limit"),
    text=st.just(TEXT),
    answer=st.sampled_from(["refuse", "ask"]),
    sources=st.lists(st.sampled_from(SOURCES)),
    states=st.lists(st.sampled_from(STATES)),
    contexts=st.lists(st.sampled_from(CONTEXTS)),
)
duties = st.builds(
    Duty, id=st.just("duty"), text=st.just(TEXT), activities=st.lists(st.sampled_from(ACTIVITIES), min_size=1)
)
profiles = st.builds(Profile, name=st.just("any"), title=st.just(TEXT), rules=st.lists(limits | duties, max_size=6))


@given(profiles, starts)
def test_no_profile_however_written_refuses_the_wearers_own_start(profile: Profile, start: Start) -> None:
    """Not even one that loading would reject: the rules here were never checked."""
    assert decide(profile, Start("wearer", start.state, start.contexts, start.activities, start.on)).answer != "refuse"


@given(profiles, st.frozensets(st.sampled_from(ACTIVITIES)))
def test_no_profile_refuses_the_wearers_own_stop(profile: Profile, activities: frozenset[Activity]) -> None:
    assert decide_stop(profile, Stop(by_wearer=True, activities=activities, on=TODAY)).answer != "refuse"


@pytest.mark.parametrize(
    ("stop", "answer"),
    [
        (Stop(by_wearer=True, on=TODAY), "allow"),
        (Stop(by_wearer=True, activities=["arrest"], on=TODAY), "ask"),
        (Stop(by_wearer=False, activities=["arrest"], on=TODAY), "refuse"),
        (Stop(by_wearer=False, reason="the scene is secure", activities=["arrest"], on=TODAY), "allow"),
    ],
)
def test_a_stop_during_a_duty_needs_a_reason(stop: Stop, answer: str) -> None:
    assert decide_stop(load_profile("federal-2024"), stop).answer == answer


@pytest.mark.parametrize(("contexts", "answer"), [([], "allow"), (["medical"], "allow"), (["courtroom"], "refuse")])
def test_a_rule_can_forbid_to_mute_in_a_context(contexts: list[Context], answer: str) -> None:
    rule = NoMute(id="sound", text="The sound of a court is recorded.", contexts=["courtroom"])
    profile = Profile(name="any", title="Rules of a test.", rules=[rule])
    assert decide_mute(profile, contexts, TODAY).answer == answer


@given(profiles, starts)
def test_only_the_wearer_is_asked(profile: Profile, start: Start) -> None:
    if decide(profile, start).answer == "ask":
        assert start.source == "wearer"


@given(starts)
def test_without_rules_everything_is_allowed(start: Start) -> None:
    assert decide(load_profile("development"), start).answer == "allow"


@pytest.mark.parametrize(
    ("start", "answer", "rule"),
    [
        (Start("wearer"), "allow", ""),
        (Start("wearer", contexts=["first-amendment"]), "ask", "first-amendment-attestation"),
        (Start("command"), "refuse", "remote-start-off"),
        (Start("command", contexts=["first-amendment"]), "refuse", "first-amendment-not-remote"),
        (Start("command", activities=["arrest-warrant"]), "allow", "enforcement-activities"),
        (
            Start("light-bar", contexts=["first-amendment"], activities=["violent-disturbance"]),
            "allow",
            "disturbances-and-emergencies",
        ),
        (Start("light-bar"), "allow", ""),
        (Start("light-bar", "standby"), "refuse", "asleep-no-triggers"),
        (Start("man-down", "standby"), "allow", ""),
        (Start("man-down", "standby", contexts=["medical"]), "refuse", "private-places-not-remote"),
    ],
)
def test_federal_2024(start: Start, answer: str, rule: str) -> None:
    decision = decide(load_profile("federal-2024"), start)
    assert (decision.answer, decision.rule) == (answer, rule)


@pytest.mark.parametrize(
    ("on", "answer", "rule"),
    [
        (date(2025, 10, 16), "refuse", "first-amendment-not-remote"),
        (date(2025, 10, 17), "allow", "order-enforcement-at-protests"),
        (date(2026, 12, 31), "allow", "order-enforcement-at-protests"),
        (date(2027, 1, 1), "refuse", "first-amendment-not-remote"),
    ],
)
def test_a_courts_order_overrides_until_its_last_day(on: date, answer: str, rule: str) -> None:
    start = Start("command", contexts=["first-amendment"], activities=["enforcement-at-protest"], on=on)
    decision = decide(load_profile("court-order-example"), start)
    assert (decision.answer, decision.rule) == (answer, rule)


def test_a_decision_names_all_duties_with_their_seconds() -> None:
    start = Start("wearer", activities=["arrest", "emergency"], on=TODAY)
    decision = decide(load_profile("court-order-example"), start)
    assert [(duty.id, duty.start_within_s) for duty in decision.duties] == [
        ("order-enforcement-at-protests", 15.0),
        ("enforcement-activities", 60.0),
        ("disturbances-and-emergencies", 60.0),
    ]


@pytest.mark.parametrize("name", shipped_profiles())
def test_shipped_profiles_give_each_rule_a_sentence(name: str) -> None:
    for rule in load_profile(name).rules:
        assert rule.text.endswith("."), rule.id
        assert msgspec.json.encode(rule)
