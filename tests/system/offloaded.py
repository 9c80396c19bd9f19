"""What arrived in a Swift, read back by an independent client, and the folders of clips rebuilt from it."""

import hashlib
import random
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec

from accounts import account
from evidence.recordings import SEALING, ended
from fragments import EPOCH, clip_fragments
from lapel.clock import iso
from lapel.evidence.manifest import Sealing
from lapel.evidence.store import EvidenceStore
from lapel.recording import Location
from system.swift_server import SECRET, USER, SwiftServer

OWN = ("Devices", "Users", "Receipts", "Segments")


@dataclass
class Container:
    """A recording at the back end."""

    metadata: dict[str, str]
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By name: what the listing says, and the object's metadata."""


class Client:
    """A client of the object store that is not Lapel's."""

    def __init__(self, server: SwiftServer) -> None:
        self._http = httpx.Client(timeout=60, trust_env=False)
        answer = self._http.get(server.address, headers={"X-Auth-User": USER, "X-Auth-Key": SECRET})
        self._url = answer.headers["x-storage-url"]
        self._headers = {"X-Auth-Token": answer.headers["x-auth-token"]}

    def recordings(self) -> dict[str, Container]:
        """Every container of a recording, with what it lists."""
        found = self._http.get(self._url, params={"format": "json"}, headers=self._headers).json()
        return {one["name"]: self.container(one["name"]) for one in found if one["name"] not in OWN}

    def container(self, name: str) -> Container:
        """One container."""
        head = self._http.head(f"{self._url}/{name}", headers=self._headers)
        listing = self._http.get(f"{self._url}/{name}", params={"format": "json"}, headers=self._headers).json()
        container = Container(_meta(head, "x-container-meta-"))
        for one in listing:
            one["metadata"] = _meta(self.head(f"{name}/{one['name']}"), "x-object-meta-")
            container.objects[one["name"]] = one
        return container

    def head(self, path: str) -> httpx.Response:
        return self._http.head(f"{self._url}/{path}", headers=self._headers)

    def get(self, path: str) -> bytes:
        return self._http.get(f"{self._url}/{path}", headers=self._headers).content

    def put(self, path: str, content: bytes = b"") -> None:
        self._http.put(f"{self._url}/{path}", headers=self._headers, content=content).raise_for_status()

    def rebuild(self, container: str, root: Path) -> list[Path]:
        """The folders of the clips, as their camera had them."""
        folders = set()
        for name, listed in self.container(container).objects.items():
            metadata = listed["metadata"]
            if "lapelclip" in metadata and listed["metadata"]["lapelfile"] != "clip.key":
                folder = root / metadata["lapelclip"]
                folder.mkdir(parents=True, exist_ok=True)
                (folder / metadata["lapelfile"]).write_bytes(self.get(f"{container}/{name}"))
                folders.add(folder)
        return sorted(folders)

    def close(self) -> None:
        self._http.close()


def _meta(answer: httpx.Response, prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix): value for key, value in answer.headers.items() if key.startswith(prefix)}


def write_recordings(
    root: Path, count: int, *, media_bytes: int = 2_000, sealing: Sealing = SEALING, first: int = 0
) -> None:
    """Recordings with a marker and positions, a minute apart, signed as a camera signs them."""
    store = EvidenceStore(root, 0, sealing=lambda: sealing)
    rng = random.Random(first)
    try:
        for number in range(first, first + count):
            at = EPOCH + timedelta(minutes=number)
            place = Location(latitude=39.29, longitude=-76.61 + number / 1000, accuracy_m=4.0, age_s=1.0)
            begun = msgspec.structs.replace(
                account(f"{at:%Y%m%dT%H%M%SZ}-{number:08x}"),
                trigger_time=iso(at),
                start_time=iso(at),
                position_start=place,
                time_zone="America/New_York",
                model="Acme BW-3",
            )
            clip = clip_fragments(4, media=rng.randbytes(media_bytes))
            files = store.create(begun)
            files.append(clip)
            done = msgspec.structs.replace(
                ended(begun, clip, "complete"), end_time=iso(at + timedelta(seconds=4)), position_end=place
            )
            files.describe(done)
            files.close()
    finally:
        store.close()


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()
