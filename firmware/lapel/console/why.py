"""What is wrong, gravest first, and what to do about it. Pure: one survey in, findings out."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from lapel.console.interface import Battery, Button, Card, ConsoleCamera, Network, Standing, Video

Severity = Literal["blocker", "trouble"]
"""A *blocker* keeps the camera from recording what the wearer expects; *trouble* does not, and wants mending."""

_FROZEN_S = 5.0
_STALE_S = 3.0
_STUCK_S = 30.0
_BATTERY_CRITICAL_PERCENT = 5.0
_BATTERY_LOW_PERCENT = 15.0


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong."""

    severity: Severity
    what: str
    remedy: str


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was looked at."""

    standing: Standing
    video: Video
    card: Card
    network: Network
    battery: Battery | None
    buttons: list[Button]


async def survey(desk: ConsoleCamera) -> Survey:
    """Look at everything, once."""
    return Survey(
        standing=desk.standing(),
        video=desk.video(),
        card=await desk.card(),
        network=desk.network(),
        battery=desk.battery(),
        buttons=list(desk.held()),
    )


def findings(seen: Survey) -> list[Finding]:
    """Blockers first; within them, what causes others comes before what it causes."""
    found = [*_battery(seen), *_card(seen), *_video(seen), *_buttons(seen), *_state(seen)]
    found += [*_clock(seen), *_network(seen), *_interrupted(seen)]
    return sorted(found, key=lambda one: one.severity != "blocker")


def verdict(found: list[Finding]) -> str:
    """READY, RECORDS BUT, or NOT READY."""
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
    grave = battery.percent <= _BATTERY_CRITICAL_PERCENT
    say = _blocker if grave else _trouble
    yield say(f"battery: {battery.percent:.0f} %{left}", "dock the camera or change the battery; `battery`")


def _card(seen: Survey) -> Iterator[Finding]:
    if _is_full(seen.card):
        yield _blocker(
            "storage: the card is full",
            "offload in the dock or put another card in; nothing is deleted from here; `storage`",
        )
    elif not seen.card.ok:
        tested = "self-test: " if seen.standing.reason.startswith("self-test failed") else ""
        yield _blocker(
            f"{tested}storage: {seen.card.finding}",
            "look at its lock and seat, else put another card in, and keep this one: it holds evidence; `storage`",
        )


def _is_full(card: Card) -> bool:
    return card.free_bytes is not None and card.free_bytes < card.needed_bytes


def _takes_recordings(card: Card) -> bool:
    return card.ok and not _is_full(card)


def _video(seen: Survey) -> Iterator[Finding]:
    video = seen.video
    if seen.standing.state not in ("buffering", "recording"):
        return
    if video.lost is not None:
        yield _blocker(f"video: no pictures: {video.lost}", "plug the lens cable in, look at `video` and `device list`")
    elif video.last_frame_age_s is not None and video.last_frame_age_s > _STALE_S:
        yield _blocker(
            f"video: the last picture is {video.last_frame_age_s:.0f} s old", "`state sleep`, then `state arm`"
        )
    elif video.unchanged_s is not None and video.unchanged_s >= _FROZEN_S:
        yield _blocker(
            f"video: the picture has been frozen for {video.unchanged_s:.0f} s",
            "open the lens anew: `state sleep`, then `state arm`; if it stays so, pull its cable and put it back",
        )


def _buttons(seen: Survey) -> Iterator[Finding]:
    for button in seen.buttons:
        if button.held_s >= _STUCK_S:
            yield _blocker(
                f"button: `{button.name}` has been down for {button.held_s:.0f} s",
                "free it, clean its rim; `device list` shows when it is up",
            )


def _state(seen: Survey) -> Iterator[Finding]:
    standing = seen.standing
    match standing.state:
        case "fault" if _takes_recordings(seen.card):
            yield _blocker(f"fault: {standing.reason or 'no reason given'}", "`log show` tells what came before it")
        case "standby":
            yield _blocker("state: asleep, nothing is captured", "`state arm`")
        case "docked":
            yield _blocker("state: docked, nothing is captured", "take the camera out of its dock")
        case "booting":
            yield _blocker("state: still starting", "wait a moment; `log show` tells where it is")
        case "off":
            yield _blocker("state: off", "switch it on")


def _clock(seen: Survey) -> Iterator[Finding]:
    if seen.standing.clock == "unsynced":
        yield _trouble(f"clock: never set, it reads {seen.standing.time}", "`clock set YYYY-MM-DDTHH:MM:SSZ`, UTC")


def _network(seen: Survey) -> Iterator[Finding]:
    network = seen.network
    if not network.broker:
        return
    if network.certificate_expired:
        when = f" on {network.certificate_until}" if network.certificate_until else ""
        yield _trouble(
            f"network: the camera's certificate expired{when}",
            "bring a new one, then `config set link.cert FILE`, `config commit confirmed 5`, `config confirm`",
        )
    elif not network.up and "certificate has expired" in network.reason:
        yield _trouble(
            f"network: no broker: the broker's certificate has expired: {network.reason}",
            "`clock show`: with a wrong clock it only seems so; else tell the fleet",
        )
    elif not network.up:
        yield _trouble(
            f"network: no broker: {network.reason}",
            "`network probe` names the step that fails; the address: `config set link.broker URL`",
        )
    if network.events_dropped:
        yield _trouble(f"network: {network.events_dropped} events were given up", "tell the fleet; `support bundle`")


def _interrupted(seen: Survey) -> Iterator[Finding]:
    clips = seen.standing.interrupted
    if clips:
        yield _trouble(
            f"shut-down: the last session broke off; {len(clips)} recording(s) interrupted and kept",
            "see `recording list` and `battery`, write a `note TEXT`, then `state acknowledge`",
        )
