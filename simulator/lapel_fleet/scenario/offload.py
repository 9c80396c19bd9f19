"""Offload in a scenario: the docking stations of sites, and how cameras let their recordings leave."""

# ruff: noqa: RUF012  # msgspec copies an empty list for each instance

from typing import Annotated

from msgspec import Meta

from lapel_fleet.scenario.tables import Table


class DockingStations(Table, frozen=True, kw_only=True):
    """The docking stations of some sites. A site without any has a bay for each camera, and a line without a limit."""

    sites: list[str] = []
    """Those that have such a station each; all sites when empty."""
    bays: Annotated[int, Meta(ge=1, le=20_000)] | None = None
    """Cameras that find room at once; the others wait beside it, not charging. Without it there is room for all."""
    line_bps: Annotated[float, Meta(ge=1000)] | None = None
    """Bits per second to the evidence back end, shared by all bays. Without it there is no limit."""


class Offload(Table, frozen=True, kw_only=True):
    """Cameras offload to an evidence back end while they are docked. Without this table they keep their recordings."""

    critical: list[str] = []
    """Sources and reasons of starts whose recordings leave first: `button`, `command`, `holster`, ..."""
    uploads: Annotated[int, Meta(ge=1, le=16)] = 2
    """Recordings that leave a camera at once."""
    limit_bps: Annotated[float, Meta(ge=0)] = 0.0
    """Bits per second of each camera; 0: no limit."""
    keep_h: Annotated[float, Meta(ge=0, le=876_000)] = 0.0
    """Hours that a recording stays on the card after the back end has confirmed it."""
