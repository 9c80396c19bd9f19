"""A virtual run that was listened to: what the report's tests tell of."""

import asyncio
from functools import cache
from pathlib import Path

import msgspec

from lapel_fleet.checkers.fleet import Finding, judge
from lapel_fleet.report import Result
from lapel_fleet.samples import Sampler
from lapel_fleet.scenario import Scenario, load
from lapel_fleet.virtual import SETTLE_S, run


class Observer:
    """Feeds a Sampler with what a back end hears: no more than the fleet itself will know."""

    def __init__(self, scenario: Scenario) -> None:
        duration_s = scenario.duration_s + SETTLE_S
        self.sampler = Sampler(self._now_s, duration_s / 150, duration_s)
        self._states: dict[tuple[str, str], str] = {}
        self._asked_s: dict[str, float] = {}
        self._looks_s = 0.0

    def hear(self, topic: str, payload: bytes) -> None:
        *_, site, camera, leaf = topic.split("/")
        said = msgspec.json.decode(payload)
        match leaf:
            case "command":
                self._asked_s.setdefault(said["id"], self._now_s())
                return
            case "state":
                self._states[site, camera] = said["state"]
            case "reply" if said["result"] in ("done", "refused", "failed"):
                self.sampler.command(self._now_s() - self._asked_s.get(said["id"], self._now_s()))
        self.sampler.message(leaf, site)  # type: ignore[arg-type]
        self._look()

    def _look(self) -> None:
        if self._now_s() < self._looks_s:
            return
        self._looks_s += self.sampler.every_s
        counts: dict[str, dict[str, int]] = {}
        for (site, _), state in self._states.items():
            counts.setdefault(site, {}).setdefault(state, 0)
            counts[site][state] += 1
        self.sampler.snapshot(counts)

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()


def observed(name: str, seed: int, trace: Path | None = None, findings: list[Finding] | None = None) -> Result:
    """`findings` in place of what the checkers find."""
    scenario = load(name)
    observer, samples = Observer(scenario), []

    def progress(share: float) -> None:
        samples[:] = [observer.sampler.samples()]

    done = run(scenario, seed, trace, progress, listeners=[observer.hear])
    done = msgspec.structs.replace(done, samples=samples[0])
    return Result(name, done, findings or judge(done.cases), 1.5, scenario.faults, trace)


@cache
def smoke() -> Result:
    """Ten cameras; quick."""
    return observed("smoke", 7)
