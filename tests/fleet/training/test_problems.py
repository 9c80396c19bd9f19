"""Each field problem goes as its file says, today as ever; `visits.py` writes the files anew."""

import pytest

from fleet.training.visits import Visit, played, session_of, visited
from lapel_fleet.training.problem import load, names

TEN = {
    "no-video", "no-broker", "expired-certificate", "full-card", "drained-battery", "wrong-clock",
    "interrupted-recording", "failed-self-test", "stuck-button", "frozen-picture",
}  # fmt: skip


def test_there_are_ten() -> None:
    assert set(names()) == TEN


@pytest.mark.parametrize("name", names())
def test_the_visit_goes_as_written(name: str) -> None:
    problem = load(name)
    assert played(problem) == session_of(problem.steps), "PYTHONPATH=tests .venv/bin/python -m fleet.training.visits"


@pytest.mark.parametrize("name", names())
def test_it_is_named_first_and_mended_by_its_remedy(name: str) -> None:
    problem = load(name)

    async def story(visit: Visit) -> None:
        assert (await visit.bench.first_finding()).startswith(problem.finding)
        assert not await visit.bench.is_mended()
        await visit.log_in()
        for step in problem.steps:
            await visit.take(step)
        assert await visit.bench.first_finding() == ""
        assert await visit.bench.is_mended()

    visited(problem, story)


@pytest.mark.parametrize("name", names())
def test_the_guide_shows_what_was_found_first(name: str) -> None:
    told = load(name).told()
    assert told[0].endswith("> status")
    assert any(line.startswith(f"1. {load(name).finding}") for line in told[:4])
    assert told[-1] != ""


def test_a_clock_that_is_set_wrong_is_not_mended() -> None:
    async def story(visit: Visit) -> None:
        await visit.log_in()
        await visit.type("clock set 2026-01-01T09:02:01Z")
        assert await visit.bench.first_finding() == ""
        assert not await visit.bench.is_mended()

    visited(load("wrong-clock"), story)


def test_a_change_that_will_be_taken_back_is_no_remedy() -> None:
    async def story(visit: Visit) -> None:
        await visit.log_in()
        await visit.type("config set link.broker mqtts://broker.example")
        await visit.type("config commit confirmed 5")
        await visit.wait(60)
        assert await visit.bench.first_finding() == ""
        assert not await visit.bench.is_mended()
        await visit.wait(400)
        assert (await visit.bench.first_finding()).startswith("network: no broker")

    visited(load("no-broker"), story)


def test_a_wrong_address_is_taken_back() -> None:
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
        assert not await visit.bench.is_mended()
        camera.power_on()
        assert not camera.is_on
        await camera.swap_battery()
        await visit.wait(20)
        assert await visit.bench.is_mended()

    visited(load("drained-battery"), story)
