"""Measurements during a run, in bounded memory, which can be merged from several worker processes.

The cameras' time is divided into at most 200 buckets, however long the run. Counts and maxima are exact. Latencies are
counted in logarithmic classes, 64 for each doubling, so that a percentile is at most 1.6 % too high and never too low.
Battery charge and used storage are counted by the whole percent.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Literal

import msgspec

from lapel_fleet.cameras.backlog import Backlog
from lapel_fleet.cameras.percents import Percents, merged_counts, percentile_of

BUCKETS = 200
_CLASSES = 64
_SHORTEST_S = 1e-6
"""Shorter latencies count as this one; the maximum stays exact."""


class Latencies(msgspec.Struct):
    """A histogram of latencies."""

    counts: dict[int, int] = {}
    """By class; see `_class_of`."""
    max_s: float = 0.0

    @property
    def count(self) -> int:
        """Number of latencies."""
        return sum(self.counts.values())

    def add(self, seconds: float) -> None:
        """Count a latency. A negative one, which clocks of different threads can give, counts as 0."""
        seconds = max(0.0, seconds)
        number = _class_of(seconds)
        self.counts[number] = self.counts.get(number, 0) + 1
        self.max_s = max(self.max_s, seconds)

    def percentile_s(self, percent: float) -> float | None:
        """The latency that at least that share does not exceed; None when there are none."""
        number = percentile_of(self.counts, percent)
        return None if number is None else min(_upper_s(number), self.max_s)

    @staticmethod
    def merged(parts: Iterable["Latencies"]) -> "Latencies":
        """The histogram of all parts."""
        parts = list(parts)
        return Latencies(merged_counts(one.counts for one in parts), max((one.max_s for one in parts), default=0.0))


class Bucket(msgspec.Struct):
    """The measurements in one interval of the cameras' time."""

    start_s: float
    messages: dict[str, int] = {}
    """By kind."""
    commands: Latencies = msgspec.field(default_factory=Latencies)
    """From the sending of a command to its final reply."""
    presses: Latencies = msgspec.field(default_factory=Latencies)
    """From the command to record to the retained state *recording*."""
    lags: Latencies = msgspec.field(default_factory=Latencies)
    """Event loop lag; live runs only."""
    sampled_s: float | None = None
    """When states, batteries and storage were sampled; None when they were not."""
    states: dict[str, dict[str, int]] = {}
    """Cameras by site and state."""
    batteries: Percents = msgspec.field(default_factory=Percents)
    storage: Percents = msgspec.field(default_factory=Percents)
    """Used share of each storage card."""
    backlog: Backlog | None = None
    """None where no camera offloads."""
    uploaded_bytes: int = 0
    """What the evidence back end has stored."""


class Samples(msgspec.Struct):
    """All measurements of a run."""

    every_s: float
    """Length of a bucket; the last one extends to `until_s`."""
    until_s: float
    buckets: list[Bucket]
    messages_by_site: dict[str, int] = {}

    def length_s(self, number: int) -> float:
        """The length of a bucket: the last may be longer or shorter than the others."""
        bucket, last = self.buckets[number], number == len(self.buckets) - 1
        return self.until_s - bucket.start_s if last else self.every_s

    def overall(self, what: Literal["commands", "presses", "lags"]) -> Latencies:
        """The latencies of the whole run."""
        return Latencies.merged(getattr(one, what) for one in self.buckets)


class Sampler:
    """Collects measurements. The cost of one does not depend on how many there were before."""

    def __init__(self, now_s: Callable[[], float], every_s: float, duration_s: float) -> None:
        """`now_s`: the cameras' time since the run began. `every_s`: length of a bucket, made longer if `duration_s`
        would need more than 200 of them. What happens after `duration_s` counts in the last bucket.
        """
        self.every_s = max(every_s, duration_s / BUCKETS)
        self._now_s = now_s
        self._last = max(1, math.ceil(round(duration_s / self.every_s, 9))) - 1
        self._buckets = [Bucket(0.0)]
        self._next_bucket_s = self.every_s if self._last else math.inf
        self._by_site: dict[str, int] = {}

    def message(self, kind: str, site: str) -> None:
        """Count a message from a camera of `site`."""
        messages = self._bucket().messages
        messages[kind] = messages.get(kind, 0) + 1
        self._by_site[site] = self._by_site.get(site, 0) + 1

    def command(self, latency_s: float) -> None:
        """Count the latency from a command to its final reply."""
        self._bucket().commands.add(latency_s)

    def press(self, latency_s: float) -> None:
        """Count the latency from a command to record to the retained state *recording*."""
        self._bucket().presses.add(latency_s)

    def lag(self, seconds: float) -> None:
        """Count an event loop lag."""
        self._bucket().lags.add(seconds)

    def snapshot(
        self,
        states: Mapping[str, Mapping[str, int]],
        batteries: Percents | None = None,
        storage: Percents | None = None,
        backlog: Backlog | None = None,
    ) -> None:
        """Sample the cameras: how many are in which state at each site, each one's charge and used storage, and what
        has not left them all yet.

        To be called every `every_s`; the last one in a bucket counts.
        """
        bucket = self._bucket()
        bucket.sampled_s = self._now_s()
        bucket.states = {site: dict(counts) for site, counts in states.items()}
        bucket.batteries, bucket.storage = batteries or Percents(), storage or Percents()
        bucket.backlog = backlog

    def uploads(self, uploads: Iterable[tuple[float, int]]) -> None:
        """Set what the evidence back end has stored so far: when, in the run's time, and how many bytes."""
        self._bucket()
        for bucket in self._buckets:
            bucket.uploaded_bytes = 0
        for at_s, size_bytes in uploads:
            number = min(len(self._buckets) - 1, max(0, int(at_s / self.every_s)))
            self._buckets[number].uploaded_bytes += size_bytes

    def samples(self) -> Samples:
        """The measurements so far."""
        self._bucket()
        return Samples(self.every_s, self._now_s(), self._buckets, self._by_site)

    def _bucket(self) -> Bucket:
        while self._now_s() >= self._next_bucket_s:
            number = len(self._buckets)
            self._buckets.append(Bucket(number * self.every_s))
            self._next_bucket_s = (number + 1) * self.every_s if number < self._last else math.inf
        return self._buckets[-1]


def merged(parts: Sequence[Samples]) -> Samples:
    """The samples of several workers as one. Raises ValueError when the lengths of their buckets differ."""
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
    samples_s = [one.sampled_s for one in parts if one.sampled_s is not None]
    sites = dict.fromkeys(site for one in parts for site in one.states)
    return Bucket(
        parts[0].start_s,
        merged_counts(one.messages for one in parts),
        Latencies.merged(one.commands for one in parts),
        Latencies.merged(one.presses for one in parts),
        Latencies.merged(one.lags for one in parts),
        max(samples_s, default=None),
        {site: merged_counts(one.states.get(site, {}) for one in parts) for site in sites},
        Percents.merged(one.batteries for one in parts),
        Percents.merged(one.storage for one in parts),
        Backlog.merged(one.backlog for one in parts),
        sum(one.uploaded_bytes for one in parts),
    )


def _class_of(seconds: float) -> int:
    """The class of a latency: its power of two, and its position between that and the next."""
    mantissa, exponent = math.frexp(max(seconds, _SHORTEST_S))
    return exponent * _CLASSES + int((mantissa - 0.5) * 2 * _CLASSES)


def _upper_s(number: int) -> float:
    """The upper end of a class."""
    exponent, place = divmod(number, _CLASSES)
    return math.ldexp(0.5 + (place + 1) / (2 * _CLASSES), exponent)
