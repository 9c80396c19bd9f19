"""Which zones of a profile a camera is in: by its position, the day and the time of day."""

import math
from datetime import date, datetime, timedelta
from typing import Final, get_args

from lapel.policy.profile import Profile, Weekday, Zone

_EARTH_RADIUS_M: Final = 6_371_000.0
_WEEKDAYS: Final[tuple[Weekday, ...]] = get_args(Weekday)


def zones_at(profile: Profile, latitude: float, longitude: float, accuracy_m: float, local: datetime) -> list[Zone]:
    """The zones that a position may lie in at that local time: within a zone's radius, give or take the accuracy."""
    return [
        zone
        for zone in profile.zones
        if _is_in_force(zone, local)
        and distance_m(zone.latitude, zone.longitude, latitude, longitude) <= zone.radius_m + accuracy_m
    ]


def distance_m(latitude: float, longitude: float, to_latitude: float, to_longitude: float) -> float:
    """Great-circle distance in metres between two positions in degrees (haversine formula, spherical Earth)."""
    north, to_north = math.radians(latitude), math.radians(to_latitude)
    half_north, half_east = (to_north - north) / 2, math.radians(to_longitude - longitude) / 2
    square = math.sin(half_north) ** 2 + math.cos(north) * math.cos(to_north) * math.sin(half_east) ** 2
    return 2 * _EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, square)))


def _is_in_force(zone: Zone, local: datetime) -> bool:
    if zone.begins is None or zone.ends is None:
        return _is_on(zone, local.date())
    time = local.time().replace(tzinfo=None)
    if zone.begins < zone.ends:
        return zone.begins <= time < zone.ends and _is_on(zone, local.date())
    if time >= zone.begins:
        return _is_on(zone, local.date())
    return time < zone.ends and _is_on(zone, local.date() - timedelta(days=1))


def _is_on(zone: Zone, day: date) -> bool:
    return zone.is_valid(day) and (not zone.weekdays or _WEEKDAYS[day.weekday()] in zone.weekdays)
