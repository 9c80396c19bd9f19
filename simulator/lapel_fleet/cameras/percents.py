"""Percentages of many cameras, as counts that can be merged from several worker processes."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

Key = TypeVar("Key")


class Percents(msgspec.Struct):
    """A percentage of each camera, counted by the whole percent."""

    counts: dict[int, int] = {}

    @staticmethod
    def of(percents: Iterable[float]) -> "Percents":
        """One for each camera; fractions of a percent are dropped."""
        counts: dict[int, int] = {}
        for percent in percents:
            counts[int(percent)] = counts.get(int(percent), 0) + 1
        return Percents(counts)

    def percentile(self, percent: float) -> int | None:
        """The smallest value that this share of the cameras does not exceed; None without cameras."""
        return percentile_of(self.counts, percent)

    @staticmethod
    def merged(parts: Iterable["Percents"]) -> "Percents":
        """All of them as one."""
        return Percents(merged_counts(one.counts for one in parts))


def merged_counts(counts: Iterable[Mapping[Key, int]]) -> dict[Key, int]:
    """The sums, key by key."""
    total: dict[Key, int] = {}
    for part in counts:
        for key, count in part.items():
            total[key] = total.get(key, 0) + count
    return total


def percentile_of(counts: Mapping[int, int], percent: float) -> int | None:
    """The smallest number that at least this share of all counts does not exceed; None when there are none."""
    wanted, seen = sum(counts.values()) * percent / 100, 0
    for number in sorted(counts):
        seen += counts[number]
        if seen >= wanted:
            return number
    return None
