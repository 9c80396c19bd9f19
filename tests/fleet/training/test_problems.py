"""Each field problem plays as its file describes. `visits.py` writes the sessions in the files again."""

import pytest

from fleet.training.visits import Visit, played, session_of, visited
from lapel_fleet.training.problem import commands, load, names, transcript

TEN = {
    "no-video", "no-broker", "expired-certificate", "full-card", "drained-battery", "wrong-clock",
    "interrupted-recording", "failed-self-test", "stuck-button", "frozen-image",
}  # fmt: skip


def test_there_are_ten() -> None:
    assert set(names()) == TEN


@pytest.mark.parametrize("name", names())
def test_the_session_plays_as_written(name: str) -> None:
    problem = load(name)
    written = (session_of(problem.diagnosis_steps), session_of(problem.repair_steps))
    assert played(problem) == written, "PYTHONPATH=tests .venv/bin/python -m fleet.training.visits"


@pytest.mark.parametrize("name", names())
def test_it_is_the_first_finding_and_the_session_repairs_it(name: str) -> None:
    problem = load(name)

    async def story(visit: Visit) -> None:
        assert (await visit.bench.first_finding()).startswith(problem.finding)
        assert not await visit.bench.is_repaired()
        await visit.log_in()
        for step in problem.steps:
            await visit.take(step)
        assert await visit.bench.first_finding() == ""
        assert await visit.bench.is_repaired()

    visited(problem, story)


@pytest.mark.parametrize("name", names())
def test_the_guide_shows_the_first_finding_and_the_remedy(name: str) -> None:
    problem = load(name)
    diagnosis, repair = transcript(problem.diagnosis_steps), transcript(problem.repair_steps)
    assert diagnosis[0].endswith("> status")
    assert any(line.startswith(f"1. {problem.finding}") for line in diagnosis[:4])
    assert "READY" in repair
    assert repair[-1] != ""
    assert problem.remedy.endswith(".")
    assert commands(problem.diagnosis_steps)[0] == "`status`"


def test_a_clock_that_is_set_wrong_is_not_repaired() -> None:
    async def story(visit: Visit) -> None:
        await visit.log_in()
        await visit.type("clock set 2026-01-01T09:02:01Z")
        assert await visit.bench.first_finding() == ""
        assert not await visit.bench.is_repaired()

    visited(load("wrong-clock"), story)


def test_a_change_on_trial_is_not_a_repair() -> None:
    async def story(visit: Visit) -> None:
        await visit.log_in()
        await visit.type("config set link.broker mqtts://broker.example")
        await visit.type("config commit confirmed 5")
        await visit.wait(60)
        assert await visit.bench.first_finding() == ""
        assert not await visit.bench.is_repaired()
        await visit.wait(400)
        assert (await visit.bench.first_finding()).startswith("network: no broker")

    visited(load("no-broker"), story)


def test_a_wrong_address_is_reverted() -> None:
    async def story(visit: Visit) -> None:
        await visit.log_in()
        await visit.type("config set link.broker mqtts://broker.example:1883")
        await visit.type("config commit")
        await visit.wait(5)
        assert "Connection refused" in await visit.bench.first_finding()
        await visit.wait(120)
        assert "Name or service not known" in await visit.bench.first_finding()

    visited(load("no-broker"), story)


def test_an_empty_battery_is_a_power_cut() -> None:
    async def story(visit: Visit) -> None:
        camera = visit.bench.camera
        await camera.drop_charge(0)
        assert not camera.is_on
        assert not await visit.bench.is_repaired()
        camera.power_on()
        assert not camera.is_on
        await camera.swap_battery()
        await visit.wait(20)
        assert await visit.bench.is_repaired()

    visited(load("drained-battery"), story)
