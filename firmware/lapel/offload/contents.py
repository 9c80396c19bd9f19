"""The items of a recording: its clips' files, and the metadata that a back end gets with them. Pure.

What is made here is what the Body worn integration API asks for: keys, bookmarks, a position trail.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from lapel.clock import iso
from lapel.offload.interface import Item, Kind, OutgoingRecording
from lapel.outgoing import OutgoingClip
from lapel.recording import Account, Location

VIDEOS = ("video.mp4", "video.sealed")
KEY, TRAIL = "clip.key", "gpstrail.json"
_KINDS: dict[str, Kind] = {
    **dict.fromkeys(VIDEOS, "video"),
    "manifest.jsonl": "manifest",
    "recording.json": "account",
}


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
    """Where the camera was at the trigger and at the end of each clip, as far as it knew."""
    start = start_of(recording.clips[0].account)
    places = [place for clip in recording.clips for place in _places(clip.account)]
    if not places:
        return None
    entries = [_entry(at, location, start) for at, location in places]
    content = json.dumps({"CoordinateEntries": entries}, indent=1).encode()
    return Item(recording.clips[0], "trail", TRAIL, len(content), content)


def _places(account: Account) -> Iterator[tuple[datetime, Location]]:
    if account.position_start is not None and account.continues is None:
        yield trigger_of(account), account.position_start
    if account.position_end is not None:
        yield end_of(account), account.position_end


def _entry(at: datetime, location: Location, start: datetime) -> dict[str, object]:
    fixed = at - timedelta(seconds=location.age_s)
    return {
        "LocationWKT": f"POINT({location.longitude:.6f} {location.latitude:.6f})",
        "SecondsFromStart": round((fixed - start).total_seconds(), 3),
        "Timestamp": iso(fixed),
    }
