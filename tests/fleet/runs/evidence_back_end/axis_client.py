"""A camera system for tests, written after the text of the Axis Body worn integration API, without Lapel's engine."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from accounts import account
from evidence.recordings import SEALING, ended
from fragments import clip_fragments
from lapel_fleet.hardware.memory_storage import MemoryStorage
from lapel_fleet.runs.evidence_back_end.back_end import EvidenceBackEnd, path_of
from lapel_fleet.runs.evidence_back_end.exchange import Answer, Request, content_of
from lapel_fleet.runs.evidence_back_end.faults import Faults
from lapel_fleet.runs.evidence_back_end.tokens import Tokens
from waited_clock import WaitedClock

USER, KEY = "lapel", "a key that only the connection file has"
WEARER, DEVICE = "5f0c2d9e", "cam-0007"
RECORDING = f"{WEARER}_{DEVICE}_20261127T103000Z"
CLIP, CLIP_KEY = "20261127_102930_7A3F.mp4", "20261127_102930_7A3F.key"
BOOKMARK, TRAIL = "bookmark_20261127T103112Z_1", f"20261127_102930_7A3F_{DEVICE}_gpstrail.json"
MANIFEST = "20261127_102930_7A3F.manifest.jsonl"
VIDEO = b"video" * 1000
OF_CONTAINER = {
    "X-Container-Meta-Containername": RECORDING, "X-Container-Meta-Userid": WEARER,
    "X-Container-Meta-Bwcserialnumber": DEVICE, "X-Container-Meta-Status": "Transferring",
    "X-Container-Meta-Triggeron": "Button", "X-Container-Meta-Lapelrecording": "clip-1",
}  # fmt: skip
OF_CLIP = {
    "X-Object-Meta-Starttime": "1795775370", "X-Object-Meta-Stoptime": "1795775400",
    "X-Object-Meta-Containertype": "mp4",
}  # fmt: skip
OF_KEY = {"X-Object-Meta-Starttime": "1795775370", "X-Object-Meta-Filetype": "key"}
OF_MANIFEST = {"X-Object-Meta-Starttime": "1795775370", "X-Object-Meta-Filetype": "manifest"}
CLIP_ID = "clip-1"


def whole_clip() -> tuple[bytes, bytes]:
    """Video and manifest of a Lapel clip."""
    card, clip = MemoryStorage(sealing=SEALING), clip_fragments(3)
    files = card.create(account())
    files.append(clip)
    files.describe(ended(account(), clip, "complete"))
    files.close()
    return card.video(CLIP_ID), card.manifest(CLIP_ID)


def file_of(name: str, clip: str = CLIP_ID) -> dict[str, str]:
    """The metadata by which a Lapel camera names a file of a clip."""
    return {"X-Object-Meta-Lapelclip": clip, "X-Object-Meta-Lapelfile": name}


class Send(Protocol):
    """Sends a request and returns its answer."""

    def __call__(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer: ...


class AxisClient:
    """Uploads one recording step by step; each step returns the status."""

    def __init__(self, send: Send) -> None:
        self._send, self.token = send, ""

    def log_in(self, user: str = USER, key: str = KEY) -> int:
        answer = self._send("GET", "/auth/v1.0", {"X-Auth-User": user, "X-Auth-Key": key})
        self.token = answer.headers.get("X-Auth-Token", "")
        return answer.status

    def request(
        self, method: str, container: str, name: str = "", headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        return self._send(method, path_of(container, name), {"X-Auth-Token": self.token, **(headers or {})}, body)

    def register(self) -> list[int]:
        """The wearer and the device."""
        return [
            self.request("PUT", "Users").status,
            self.request("PUT", "Users", WEARER, {"X-Object-Meta-Name": quote("Åse Öberg")}).status,
            self.request("PUT", "Devices").status,
            self.request("PUT", "Devices", DEVICE, {"X-Object-Meta-Model": "W100"}).status,
        ]

    def begin(self, name: str = RECORDING, more: Mapping[str, str] | None = None) -> int:
        return self.request("PUT", name, headers={**OF_CONTAINER, **(more or {})}).status

    def upload(self, name: str = CLIP, body: bytes = VIDEO, headers: Mapping[str, str] = OF_CLIP) -> Answer:
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        return self.request("PUT", RECORDING, name, {"Etag": etag, **headers}, body)

    def complete(self, more: Mapping[str, str] | None = None) -> Answer:
        return self.request("POST", RECORDING, headers={"X-Container-Meta-Status": "Complete", **(more or {})})

    def upload_lapel_clip(self, without: str = "", video: bytes = b"", more: Mapping[str, str] | None = None) -> None:
        """Video and manifest of a Lapel clip; `video` replaces the right one."""
        right, manifest = whole_clip()
        if without != "video.mp4":
            self.upload(CLIP, video or right, {**OF_CLIP, **file_of("video.mp4"), **(more or {})})
        if without != "manifest.jsonl":
            self.upload(MANIFEST, manifest, {**OF_MANIFEST, **file_of("manifest.jsonl")})

    def receipt(self, clip: str = CLIP_ID) -> Answer:
        return self.request("GET", "Receipts", f"{DEVICE}_{clip}")


SIGNER = Ed25519PrivateKey.from_private_bytes(b"\1" * 32)


def in_memory(*faults: str, now: WaitedClock | None = None) -> tuple[EvidenceBackEnd, AxisClient]:
    """A back end and a client that is logged in, has registered wearer and device, and has begun a recording. Then the
    faults begin.
    """
    clock, present = now or WaitedClock(), Faults()
    tokens = iter(range(10**6))
    back_end = EvidenceBackEnd(
        Tokens(USER, KEY, clock, lambda: f"token {next(tokens)}", present), clock, SIGNER, present, name="Store"
    )
    client = AxisClient(sender(back_end))
    assert client.log_in() == 200
    assert client.register() == [201] * 4
    for fault in faults:
        present.begin(fault)
    return back_end, client


def sender(back_end: EvidenceBackEnd) -> Callable[..., Answer]:
    """Sends requests to a back end in memory."""

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        folded = {name.lower(): value for name, value in headers.items()}
        return back_end.answer(Request(method, path, folded, content_of(body)))

    return send
