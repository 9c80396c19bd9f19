"""What is measured while a run goes on: little, in bounded memory, mergeable from several worker processes.

Domain time is cut into at most 200 buckets, however long the run. Counts and maxima are exact. Latencies are counted in
logarithmic classes, 64 to a doubling, so that a percentile is at most 1.6 % too high and never too low; batteries and
storage are counted by the whole percent.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Literal

import msgspec

from lapel_fleet.cameras.percents import Percents, merged_counts, percentile_of

BUCKETS = 200
_CLASSES = 64
_SHORTEST_S = 1e-6
"""Shorter latencies count as this long; the maximum stays exact."""


class Latencies(msgspec.Struct):
    """Times that things took, by how often."""

    counts: dict[int, int] = {}
    """By class; see `_class_of`."""
    max_s: float = 0.0

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.counts.values())

    def add(self, seconds: float) -> None:
        """One more. What seems to end before it began took no time."""
        seconds = max(0.0, seconds)
        number = _class_of(seconds)
        self.counts[number] = self.counts.get(number, 0) + 1
        self.max_s = max(self.max_s, seconds)

    def percentile_s(self, percent: float) -> float | None:
        """At least that share of them took no longer; None when there were none."""
        number = percentile_of(self.counts, percent)
        return None if number is None else min(_upper_s(number), self.max_s)

    @staticmethod
    def merged(parts: Iterable["Latencies"]) -> "Latencies":
        """All of them together."""
        parts = list(parts)
        return Latencies(merged_counts(one.counts for one in parts), max((one.max_s for one in parts), default=0.0))


class Bucket(msgspec.Struct):
    """What was measured in one stretch of domain time."""

    start_s: float
    messages: dict[str, int] = {}
    """By kind."""
    commands: Latencies = msgspec.field(default_factory=Latencies)
    """From the sending of a command to its end."""
    presses: Latencies = msgspec.field(default_factory=Latencies)
    """From the wish for a recording to the retained state that tells of it."""
    lags: Latencies = msgspec.field(default_factory=Latencies)
    """How late the event loop woke; live runs only."""
    looked_s: float | None = None
    """When somebody looked at the cameras, which gave what follows; None when nobody did."""
    states: dict[str, dict[str, int]] = {}
    """Cameras by site and state."""
    batteries: Percents = msgspec.field(default_factory=Percents)
    storage: Percents = msgspec.field(default_factory=Percents)
    """Used, of each card."""


class Samples(msgspec.Struct):
    """All that was measured in a run."""

    every_s: float
    """Length of a bucket; the last goes on until `until_s`."""
    until_s: float
    buckets: list[Bucket]
    messages_by_site: dict[str, int] = {}

    def length_s(self, number: int) -> float:
        """Of one bucket: the last may be longer or shorter than the others."""
        bucket, last = self.buckets[number], number == len(self.buckets) - 1
        return self.until_s - bucket.start_s if last else self.every_s

    def overall(self, what: Literal["commands", "presses", "lags"]) -> Latencies:
        """The latencies of the whole run."""
        return Latencies.merged(getattr(one, what) for one in self.buckets)


class Sampler:
    """Is told what happens, at a cost that does not depend on how much there was before."""

    def __init__(self, now_s: Callable[[], float], every_s: float, duration_s: float) -> None:
        """`now_s`: domain time since the run began. `every_s` is what is wished; it is longer where `duration_s` would
        be more than 200 buckets. What happens after `duration_s` counts into the last bucket.
        """
        self.every_s = max(every_s, duration_s / BUCKETS)
        self._now_s = now_s
        self._last = max(1, math.ceil(round(duration_s / self.every_s, 9))) - 1
        self._buckets = [Bucket(0.0)]
        self._turns_s = self.every_s if self._last else math.inf
        self._by_site: dict[str, int] = {}

    def message(self, kind: str, site: str) -> None:
        """A message was heard from a camera of `site`."""
        messages = self._bucket().messages
        messages[kind] = messages.get(kind, 0) + 1
        self._by_site[site] = self._by_site.get(site, 0) + 1

    def command(self, latency_s: float) -> None:
        """A command has ended, so long after it was sent."""
        self._bucket().commands.add(latency_s)

    def press(self, latency_s: float) -> None:
        """A camera's retained state says *recording*, so long after somebody wanted it."""
        self._bucket().presses.add(latency_s)

    def lag(self, seconds: float) -> None:
        """The event loop woke so much too late."""
        self._bucket().lags.add(seconds)

    def snapshot(
        self,
        states: Mapping[str, Mapping[str, int]],
        batteries: Percents | None = None,
        storage: Percents | None = None,
    ) -> None:
        """How things stand now: cameras by site and state, the charge of each, the used share of each card.

        Meant to come every `every_s`; the last in a bucket counts.
        """
        bucket = self._bucket()
        bucket.looked_s = self._now_s()
        bucket.states = {site: dict(counts) for site, counts in states.items()}
        bucket.batteries, bucket.storage = batteries or Percents(), storage or Percents()

    def samples(self) -> Samples:
        """All so far."""
        self._bucket()
        return Samples(self.every_s, self._now_s(), self._buckets, self._by_site)

    def _bucket(self) -> Bucket:
        while self._now_s() >= self._turns_s:
            number = len(self._buckets)
            self._buckets.append(Bucket(number * self.every_s))
            self._turns_s = (number + 1) * self.every_s if number < self._last else math.inf
        return self._buckets[-1]


def merged(parts: Sequence[Samples]) -> Samples:
    """What several workers of one run measured. Raises ValueError when their buckets differ: they had other runs."""
    if len({one.every_s for one in parts}) != 1:
        raise ValueError("samples with buckets of different lengths are not of one run")
    rows = zip_longest(*(one.buckets for one in parts))
    return Samples(
        parts[0].every_s,
        max(one.until_s for one in parts),
        [_merged_buckets([one for one in row if one is not None]) for row in rows],
        merged_counts(one.messages_by_site for one in parts),
    )


def _merged_buckets(parts: list[Bucket]) -> Bucket:
    looks_s = [one.looked_s for one in parts if one.looked_s is not None]
    sites = dict.fromkeys(site for one in parts for site in one.states)
    return Bucket(
        parts[0].start_s,
        merged_counts(one.messages for one in parts),
        Latencies.merged(one.commands for one in parts),
        Latencies.merged(one.presses for one in parts),
        Latencies.merged(one.lags for one in parts),
        max(looks_s, default=None),
        {site: merged_counts(one.states.get(site, {}) for one in parts) for site in sites},
        Percents.merged(one.batteries for one in parts),
        Percents.merged(one.storage for one in parts),
    )


def _class_of(seconds: float) -> int:
    """Its power of two, and where between that and the next it lies."""
    mantissa, exponent = math.frexp(max(seconds, _SHORTEST_S))
    return exponent * _CLASSES + int((mantissa - 0.5) * 2 * _CLASSES)


def _upper_s(number: int) -> float:
    """The end of a class."""
    exponent, place = divmod(number, _CLASSES)
    return math.ldexp(0.5 + (place + 1) / (2 * _CLASSES), exponent)
