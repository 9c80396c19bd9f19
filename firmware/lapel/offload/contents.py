"""The items of a recording: its clips' files, and the metadata that a back end gets with them. Pure.

What is made here is what the Body worn integration API asks for: keys, bookmarks, a position trail.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from lapel.clock import iso
from lapel.offload.interface import Item, Kind, OutgoingRecording
from lapel.outgoing import OutgoingClip
from lapel.recording import Account, Location

VIDEOS = ("video.mp4", "video.sealed")
KEY, TRAIL = "clip.key", "gpstrail.json"
_SAME_FIX = timedelta(seconds=0.5)
"""Accounts give a fix's age to a tenth of a second; a receiver has a new fix each second."""
_KINDS: dict[str, Kind] = {
    **dict.fromkeys(VIDEOS, "video"),
    "manifest.jsonl": "manifest",
    "recording.json": "account",
}


class _Place(NamedTuple):
    """Where the camera was, and when."""

    at: datetime
    latitude: float
    longitude: float


def items_of(recording: OutgoingRecording) -> list[Item]:
    """Every item, in the order in which they are sent: clip by clip, a key before what it opens; bookmarks; trail."""
    items = [item for clip in recording.clips for item in _files(clip)]
    items += [item for clip in recording.clips for item in _bookmarks(clip)]
    if (trail := _trail(recording)) is not None:
        items.append(trail)
    return items


def start_of(account: Account) -> datetime:
    """When a clip's first frame was captured; the trigger where there is no frame."""
    return datetime.fromisoformat(account.start_time or account.trigger_time)


def end_of(account: Account) -> datetime:
    """When a clip ended."""
    if account.end_time is not None:
        try:
            return datetime.fromisoformat(account.end_time)
        except ValueError:  # *unknown*, in an account that was rebuilt
            pass
    return start_of(account) + timedelta(seconds=account.duration_s)


def trigger_of(account: Account) -> datetime:
    """When the button was pressed, or the command came."""
    try:
        return datetime.fromisoformat(account.trigger_time)
    except ValueError:
        return start_of(account)


def _files(clip: OutgoingClip) -> Iterator[Item]:
    if clip.wrapped_keys is not None:
        yield Item(clip, "key", KEY, len(clip.wrapped_keys), clip.wrapped_keys)
    for file in clip.files:
        yield Item(clip, _KINDS.get(file.name, "tail"), file.name, file.size_bytes)


def _bookmarks(clip: OutgoingClip) -> Iterator[Item]:
    """One for the category, and one per marker, whose content is its label: empty for a press of the button."""
    account, start = clip.account, start_of(clip.account)
    if account.category:
        about = {"CategoryID": account.category, "CategoryName": account.category, "StartTime": iso(start)}
        yield Item(clip, "bookmark", "bookmark-0", 0, b"", about)
    for number, at_s in enumerate(account.markers_s, 1):
        label = account.marker_labels[number - 1] if number <= len(account.marker_labels) else ""
        about = {"StartTime": iso(start + timedelta(seconds=at_s))}
        yield Item(clip, "bookmark", f"bookmark-{number}", len(label.encode()), label.encode(), about)


def _trail(recording: OutgoingRecording) -> Item | None:
    """Where the camera was at the trigger, along each clip, and at its end, as far as it knew."""
    start = start_of(recording.clips[0].account)
    places = sorted(place for clip in recording.clips for place in _places(clip.account))
    if not places:
        return None
    later = [place for before, place in pairwise(places) if place.at - before.at >= _SAME_FIX]
    entries = [_entry(place, start) for place in (places[0], *later)]
    content = json.dumps({"CoordinateEntries": entries}, indent=1).encode()
    return Item(recording.clips[0], "trail", TRAIL, len(content), content)


def _places(account: Account) -> Iterator[_Place]:
    if account.position_start is not None and account.continues is None:
        yield _place(trigger_of(account), account.position_start)
    start = start_of(account)
    for point in account.positions:
        yield _Place(start + timedelta(seconds=point.at_s), point.latitude, point.longitude)
    if account.position_end is not None:
        yield _place(end_of(account), account.position_end)


def _place(at: datetime, location: Location) -> _Place:
    return _Place(at - timedelta(seconds=location.age_s), location.latitude, location.longitude)


def _entry(place: _Place, start: datetime) -> dict[str, object]:
    return {
        "LocationWKT": f"POINT({place.longitude:.6f} {place.latitude:.6f})",
        "SecondsFromStart": round((place.at - start).total_seconds(), 3),
        "Timestamp": iso(place.at),
    }
