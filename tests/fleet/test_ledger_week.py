"""A week of a simulated camera: the ledger by its audit log agrees with what really happened, at every instant."""

import asyncio
import random
from bisect import bisect_right
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from lapel.evidence.audit_reader import Logged
from lapel.evidence.ledger import Ledger, day_of, ledger_of, why
from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.hardware.memory_storage import MemoryStorage
from lapel_fleet.runs.virtual import VirtualEnvironment
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual

DAY_S = 86_400
SCENARIO = Scenario(duration_s=7 * DAY_S, sites={"baltimore": 1}, telemetry_s=60)
REASON_OF = {
    "off": "off",
    "booting": "starting",
    "standby": "asleep",
    "buffering": "buffering",
    "recording": "recorded",
    "docked": "docked",
    "fault": "fault",
}
HEARTBEAT_S = 6 * 60.0
SETTLING_S = 1.0
"""The lights show a recording once it is on the card, and the log has the press: so long the two may differ."""


class Week:
    """The log of a camera, and the states that its lights showed."""

    def __init__(self, log: list[Logged], states: list[tuple[float, str]], cuts: list[float], start: datetime) -> None:
        self.log, self.states, self.cuts, self.start = log, states, cuts, start

    def state_at(self, at_s: float) -> str:
        return self.states[bisect_right([since_s for since_s, _ in self.states], at_s) - 1][1]

    def has_settled(self, at_s: float) -> bool:
        return all(abs(since_s - at_s) > SETTLING_S for since_s, _ in self.states)


def live(days: float, seed: int) -> Week:
    """A camera that is worn, recorded with, docked, switched off, cut off, and whose card fails, in random order."""

    async def program(clock: VirtualClock) -> Week:
        environment = VirtualEnvironment(SCENARIO, asyncio.get_running_loop())
        camera = SimulatedCamera("baltimore/cam-0001", SCENARIO, RandomStreams(seed), environment)
        start, rng = clock.now().utc, random.Random(seed)
        cuts: list[float] = []
        camera.power_on()
        while clock.mono_s() < days * DAY_S:
            await clock.sleep(rng.uniform(30, 5_000))
            await act(camera, clock, rng, cuts)
        await camera.switch_off()
        states = [*camera.actual.states]
        await camera.close()
        card = camera.card_contents
        assert isinstance(card, MemoryStorage)
        assert card.audit is not None
        return Week([Logged(entry) for entry in card.audit], states, cuts, start)

    return run_virtual(program)


async def act(camera: SimulatedCamera, clock: VirtualClock, rng: random.Random, cuts: list[float]) -> None:
    match rng.choice(["record", "record", "record", "dock", "power-cut", "off", "card", "battery"]):
        case "record":
            camera.press("event", times=2)
            await clock.sleep(rng.uniform(20, 900))
            await camera.hold("event")
        case "dock":
            camera.put_in_dock()
            await clock.sleep(rng.uniform(60, 3_000))
            camera.press("event", times=2)  # refused
            camera.take_out_of_dock()
        case "power-cut":
            cuts.append(clock.mono_s())
            await camera.power_cut()
            await clock.sleep(rng.uniform(5, 2_000))
            camera.power_on()
        case "off":
            await camera.hold("power")
            await clock.sleep(rng.uniform(5, 2_000))
            camera.press("power")
        case "card":
            camera.card.read_only()
            await clock.sleep(rng.uniform(60, 1_000))
            camera.press("event", times=2)
            await clock.sleep(rng.uniform(5, 60))
            if not camera.is_on:  # it went off while the card took no entry: the same as a power cut
                cuts.append(camera.actual.states[-1][0])
            camera.card.mend()
        case "battery":
            cuts.append(clock.mono_s())
            await camera.swap_battery()


def check(week: Week, instants: int, seed: int, days: float) -> None:
    ledger = ledger_of(week.log)
    for before, after in pairwise(ledger.spans):
        assert before.end == after.start, "a second is unaccounted, or counted twice"
    rng = random.Random(seed)
    for _ in range(instants):
        at_s = rng.uniform(10, days * DAY_S)
        if week.has_settled(at_s):
            check_instant(week, ledger, at_s)


def check_instant(week: Week, ledger: Ledger, at_s: float) -> None:
    at = week.start + timedelta(seconds=at_s)
    span = next(one for one in ledger.spans if one.start <= at < one.end)
    assert why(ledger, at).startswith(f"At {at:%Y-%m-%d %H:%M:%S} UTC: {span.reason}, ")
    state = week.state_at(at_s)
    if span.reason == "unknown":
        begin, end = ((one - week.start).total_seconds() for one in (span.start, span.end))
        assert any(-SETTLING_S <= cut_s - begin <= 2 * HEARTBEAT_S for cut_s in week.cuts), (at_s, span)
        assert any(state == "booting" and abs(since_s - end) < SETTLING_S for since_s, state in week.states)
    else:
        assert span.reason.partition("-")[0] == REASON_OF[state], (at_s, state, span)  # off by the button, the battery


def test_the_ledger_of_two_days_agrees_with_what_happened() -> None:
    check(live(2, seed=1), instants=1_000, seed=2, days=2)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(1, 11))
def test_the_ledger_of_a_week_agrees_with_what_happened(seed: int) -> None:
    check(live(7, seed), instants=1_000, seed=seed, days=7)


def test_a_day_cut_from_the_log_is_reported_as_deleted() -> None:
    week = live(3, seed=3)
    second_day = week.start + timedelta(days=1), week.start + timedelta(days=2)
    kept = [one for one in week.log if not second_day[0] <= datetime.fromisoformat(one.entry.utc) < second_day[1]]
    cut = len(week.log) - len(kept)
    first_after = next(i for i, one in enumerate(kept) if datetime.fromisoformat(one.entry.utc) >= second_day[1])
    reason = f"records 100 to {99 + cut} are missing"
    kept[first_after] = Logged(kept[first_after].entry, reason)
    day = day_of(ledger_of(kept), *second_day)
    deleted = [span for span in day.spans if span.reason == "deleted" and reason in span.detail]
    assert sum(span.seconds for span in deleted) > 0.9 * DAY_S
    assert sum(span.seconds for span in day.spans) == DAY_S
