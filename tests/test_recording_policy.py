"""The agency's policy at work in one camera, in virtual time."""

from pathlib import Path
from typing import Any

import pytest

from body_worn_camera import BodyWornHarness, run_steps
from lapel.link.messages import Command
from lapel.policy.declarations import Declarations
from lapel.policy.profile import Profile, load_profile, parse_profile
from lapel.states import State
from lapel_fleet.hardware.triggers import SimulatedTriggers

FEDERAL = load_profile("federal-2024")


def profile_with(rule: str) -> Profile:
    return parse_profile(f'format = "lapel-policy-1"\nname = "any"\ntitle = "Rules of a test."\n{rule}', "a test")


async def send(harness: BodyWornHarness, command: str, **fields: Any) -> str:
    """Send a command. Returns the result of its last reply."""
    assert harness.link.host is not None
    id_ = str(len(harness.link.replies) + 1)
    harness.link.host.on_command(Command(id=id_, command=command, **fields))  # type: ignore[arg-type]
    await harness.clock.sleep(1)
    return [reply.result for reply in harness.link.replies if reply.id == id_][-1]


def details(harness: BodyWornHarness, *kinds: str) -> list[dict[str, Any]]:
    return [dict(event.detail) for event in harness.link.events(*kinds)]


# -- starts ----------------------------------------------------------------------------------------------------------


def test_a_remote_start_is_refused_by_a_rule_and_allowed_by_a_declared_duty() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        assert await send(harness, "start-recording") == "refused"
        assert await send(harness, "declare", declared="arrest-warrant") == "done"
        assert "activity-arrest-warrant" in harness.flags()
        assert await send(harness, "start-recording") == "done"

    harness = run_steps(steps, profile=FEDERAL)
    (refused,) = details(harness, "refused")
    assert (refused["rule"], refused["reason"].startswith("Recordings are not started remotely")) == (
        "remote-start-off",
        True,
    )
    (account,) = harness.storage.listing()
    assert account.decision is not None
    assert (account.decision.profile, account.decision.rule) == ("federal-2024", "enforcement-activities")
    assert account.decision.activities == ["arrest-warrant"]
    assert [one["answer"] for one in details(harness, "policy-decided")] == ["refuse", "allow"]


def test_without_rules_the_account_names_the_profile_and_no_event_is_published() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await harness.start_recording()

    harness = run_steps(steps)
    (account,) = harness.storage.listing()
    assert account.decision is not None
    assert (account.decision.profile, account.decision.rule, account.decision.source) == ("development", "", "wearer")
    assert details(harness, "policy-decided") == []


def test_in_a_protected_context_the_wearer_presses_once_more_and_the_first_press_is_in_the_recording() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await send(harness, "declare", declared="first-amendment")
        harness.buttons.press("event", times=2)
        await harness.clock.sleep(4)
        assert harness.state is State.BUFFERING
        assert harness.count("signals confirm") == 1
        harness.buttons.press("event")
        await harness.clock.sleep(1)
        assert harness.state is State.RECORDING

    harness = run_steps(steps, profile=FEDERAL)
    (account,) = harness.storage.listing()
    assert account.decision is not None
    assert account.decision.rule == "first-amendment-attestation"
    assert account.decision.attested_after_s == pytest.approx(4, abs=0.3)
    assert account.prebuffer_actual_s > account.decision.attested_after_s
    assert [one["answer"] for one in details(harness, "policy-decided")] == ["ask", "allow"]


def test_a_wearer_who_does_not_press_once_more_is_on_record() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await send(harness, "declare", declared="courtroom")
        harness.buttons.press("event", times=2)
        await harness.clock.sleep(FEDERAL.confirm_within_s + 0.1)
        harness.buttons.press("event")  # too late: a press alone starts nothing
        await harness.clock.sleep(2)
        assert harness.state is State.BUFFERING

    harness = run_steps(steps, profile=FEDERAL)
    assert details(harness, "not-confirmed") == [
        {"request": "start", "rule": "private-places-attestation", "after_s": 10.0}
    ]


def test_in_stealth_a_start_needs_no_attestation_since_the_wearer_would_not_perceive_the_question() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await send(harness, "declare", declared="courtroom")
        harness.camera.wearer.set_stealth(True, "button")
        harness.buttons.press("event", times=2)
        await harness.clock.sleep(1)
        assert harness.state is State.RECORDING

    (account,) = run_steps(steps, profile=FEDERAL).storage.listing()
    assert account.decision is not None
    assert (account.decision.rule, account.decision.attested_after_s) == ("private-places-attestation", None)
    assert account.decision.unattested == "the camera was in stealth, so its wearer could not be asked"


def test_a_trigger_does_not_answer_for_the_wearer() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await send(harness, "declare", declared="medical")
        harness.buttons.press("event", times=2)
        await harness.clock.sleep(1)
        assert await send(harness, "trigger", trigger="light-bar") == "refused"
        harness.buttons.press("event")
        await harness.clock.sleep(1)
        assert harness.state is State.RECORDING

    run_steps(steps, profile=FEDERAL)


def test_a_declaration_does_not_end_a_recording() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await harness.start_recording()
        await send(harness, "declare", declared="first-amendment")
        await harness.clock.sleep(60)
        assert harness.state is State.RECORDING

    run_steps(steps, profile=FEDERAL)


def test_a_full_card_is_no_question_of_policy() -> None:
    """The refusal comes at once, not after an attestation."""

    async def steps(harness: BodyWornHarness) -> None:
        await send(harness, "declare", declared="medical")
        harness.storage.free_bytes = lambda: -1
        await harness.clock.sleep(60)
        harness.buttons.press("event", times=2)
        await harness.clock.sleep(1)

    harness = run_steps(steps, profile=FEDERAL)
    assert {one["rule"] for one in details(harness, "refused")} == {""}
    assert details(harness, "policy-decided") == []


# -- triggers --------------------------------------------------------------------------------------------------------


def test_a_peer_starts_a_recording_nearby_and_not_far_away() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        assert await send(harness, "trigger", trigger="peer", peer="cam-7", distance_m=31.0) == "refused"
        assert await send(harness, "trigger", trigger="peer", peer="cam-7", distance_m=12.0) == "done"

    harness = run_steps(steps)
    (account,) = harness.storage.listing()
    assert (account.start.source, account.start.reason) == ("trigger", "peer cam-7, 12 m away")
    assert "31 m away" in details(harness, "refused")[0]["reason"]


def test_a_trigger_without_its_source_is_refused_in_words() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        assert await send(harness, "trigger") == "refused"

    reason = run_steps(steps).link.replies[-1].reason
    assert reason is not None
    assert "light-bar" in reason


@pytest.mark.parametrize(("active_s", "starts"), [(1.9, False), (2.1, True)])
def test_a_false_signal_starts_nothing_and_a_real_one_counts_from_its_beginning(active_s: float, starts: bool) -> None:
    triggers = SimulatedTriggers()
    fired_s: list[float] = []

    async def steps(harness: BodyWornHarness) -> None:
        fired_s.append(harness.clock.mono_s())
        triggers.activate("holster")
        await harness.clock.sleep(active_s)
        triggers.release("holster")
        await harness.clock.sleep(1)
        assert (harness.state is State.RECORDING) is starts

    harness = run_steps(steps, triggers=triggers, flags={("policy", "trigger_cancel_s"): 2.0})
    cancelled = details(harness, "trigger-cancelled")
    assert cancelled == ([] if starts else [{"trigger": "holster", "after_s": 1.9}])


# -- stops and mutes -------------------------------------------------------------------------------------------------


def test_a_stop_during_a_duty_is_confirmed_by_the_wearer_and_reported() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await send(harness, "declare", declared="arrest")
        await harness.start_recording()
        await harness.buttons.hold("event", 3.5)
        await harness.clock.sleep(1)
        assert harness.state is State.RECORDING
        await harness.buttons.hold("event", 3.5)
        await harness.clock.sleep(1)
        assert harness.state is State.BUFFERING

    harness = run_steps(steps, profile=FEDERAL)
    (short,) = details(harness, "duty-cut-short")
    assert (short["rule"], short["source"]) == ("enforcement-activities", "button")
    answers = [(one["request"], one["answer"]) for one in details(harness, "policy-decided")]
    assert answers == [("start", "allow"), ("stop", "ask"), ("stop", "allow")]


def test_a_command_gives_a_reason_for_stopping_during_a_duty() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await send(harness, "declare", declared="arrest")
        await harness.start_recording()
        assert await send(harness, "stop-recording") == "refused"
        assert await send(harness, "stop-recording", reason="the scene is secure") == "done"

    (short,) = details(run_steps(steps, profile=FEDERAL), "duty-cut-short")
    assert short["reason"] == "the scene is secure"


def test_a_profile_can_ask_for_every_stop_twice() -> None:
    profile = profile_with('[[rule]]\nkind = "confirm-stop"\nid = "twice"\ntext = "A stop is confirmed."\n')

    async def steps(harness: BodyWornHarness) -> None:
        await harness.start_recording()
        await harness.buttons.hold("event", 3.5)
        await harness.clock.sleep(15)
        assert harness.state is State.RECORDING
        await harness.buttons.hold("event", 3.5)
        await harness.clock.sleep(0.5)
        await harness.buttons.hold("event", 3.5)
        await harness.clock.sleep(1)
        assert harness.state is State.BUFFERING

    harness = run_steps(steps, profile=profile)
    assert [one["request"] for one in details(harness, "not-confirmed")] == ["stop"]
    assert details(harness, "duty-cut-short") == []


def test_a_critical_battery_is_not_asked_to_confirm() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await send(harness, "declare", declared="arrest")
        await harness.start_recording()
        harness.battery.drop_to(1)
        await harness.clock.sleep(10)
        assert harness.state is State.OFF

    (short,) = details(run_steps(steps, profile=FEDERAL), "duty-cut-short")
    assert "battery" in short["reason"]


# -- declarations and duties -----------------------------------------------------------------------------------------


def test_a_duty_is_missed_when_no_recording_starts_in_time_and_not_when_one_does() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await send(harness, "declare", declared="frisk")
        await harness.clock.sleep(58)
        assert details(harness, "duty-missed") == []
        await harness.clock.sleep(2)
        assert [one["activity"] for one in details(harness, "duty-missed")] == ["frisk"]
        assert harness.count("signals duty missed") == 1
        await send(harness, "declare", declared="search")
        await harness.start_recording()
        await harness.clock.sleep(120)

    (missed,) = details(run_steps(steps, profile=FEDERAL), "duty-missed")
    assert (missed["rule"], missed["within_s"]) == ("enforcement-activities", 60.0)


def test_a_duty_of_a_withdrawn_activity_is_not_missed() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await send(harness, "declare", declared="frisk")
        assert await send(harness, "withdraw", declared="frisk") == "done"
        assert await send(harness, "withdraw", declared="frisk") == "refused"
        await harness.clock.sleep(120)
        assert "activity-frisk" not in harness.flags()

    harness = run_steps(steps, profile=FEDERAL)
    assert details(harness, "duty-missed") == []
    assert [one["source"] for one in details(harness, "declaration-ended")] == ["command"]


def test_a_declaration_ends_after_its_time() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await send(harness, "declare", declared="medical", for_s=30)
        await harness.clock.sleep(28)
        assert "context-medical" in harness.flags()
        await harness.clock.sleep(2)
        assert "context-medical" not in harness.flags()

    harness = run_steps(steps)
    assert details(harness, "declaration-ended") == [{"what": "medical", "source": "camera"}]


def test_declarations_survive_a_restart_and_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "declarations.json"

    async def steps(harness: BodyWornHarness) -> None:
        await send(harness, "declare", declared="courtroom")

    run_steps(steps, declarations=Declarations(path))
    again = Declarations(path)
    again.load()
    assert again.contexts() == ["courtroom"]
    path.write_text("{")
    again.load()
    assert again.contexts() == []
    assert (tmp_path / "declarations.json.damaged-1").exists()


def test_declarations_that_have_expired_are_not_reported_again_after_a_restart(tmp_path: Path) -> None:
    async def steps(harness: BodyWornHarness) -> None:
        for what in ("medical", "frisk"):
            await send(harness, "declare", declared=what, for_s=10)
        await harness.clock.sleep(20)

    path = tmp_path / "declarations.json"
    run_steps(steps, declarations=Declarations(path))
    again = Declarations(path)
    again.load()
    assert list(again.all()) == []


def test_a_zone_of_the_profile_is_a_context_without_a_declaration() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        assert await send(harness, "start-recording") == "refused"
        harness.buttons.press("event", times=2)
        await harness.clock.sleep(1)
        assert harness.state is State.BUFFERING

    fix = run_steps(lambda harness: harness.clock.sleep(0), profile=FEDERAL).camera.devices.last_fix()
    assert fix is not None
    zone = f"""
[[rule]]
kind = "limit"
id = "court"
text = "Nothing starts by itself in a courtroom."
answer = "refuse"
contexts = ["courtroom"]
[[rule]]
kind = "limit"
id = "attest"
text = "The wearer attests in a courtroom."
answer = "ask"
contexts = ["courtroom"]
[[zone]]
id = "court-house"
text = "The court house at the square."
context = "courtroom"
latitude = {fix.latitude}
longitude = {fix.longitude}
radius_m = 500
"""
    harness = run_steps(steps, profile=profile_with(zone))
    assert [one["zones"] for one in details(harness, "policy-decided")] == ["court-house"] * 2
