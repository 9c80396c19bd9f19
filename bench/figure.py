"""One measured figure, beside a peer or a bound: machines are shared and noisy, ratios carry."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` in `unit`; `peer` is the same job done another way, in the same run. Beyond `bound` the bench fails."""

    name: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    bound: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the value is within its bound."""
        return self.bound is None or self.value <= self.bound

    def __str__(self) -> str:
        parts = [f"{self.name:58} {self.value:9.3g} {self.unit}"]
        if self.peer_value:
            parts.append(f"{self.value / self.peer_value:.2f} x {self.peer} ({self.peer_value:.3g} {self.unit})")
        if self.bound is not None:
            parts.append(f"{'within' if self.holds else 'BEYOND'} {self.bound:g} {self.unit}")
        return "  ".join(parts)
