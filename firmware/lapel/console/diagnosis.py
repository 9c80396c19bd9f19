"""Diagnosis of a camera: one survey of all parts in, a list of findings with remedies out, gravest first. Pure."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from lapel.console.interface import (
    BatteryStatus,
    CameraOverview,
    ConsoleCamera,
    HeldButton,
    NetworkStatus,
    StorageStatus,
    VideoStatus,
)

Severity = Literal["blocker", "trouble"]
"""A *blocker* keeps the camera from recording what the wearer expects; *trouble* does not, but needs repair."""

_FROZEN_S = 5.0
_STALE_S = 3.0
_STUCK_S = 30.0
_BATTERY_CRITICAL_PERCENT = 5.0
_BATTERY_LOW_PERCENT = 15.0


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One problem, and what to do about it."""

    severity: Severity
    what: str
    remedy: str


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """The status of all parts at one moment. Support bundles contain it as JSON: names there do not change."""

    overview: CameraOverview = msgspec.field(name="standing")
    video: VideoStatus
    storage: StorageStatus = msgspec.field(name="card")
    network: NetworkStatus
    battery: BatteryStatus | None
    buttons: list[HeldButton]


async def survey(camera: ConsoleCamera) -> Survey:
    """Query all parts once."""
    return Survey(
        overview=camera.overview(),
        video=camera.video(),
        storage=await camera.storage(),
        network=camera.network(),
        battery=camera.battery(),
        buttons=list(camera.held_buttons()),
    )


def findings(seen: Survey) -> list[Finding]:
    """All findings, blockers first; within a severity, causes before their effects."""
    found = [*_battery(seen), *_storage(seen), *_video(seen), *_buttons(seen), *_state(seen)]
    found += [*_clock(seen), *_network(seen), *_failed(seen), *_damaged(seen), *_interrupted(seen)]
    return sorted(found, key=lambda one: one.severity != "blocker")


def verdict(found: list[Finding]) -> str:
    """READY, RECORDS, BUT (it records, but has problems), or NOT READY."""
    if not found:
        return "READY"
    return "NOT READY" if found[0].severity == "blocker" else "RECORDS, BUT"


def _blocker(what: str, remedy: str) -> Finding:
    return Finding(severity="blocker", what=what, remedy=remedy)


def _trouble(what: str, remedy: str) -> Finding:
    return Finding(severity="trouble", what=what, remedy=remedy)


def _battery(seen: Survey) -> Iterator[Finding]:
    battery = seen.battery
    if battery is None or battery.charging or battery.percent > _BATTERY_LOW_PERCENT:
        return
    left = f", {battery.minutes_left:.0f} min left" if battery.minutes_left is not None else ""
    is_critical = battery.percent <= _BATTERY_CRITICAL_PERCENT
    finding = _blocker if is_critical else _trouble
    yield finding(f"battery: {battery.percent:.0f} %{left}", "dock the camera or replace the battery; check: `battery`")


def _storage(seen: Survey) -> Iterator[Finding]:
    if _is_full(seen.storage):
        yield _blocker(
            "storage: the storage card is full",
            "offload in the dock, or insert another card; the console deletes nothing; check: `storage`",
        )
    elif not seen.storage.ok:
        tested = "self-test: " if seen.overview.reason.startswith("self-test failed") else ""
        yield _blocker(
            f"{tested}storage: {seen.storage.finding}",
            "check the storage card's write-protect switch and its seat; if that does not help, insert another card and"
            " keep this one, it holds evidence; check: `storage`",
        )


def _is_full(storage: StorageStatus) -> bool:
    return storage.free_bytes is not None and storage.free_bytes < storage.needed_bytes


def _can_record(storage: StorageStatus) -> bool:
    return storage.ok and not _is_full(storage)


def _video(seen: Survey) -> Iterator[Finding]:
    video = seen.video
    if seen.overview.state not in ("buffering", "recording"):
        return
    if video.lost is not None:
        yield _blocker(
            f"video: no frames: {video.lost}", "connect the video source's cable; check: `video`, `device list`"
        )
    elif video.last_frame_age_s is not None and video.last_frame_age_s > _STALE_S:
        yield _blocker(
            f"video: the last frame is {video.last_frame_age_s:.0f} s old",
            "restart capturing: `state sleep`, then `state arm`",
        )
    elif video.unchanged_s is not None and video.unchanged_s >= _FROZEN_S:
        yield _blocker(
            f"video: the image has been frozen for {video.unchanged_s:.0f} s",
            "restart capturing: `state sleep`, then `state arm`; if it stays frozen, unplug the video source's cable"
            " and plug it in again",
        )


def _buttons(seen: Survey) -> Iterator[Finding]:
    for button in seen.buttons:
        if button.held_s >= _STUCK_S:
            yield _blocker(
                f"button: `{button.name}` has been down for {button.held_s:.0f} s",
                "free the button and clean around it; `device list` shows when it is up",
            )


def _state(seen: Survey) -> Iterator[Finding]:
    overview = seen.overview
    match overview.state:
        case "fault" if _can_record(seen.storage):
            yield _blocker(f"fault: {overview.reason or 'no reason given'}", "`log show` lists what happened before it")
        case "standby":
            yield _blocker("state: standby, the camera captures nothing", "start capturing: `state arm`")
        case "docked":
            yield _blocker("state: docked, the camera captures nothing", "take the camera out of its dock")
        case "booting":
            yield _blocker("state: still booting", "wait a moment; `log show` shows the progress")
        case "off":
            yield _blocker("state: off", "switch the camera on")


def _clock(seen: Survey) -> Iterator[Finding]:
    if seen.overview.clock == "unsynced":
        yield _trouble(
            f"clock: never set, it reads {seen.overview.time}", "set it, in UTC: `clock set YYYY-MM-DDTHH:MM:SSZ`"
        )


def _network(seen: Survey) -> Iterator[Finding]:
    network = seen.network
    if not network.broker:
        return
    if network.duplicate:
        yield _trouble(
            f"network: {network.reason}",
            "compare `config show camera` on both; rename one with `replace NAME`. If there is no second camera, report"
            " to the fleet's operator that someone publishes on this camera's topic",
        )
    elif network.certificate_expired:
        when = f" on {network.certificate_until}" if network.certificate_until else ""
        yield _trouble(
            f"network: the camera's certificate expired{when}",
            "get a new one from the fleet's operator, then `config set link.cert FILE`, `config commit confirmed 5`,"
            " `config confirm`",
        )
    elif not network.up and "certificate has expired" in network.reason:
        yield _trouble(
            f"network: no broker: the broker's certificate has expired: {network.reason}",
            "check `clock show`: with a wrong clock a valid certificate looks expired; otherwise report it to the"
            " fleet's operator",
        )
    elif not network.up:
        yield _trouble(
            f"network: no broker: {network.reason}",
            "find the step that fails: `network probe`; correct the address: `config set link.broker URL`",
        )
    if network.refused:
        yield _trouble(
            f"network: the broker refuses messages: {network.refused}",
            "report it to the fleet's operator: the broker's access list and limits decide; nothing is lost meanwhile",
        )
    if network.events_dropped:
        yield _trouble(
            f"network: {network.events_dropped} events were dropped",
            "report it to the fleet's operator, with a `support bundle`",
        )


def _interrupted(seen: Survey) -> Iterator[Finding]:
    clips = seen.overview.interrupted
    if clips:
        yield _trouble(
            f"shutdown: the last session ended without one; {len(clips)} recording(s) interrupted and kept",
            "see `recording list` and `battery`, write down the cause with `note TEXT`, then `state acknowledge`",
        )


def _failed(seen: Survey) -> Iterator[Finding]:
    for failure in seen.overview.failed:
        yield _trouble(
            f"storage: a recording failed: {failure}",
            "keep the storage card, it holds what is left; see `recording list`, write down the cause with `note TEXT`,"
            " then `state acknowledge`",
        )


def _damaged(seen: Survey) -> Iterator[Finding]:
    files = seen.overview.damaged
    if files:
        yield _trouble(
            f"storage: {len(files)} file(s) of the camera were damaged and set aside: {', '.join(files)}",
            "see `log show`; the storage card may be failing: offload it and replace it, keep the old one, then"
            " `state acknowledge`",
        )
