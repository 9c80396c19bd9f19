"""Shrinks a scenario that fails to the fewest cameras and faults, and the shortest day, that still fail.

Delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002): parts are left out
for as long as the scenario still fails, first large parts, then smaller ones. Works because a camera draws its
randomness from the seed and its own name alone: it does the same with fewer cameras beside it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import msgspec

from lapel_fleet.scenario.faults import Fault, affected_cameras
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Operator, Scenario

MOST_RUNS = 200
"""The search ends after so many runs, whether or not a smaller scenario might be found."""
_SUSPECTS = 3
"""So many of the cameras that failed are tried alone before the search begins."""
_NEAR_S, _NEAR_SHARE = 1.0, 0.02
"""How near a length of time is brought to the shortest that still fails: seconds, or a share of it."""
_FLEET_WIDE = "broker.outage"
"""The kind of fault that has no cameras of its own."""

T = TypeVar("T")
Fails = Callable[[Scenario], bool]
"""Runs a scenario; whether it still fails as it did."""
OnRun = Callable[[int, Scenario], object]
"""Receives after each run how many there were, and the smallest scenario that is known to fail."""


@dataclass(frozen=True, slots=True)
class Shrunk:
    """What the search came to."""

    scenario: Scenario
    """The smallest that fails."""
    runs: int
    is_exhausted: bool
    """Whether the search ended because `most_runs` were made: there may be a smaller one."""


def shrink(
    scenario: Scenario,
    fails: Fails,
    *,
    suspects: Sequence[str] = (),
    most_runs: int = MOST_RUNS,
    on_run: OnRun = lambda *_: None,
) -> Shrunk:
    """The smallest scenario found that still fails. `scenario` does, and is `explicit`.

    `suspects` are the cameras that failed: each of the first few is tried alone.
    """
    search = _Search(scenario, fails, most_runs, on_run)
    try:
        search.run(suspects)
    except _ExhaustedError:
        return Shrunk(search.smallest, search.runs, True)
    return Shrunk(search.smallest, search.runs, False)


def explicit(scenario: Scenario, seed: int) -> Scenario:
    """The same run with nothing left to be drawn about its faults: each names its cameras, those that meet none are
    left out. So leaving out one fault or camera changes nothing about the others.
    """
    streams = RandomStreams(seed)
    faults = []
    for number, fault in enumerate(scenario.faults):
        if fault.kind == _FLEET_WIDE:
            faults.append(msgspec.structs.replace(fault, share=1.0))
        elif cameras := affected_cameras(fault, number, scenario.cameras, streams):
            faults.append(_at(fault, cameras))
    return msgspec.structs.replace(scenario, faults=faults)


def ddmin(items: Sequence[T], fails: Callable[[list[T]], bool]) -> list[T]:
    """A subsequence of `items` that fails and does no longer when any single item is left out. `items` as a whole
    fail; the empty list is tried first.
    """
    kept, parts = list(items), 1
    while kept:
        smaller = next((one for one in _without_a_part(kept, parts) if fails(one)), None)
        if smaller is not None:
            kept, parts = smaller, max(parts - 1, 1)
        elif parts >= len(kept):
            break
        else:
            parts = min(2 * parts, len(kept))
    return kept


def _without_a_part(items: list[T], parts: int) -> Iterator[list[T]]:
    """`items` without the first of so many parts, then without the second, and so on."""
    bounds = [len(items) * number // parts for number in range(parts + 1)]
    for start, end in pairwise(bounds):
        yield items[:start] + items[end:]


class _ExhaustedError(Exception):
    """No more runs."""


class _Search:
    """The smallest scenario so far, and the ways to make it smaller."""

    def __init__(self, scenario: Scenario, fails: Fails, most_runs: int, on_run: OnRun) -> None:
        self.smallest, self.runs = scenario, 0
        self._fails, self._most_runs, self._on_run = fails, most_runs, on_run
        self._known: set[bytes] = set()  # those that do not fail

    def run(self, suspects: Sequence[str]) -> None:
        """Until nothing can be left out any more. Cameras first: with fewer of them each run takes less time."""
        self._suspects(suspects)
        before = None
        while before != self.smallest:
            before = self.smallest
            self._cameras()
            self._faults()
            self._cameras_of_faults()
            self._operator()
            self._duration()
            self._lengths_of_faults()

    def _still_fails(self, candidate: Scenario) -> bool:
        """Whether it does; if so it is the smallest from now on."""
        if candidate == self.smallest:
            return True
        key = msgspec.json.encode(candidate)
        if key in self._known:
            return False
        if self.runs == self._most_runs:
            raise _ExhaustedError
        self.runs += 1
        failed = self._fails(candidate)
        if failed:
            self.smallest = candidate
        else:
            self._known.add(key)
        self._on_run(self.runs, self.smallest)
        return failed

    def _suspects(self, suspects: Sequence[str]) -> None:
        if len(self.smallest.cameras) > 1:
            any(self._still_fails(_only(self.smallest, [one])) for one in suspects[:_SUSPECTS])

    def _cameras(self) -> None:
        whole = self.smallest
        ddmin(whole.cameras, lambda some: bool(some) and self._still_fails(_only(whole, some)))

    def _faults(self) -> None:
        whole = self.smallest
        ddmin(whole.faults, lambda some: self._still_fails(_changed(whole, faults=some)))

    def _cameras_of_faults(self) -> None:
        """A fault at several cameras is one at each of them."""
        whole = self.smallest
        pairs = [(number, name) for number, fault in enumerate(whole.faults) for name in fault.cameras or [""]]
        if len(pairs) > len(whole.faults):
            ddmin(pairs, lambda some: self._still_fails(_changed(whole, faults=_joined(whole.faults, some))))

    def _operator(self) -> None:
        self._still_fails(_changed(self.smallest, operator=Operator()))

    def _duration(self) -> None:
        whole = self.smallest

        def lasting(seconds: float) -> Scenario:
            faults = [one for one in self.smallest.faults if one.at_s < seconds]
            return _changed(self.smallest, duration_s=seconds, faults=faults)

        self._shortest(whole.duration_s, lasting, least_s=1.0)

    def _lengths_of_faults(self) -> None:
        for number, fault in enumerate(self.smallest.faults):

            def lasting(seconds: float, number: int = number) -> Scenario:
                faults = list(self.smallest.faults)
                faults[number] = _changed(faults[number], for_s=seconds)
                return _changed(self.smallest, faults=faults)

            self._shortest(fault.for_s, lasting, least_s=0.0)

    def _shortest(self, longest_s: float, lasting: Callable[[float], Scenario], least_s: float) -> None:
        """Bring a length of time near to the shortest that fails, by halves."""
        fails_s, passes_s = longest_s, least_s
        while fails_s - passes_s > max(_NEAR_S, _NEAR_SHARE * fails_s):
            middle_s = float(round((fails_s + passes_s) / 2))
            if self._still_fails(lasting(middle_s)):
                fails_s = middle_s
            else:
                passes_s = middle_s


S = TypeVar("S", bound=msgspec.Struct)


def _changed(one: S, **changes: object) -> S:
    return msgspec.structs.replace(one, **changes)


def _only(scenario: Scenario, cameras: Sequence[str]) -> Scenario:
    """With these cameras alone, and what goes wrong with them."""
    faults = [
        fault if fault.kind == _FLEET_WIDE else _at(fault, [name for name in fault.cameras if name in cameras])
        for fault in scenario.faults
    ]
    kept = [fault for fault in faults if fault.kind == _FLEET_WIDE or fault.cameras]
    return _changed(scenario, only_cameras=list(cameras), faults=kept)


def _at(fault: Fault, cameras: Sequence[str]) -> Fault:
    return _changed(fault, share=1.0, sites=[], cameras=list(cameras))


def _joined(faults: Sequence[Fault], pairs: Sequence[tuple[int, str]]) -> list[Fault]:
    """The faults of these pairs of a fault's number and a camera's name."""
    cameras: dict[int, list[str]] = {}
    for number, name in pairs:
        cameras.setdefault(number, []).append(name)
    return [
        faults[number] if faults[number].kind == _FLEET_WIDE else _at(faults[number], names)
        for number, names in cameras.items()
    ]
