"""Names and metadata of the Axis Body worn integration API, version 1.6.10 of its README. Pure.

Metadata travels as HTTP headers: `X-Container-Meta-Triggerontime`. Values are URL-encoded UTF-8, at most 32 bytes
before that, 64 for names and locations. The keys that begin with `Lapel` are ours: with them a back end rebuilds the
folder of a clip, on which `lapel-evidence verify` and `receipt make` work.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from lapel.offload.contents import end_of, start_of, trigger_of
from lapel.offload.interface import Item, OutgoingRecording
from lapel.recording import Account, Cause, Location

USERS, DEVICES, RECEIPTS, SEGMENTS = "Users", "Devices", "Receipts", "Segments"
COMPLETE, TRANSFERRING = "Complete", "Transferring"
OWN_RECORDING = "LapelRecording"
_WEARERS = uuid.UUID("6d8b3c5e-4f0a-5b7e-9c67-0f6f1c2a9d11")
"""Namespace of wearers' ids: the same wearer of an agency is the same user at every back end."""
_SHORT_BYTES, _LONG_BYTES, _WHOLE_BYTES = 32, 64, 256
_WHOLE_KEYS = {"ContainerName", "UserID", "BWCSerialNumber", "SCUSerialNumber"}
"""Identifiers, and ours: half of one names nothing."""
_LONG_KEYS = {"Name", "TriggerOnLocation", "TriggerOffLocation", "StartLocation", "StopLocation"}
_UNNAMED = "unassigned"
_ENDINGS = {"manifest": "manifest.jsonl", "account": "recording.json", "key": "key"}


def serial_number(site: str, camera: str) -> str:
    """`BWCSerialNumber`: site and name, as in `baltimore.cam-0001`, since a name is unique within its site only.
    Container names are split at underscores, so it has none.
    """
    return ".".join(quote(one, safe="-~").replace("_", "%5F").replace(".", "%2E") for one in (site, camera))


def user_id(agency: str, wearer: str) -> str:
    """The UUID by which the API knows a wearer; empty: that of cameras without one."""
    return str(uuid.uuid5(_WEARERS, f"{agency}/{wearer or _UNNAMED}"))


def user_metadata(wearer: str) -> dict[str, str]:
    """Of the object in `Users`."""
    return {"Active": "True", "Name": wearer or _UNNAMED}


def device_metadata(camera: str, model: str) -> dict[str, str]:
    """Of the object in `Devices`."""
    return {"Active": "True", "Name": camera, "Model": model}


def container_name(recording: OutgoingRecording, user: str, later_s: int = 0) -> str:
    """`<UserID>_<BWCSerialNumber>_<TriggerOnTime>`. `later_s`: seconds later than the trigger, for a recording whose
    second is taken by another one; the metadata has the true time.
    """
    account = recording.clips[0].account
    at = trigger_of(account) + timedelta(seconds=later_s)
    return f"{user}_{serial_number(account.site, account.camera)}_{at:%Y%m%dT%H%M%SZ}"


def container_metadata(recording: OutgoingRecording, user: str, name: str) -> dict[str, str]:
    """Of a recording, while it is being sent. `name`: of the container."""
    first, last = recording.clips[0].account, recording.clips[-1].account
    serial = serial_number(first.site, first.camera)
    return {
        "ContainerName": name,
        "BWCSerialNumber": serial,
        "SCUSerialNumber": serial,
        "FirmwareVersion": first.firmware,
        "UserID": user,
        "TriggerOn": _cause(first.start),
        "TriggerOff": _cause(last.stop) if last.stop else last.status,
        **_moment("TriggerOnTime", trigger_of(first)),
        **_place("TriggerOnLocation", first.position_start, trigger_of(first)),
        **_moment("TriggerOffTime", end_of(last)),
        **_place("TriggerOffLocation", last.position_end, end_of(last)),
        **_moment("StartTime", start_of(first)),
        **_moment("StopTime", end_of(last)),
        "TimeZone": first.time_zone,
        "BWCModel": first.model,
        "Status": TRANSFERRING,
        OWN_RECORDING: recording.id,
        "LapelCamera": first.address,
    }


def object_name(item: Item) -> str:
    """`<StartTime>_<RecordingID>.<ContainerType>` and so on. The short id is the random part of the clip's own, so that
    two clips that begin in the same second have different ones.
    """
    account = item.clip.account
    start = start_of(account)
    base = f"{start:%Y%m%d_%H%M%S}_{_short_id(account)}"
    match item.kind:
        case "video":
            return f"{base}.mp4"
        case "bookmark":
            at = datetime.fromisoformat(item.about["StartTime"])
            return f"bookmark_{at:%Y%m%dT%H%M%S}{at.microsecond // 1000:03}Z_{item.name.rpartition('-')[2]}"
        case "trail":
            return f"{base}_{serial_number(account.site, account.camera)}_gpstrail.json"
        case "tail":
            return f"{base}.{item.name}"
        case _:
            return f"{base}.{_ENDINGS[item.kind]}"


def object_metadata(item: Item) -> dict[str, str]:
    """Of an object in a recording's container."""
    account = item.clip.account
    start, end = start_of(account), end_of(account)
    own = {"LapelClip": account.recording, "LapelFile": item.name}
    match item.kind:
        case "video":
            return {
                **_moment("StartTime", start),
                **_moment("StopTime", end),
                "ContainerType": "mp4",
                **_place("StartLocation", account.position_start, start),
                **_place("StopLocation", account.position_end, end),
                **own,
            }
        case "key":
            return {**_epoch("StartTime", start), "FileType": "key", **own}
        case "bookmark":
            return dict(item.about)
        case "trail":
            return {"FileType": "json"}
        case _:
            return {**_epoch("StartTime", start), "FileType": item.kind, **own}


def headers(of: str, metadata: Mapping[str, str]) -> dict[str, str]:
    """Metadata as HTTP headers; `of`: `Container` or `Object`. Keys without a value are left out."""
    return {
        f"X-{of}-Meta-{key.capitalize()}": quote(_cut(key, value), safe=":-._~+,() ").replace(" ", "%20")
        for key, value in metadata.items()
        if value
    }


def receipt_name(site: str, camera: str, clip: str) -> str:
    """Of the object in `Receipts`."""
    return f"{serial_number(site, camera)}_{clip}"


def _short_id(account: Account) -> str:
    return account.recording.rpartition("-")[2][:16]


def _cause(cause: Cause) -> str:
    return f"{cause.source}: {cause.reason}" if cause.reason else cause.source


def _epoch(key: str, moment: datetime) -> dict[str, str]:
    return {key: f"{moment.timestamp():.3f}"}


def _moment(key: str, moment: datetime) -> dict[str, str]:
    iso = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {**_epoch(key, moment), f"{key}ISO": iso}


def _place(key: str, location: Location | None, at: datetime) -> dict[str, str]:
    """`<lat><long><accuracy><epoch>`, as ISO 6709 writes positions: each part begins with its sign."""
    if location is None:
        return {}
    fixed = int(at.timestamp() - location.age_s)
    return {key: f"{location.latitude:+.6f}{location.longitude:+.6f}+{location.accuracy_m:.0f}+{fixed}"}


def _cut(key: str, value: str) -> str:
    """At most as many bytes of UTF-8 as the API permits, without half a character at the end."""
    is_whole = key in _WHOLE_KEYS or key.startswith("Lapel")
    limit = _WHOLE_BYTES if is_whole else _LONG_BYTES if key in _LONG_KEYS else _SHORT_BYTES
    clean = "".join(character for character in value if character.isprintable())
    return clean.encode()[:limit].decode(errors="ignore")
