"""What an evidence back end keeps: containers and objects with their metadata, as in OpenStack Swift."""

import json
from collections.abc import Mapping
from urllib.parse import quote, unquote

import msgspec

from lapel_fleet.runs.evidence_back_end.exchange import EMPTY, Content

SYSTEM, USERS, DEVICES = "System", "Users", "Devices"
RECEIPTS = "Receipts"
"""Beyond the API: where a camera finds the receipts for its clips, named `BWCSERIALNUMBER_CLIP`."""
RECORDING_KEY, CLIP_KEY, FILE_KEY = "lapelrecording", "lapelclip", "lapelfile"
"""Beyond the API: metadata by which a Lapel camera names a recording, a clip in it, and a file of that."""
CONTAINER, OBJECT = "x-container-meta-", "x-object-meta-"
Metadata = dict[str, str]
"""By key in lower case, values decoded: header names have no case."""


class StoredObject(msgspec.Struct):
    """An object: a clip, a key, a bookmark, a user, a device."""

    content: Content = EMPTY
    metadata: Metadata = {}
    stored_at: str = ""
    """ISO 8601."""


class Container(msgspec.Struct):
    """A container: one recording; or `System`, `Users` and `Devices`."""

    metadata: Metadata = {}
    objects: dict[str, StoredObject] = {}

    def file(self, clip: str, name: str) -> StoredObject | None:
        """The object that holds a file of a Lapel clip."""
        wanted = {CLIP_KEY: clip, FILE_KEY: name}.items()
        return next((one for one in self.objects.values() if wanted <= one.metadata.items()), None)

    @property
    def clips(self) -> list[str]:
        """The ids of the Lapel clips of which it has a file."""
        return list(dict.fromkeys(one.metadata[CLIP_KEY] for one in self.objects.values() if CLIP_KEY in one.metadata))

    @property
    def is_complete(self) -> bool:
        """Whether the camera has said that nothing more will come."""
        return self.metadata.get("status") == "Complete"

    def update(self, changes: Mapping[str, str]) -> None:
        """Change metadata as Swift does: an empty value removes its key."""
        self.metadata = {key: value for key, value in {**self.metadata, **changes}.items() if value}

    def listing(self) -> bytes:
        """The objects in Swift's JSON form."""
        return json.dumps([
            {"name": name, "bytes": one.content.length, "hash": one.content.md5, "last_modified": one.stored_at}
            for name, one in sorted(self.objects.items())
        ]).encode()  # fmt: skip


def metadata_of(headers: Mapping[str, str], prefix: str) -> Metadata:
    """The metadata in the headers of a request. `prefix` is `CONTAINER` or `OBJECT`."""
    return {name[len(prefix) :]: unquote(value) for name, value in headers.items() if name.startswith(prefix)}


def headers_of(metadata: Mapping[str, str], prefix: str) -> dict[str, str]:
    """The headers of an answer with that metadata, URL-encoded."""
    return {f"{prefix}{key}".title(): quote(value, safe="") for key, value in metadata.items()}
