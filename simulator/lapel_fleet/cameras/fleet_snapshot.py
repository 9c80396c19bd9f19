"""The state of a fleet at one moment, in numbers that can be merged from several worker processes."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from lapel_fleet.cameras.backlog import Backlog
from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.cameras.percents import Percents, merged_counts


class FleetSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The cameras of a run or of a part of it, at one moment."""

    states: dict[str, dict[str, int]]
    """Number of cameras by site and state."""
    online: int
    """Cameras that are connected to the broker and have no event waiting."""
    batteries: Percents
    storage: Percents
    """Used share of each storage card."""
    backlog: Backlog | None = None
    """None where no camera offloads."""
    memory_bytes: int = 0
    """Memory of the process beyond what it took without cameras."""
    offline_reasons: dict[str, int] = {}
    """Why cameras that are switched on are not connected, and how many each."""
    lags_s: list[float] = []
    """Event loop lags since the last snapshot, where time is real."""

    @property
    def total(self) -> Mapping[str, int]:
        """Number of cameras by state."""
        return merged_counts(self.states.values())


def snapshot_of(cameras: Iterable[SimulatedCamera]) -> FleetSnapshot:
    """A snapshot of these cameras."""
    states: dict[str, dict[str, int]] = {}
    online, charges, used, reasons = 0, list[float](), list[float](), dict[str, int]()
    backlogs: list[Backlog | None] = []
    for one in cameras:
        counts, state = states.setdefault(one.name.partition("/")[0], {}), one.state
        counts[state] = counts.get(state, 0) + 1
        if one.is_connected:
            online += 1
        elif reason := one.offline_reason:
            reasons[reason] = reasons.get(reason, 0) + 1
        charges.append(one.battery.percent())
        used.append(100 * one.card_used_share)
        backlogs.append(Backlog.of(one.offload_status))
    return FleetSnapshot(
        states=states,
        online=online,
        offline_reasons=reasons,
        batteries=Percents.of(charges),
        storage=Percents.of(used),
        backlog=Backlog.merged(backlogs),
    )


def merged_snapshots(parts: Sequence[FleetSnapshot]) -> FleetSnapshot:
    """Snapshots of several parts of a fleet as one."""
    sites = dict.fromkeys(site for one in parts for site in one.states)
    return FleetSnapshot(
        states={site: merged_counts(one.states.get(site, {}) for one in parts) for site in sites},
        online=sum(one.online for one in parts),
        batteries=Percents.merged(one.batteries for one in parts),
        storage=Percents.merged(one.storage for one in parts),
        backlog=Backlog.merged(one.backlog for one in parts),
        memory_bytes=sum(one.memory_bytes for one in parts),
        offline_reasons=merged_counts(one.offline_reasons for one in parts),
        lags_s=[lag_s for one in parts for lag_s in one.lags_s],
    )
