"""One measured figure, beside a peer or a bound: machines are shared and noisy, ratios carry."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` in `unit`; `peer` is the same job done another way, in the same run. Beyond `bound` the bench fails."""

    name: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    bound: float | None = None
    target: float | None = None
    """The ratio to the peer that is aimed at: at most this."""
    ratios: tuple[float, ...] = ()
    """The ratio to the peer in each round."""

    @property
    def ratio(self) -> float | None:
        """The median ratio to the peer; None without one."""
        if self.ratios:
            return median(self.ratios)
        return self.value / self.peer_value if self.peer_value else None

    @property
    def holds(self) -> bool:
        """Whether the value is within its bound."""
        return self.bound is None or self.value <= self.bound

    @property
    def aim(self) -> Literal["met", "missed", ""]:
        """Whether bound and target are met; empty without either."""
        if self.bound is None and self.target is None:
            return ""
        within = self.target is None or self.ratio is None or self.ratio <= self.target
        return "met" if within and self.holds else "missed"

    @property
    def aimed_at(self) -> str:
        """Target or bound, as in `≤ 0.8 ×` or `≤ 120 s`; empty without either."""
        if self.target is not None:
            return f"≤ {self.target:g} ×"
        return f"≤ {self.bound:.3g} {self.unit}".rstrip() if self.bound is not None else ""

    @property
    def spread(self) -> str:
        """The ratio with its smallest and greatest over the rounds; empty without a peer."""
        if self.ratio is None:
            return ""
        more = f" ({min(self.ratios):.2f} to {max(self.ratios):.2f})" if len(self.ratios) > 1 else ""
        return f"{self.ratio:.2f}{more}"

    def __str__(self) -> str:
        parts = [f"{self.name:58} {self.value:9.3g} {self.unit}"]
        if self.peer:
            parts.append(f"{self.spread} x {self.peer} ({self.peer_value:.3g} {self.unit})")
        if self.bound is not None:
            parts.append(f"{'within' if self.holds else 'BEYOND'} {self.bound:g} {self.unit}")
        if self.target is not None:
            parts.append(f"aim {self.aimed_at}: {self.aim}")
        return "  ".join(parts)


def compared(
    name: str, ours: Sequence[float], peer: str, theirs: Sequence[float], unit: str, *, target: float | None = None
) -> Figure:
    """A figure from rounds that measured both in turn."""
    ratios = tuple(one / other for one, other in zip(ours, theirs, strict=True))
    return Figure(name, median(ours), unit, peer, median(theirs), target=target, ratios=ratios)
