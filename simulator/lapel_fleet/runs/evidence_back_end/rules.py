"""What an upload must fulfil. Each breach is refused with 400: the back end will never store it."""

import re
from collections.abc import Collection, Mapping

from lapel_fleet.checkers.uploads import ObjectKind, kind_of
from lapel_fleet.runs.evidence_back_end.containers import DEVICES, RECEIPTS, SYSTEM, USERS, Container, StoredObject
from lapel_fleet.runs.evidence_back_end.exchange import Refusal

REJECTED = "RejectedContent_"
"""Containers of this name take what was refused elsewhere, and refuse nothing."""
_TRIGGER_TIME = re.compile(r"\d{8}T\d{6}Z")
_NEEDED: Mapping[ObjectKind, Collection[str]] = {
    "clip": ("starttime", "stoptime", "containertype"),
    "key": ("starttime", "filetype"),
    "bookmark": ("starttime",),
    "trail": ("filetype",),
}
"""Metadata keys without which an object means nothing, by its kind."""


def is_recording(container: str) -> bool:
    """Whether a container of this name holds a recording, by the rules for recordings."""
    return (
        bool(container) and container not in (SYSTEM, USERS, DEVICES, RECEIPTS) and not container.startswith(REJECTED)
    )


def check_recording(name: str, metadata: Mapping[str, str], containers: Mapping[str, Container]) -> None:
    """Raise Refusal unless `name` and metadata of a recording fit each other and what is registered."""
    user, device = metadata.get("userid"), metadata.get("bwcserialnumber")
    if user is None or device is None:
        raise Refusal(400, f"{name}: needs X-Container-Meta-Userid and X-Container-Meta-Bwcserialnumber")
    for container, id_ in ((USERS, user), (DEVICES, device)):
        if id_ not in containers.get(container, Container()).objects:
            raise Refusal(400, f"{name}: there is no {container}/{id_}; register it first")
    if not name.startswith(f"{user}_{device}_") or _TRIGGER_TIME.match(name, len(f"{user}_{device}_")) is None:
        raise Refusal(400, f"{name}: is not USERID_BWCSERIALNUMBER_YYYYMMDDTHHMMSSZ of its own metadata")
    if metadata.get("status", "Transferring") not in ("Transferring", "Complete"):
        raise Refusal(400, f"{name}: Status is {metadata['status']!r}; it is Transferring or Complete")


def check_object(name: str, one: StoredObject) -> None:
    """Raise Refusal unless an object of a recording has the metadata of its kind; a clip must not be empty."""
    kind = kind_of(name)
    for key in _NEEDED.get(kind, ()):
        if not one.metadata.get(key):
            raise Refusal(400, f"{name}: needs X-Object-Meta-{key.title()}")
    if kind == "clip" and not one.content.length:
        raise Refusal(400, f"{name}: is empty: a clip without a duration is never stored")


def check_completion(name: str, container: Container) -> None:
    """Raise Refusal unless a recording that is to be complete has a clip."""
    if not any(kind_of(one) == "clip" for one in container.objects):
        raise Refusal(400, f"{name}: Complete, and has no clip")
