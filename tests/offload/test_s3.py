"""The S3 way against a small object store in memory: parts, checksums, refusals. A real one is in tests/system/."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from lapel.errors import ConfigError
from lapel.offload.interface import Part
from lapel.offload.progress import MemoryNotes
from lapel.offload.s3 import S3Destination, S3Settings
from lapel.offload.s3_answers import joined_etag
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from offload.back_ends import MemoryCard, Rig, a_while, clip, content, drive, make_rig

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
BASE = "demo/baltimore/cam-0001/a"
ERROR = "<Error><Code>{}</Code><Message>the store says so</Message></Error>"


@dataclass
class StubStore:
    """Objects and uploads in parts. `errors`: by method and a part of the address, a code, status, and how often."""

    errors: list[list[Any]] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, httpx.Headers] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        key, query = request.url.path.removeprefix("/evidence/"), request.url.params
        self.requests.append(f"{request.method} {key}{f'?{query}' if query else ''}")
        assert request.headers["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest()
        assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=key-id/")
        for error in self.errors:
            if error[4] and error[0] == request.method and error[1] in self.requests[-1]:
                error[4] -= 1
                return httpx.Response(error[3], text=ERROR.format(error[2]) if request.method != "HEAD" else "")
        match request.method:
            case "POST" if "uploads" in query:
                upload = f"u{len(self.uploads)}"
                self.uploads[upload] = {}
                return httpx.Response(200, text=f"<R xmlns='s3'><UploadId>{upload}</UploadId></R>")
            case "POST":
                parts = self.uploads.pop(query["uploadId"])
                self.objects[key] = b"".join(parts[number] for number in sorted(parts))
                etag = joined_etag(tuple(Part(len(part), _md5(part)) for _, part in sorted(parts.items())))
                return httpx.Response(200, text=f"<R><ETag>&quot;{etag}&quot;</ETag></R>")
            case "PUT" if "partNumber" in query:
                self.uploads[query["uploadId"]][int(query["partNumber"])] = body
            case "PUT":
                self.objects[key], self.headers[key] = body, request.headers
            case _ if key in self.objects:
                return httpx.Response(200, content=self.objects[key])
            case _:
                return httpx.Response(404, text=ERROR.format("NoSuchKey") if request.method != "HEAD" else "")
        return httpx.Response(200, headers={"ETag": f'"{_md5(body)}"'})


def offload(
    stub: StubStore, *clips: Any, notes: MemoryNotes | None = None, reads_back: bool = False, **own: Any
) -> Rig:
    async def program(clock: VirtualClock) -> Rig:
        given = {"address": "https://s3.example.org", "bucket": "evidence", "user": "key-id", "secret": "s", **own}
        destination: Any = S3Destination(S3Settings(**given), lambda: NOW, httpx.MockTransport(stub.handle))
        card = MemoryCard(*(clips or [clip("a")]))
        rig = make_rig(clock, card, destination, notes or MemoryNotes(), {"reads_back": reads_back})
        await drive(rig, a_while)
        return rig

    return run_virtual(program)


def test_every_file_and_then_the_list_of_all() -> None:
    stub = StubStore()
    rig = offload(stub, prefix="bodycams/")
    base = f"bodycams/{BASE}"
    assert stub.objects[f"{base}/a/video.mp4"] == content("a", "video.mp4", 1000)
    assert list(stub.objects)[-1] == f"{base}/complete.json"
    assert rig.engine.status().awaiting_receipt == 1


def test_a_receipt_beside_the_clip_confirms() -> None:
    stub = StubStore()
    stub.objects[f"{BASE}/a/receipt.json"] = b"a"
    assert set(offload(stub).card.confirmed) == {"a"}


def test_a_long_file_goes_in_parts_and_after_a_cut_only_the_missing_ones() -> None:
    stub = StubStore([["PUT", "partNumber=3", "SlowDown", 503, 1]])
    notes = MemoryNotes()
    offload(stub, notes=notes, part_bytes=300)
    assert stub.objects[f"{BASE}/a/video.mp4"] == content("a", "video.mp4", 1000)
    numbers = [request.partition("partNumber=")[2][:1] for request in stub.requests if "partNumber" in request]
    assert numbers == ["1", "2", "3", "3", "4"]


def test_parts_that_the_store_has_dropped_are_sent_again() -> None:
    stub = StubStore([["PUT", "partNumber=3", "NoSuchUpload", 404, 1]])
    offload(stub, part_bytes=300)
    assert stub.objects[f"{BASE}/a/video.mp4"] == content("a", "video.mp4", 1000)


def test_a_failure_inside_an_answer_of_200_is_noticed() -> None:
    stub = StubStore([["POST", "uploadId=", "InternalError", 200, 1]])
    rig = offload(stub, part_bytes=300)
    assert "InternalError" in rig.listener.of("note")[0][0]
    assert f"{BASE}/complete.json" in stub.objects


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("AccessDenied", 403, "may not write there"),
        ("InvalidAccessKeyId", 403, "check [offload] user"),
        ("SignatureDoesNotMatch", 403, "check [offload] secret_file"),
        ("NoSuchBucket", 404, "no such bucket"),
        ("PermanentRedirect", 301, "another region"),
        ("QuotaExceeded", 403, "the store is full"),
        ("RequestTimeTooSkewed", 403, "clock is wrong"),
        ("InvalidRequest", 400, "the store says so; check [offload]"),
        ("", 402, "no licence"),
        ("", 507, "is full"),
    ],
)
def test_what_needs_a_person_stops_and_keeps(code: str, status: int, words: str) -> None:
    rig = offload(StubStore([["PUT", "video", code, status, 99]]))
    assert words in rig.engine.status().blocked
    assert rig.engine.status().recordings_left == 1


@pytest.mark.parametrize(("code", "status"), [("SlowDown", 503), ("InternalError", 500), ("BadDigest", 400)])
def test_what_passes_is_tried_again(code: str, status: int) -> None:
    stub = StubStore([["PUT", "video", code, status, 2]])
    rig = offload(stub)
    assert len(rig.listener.of("note")) == 2
    assert f"{BASE}/complete.json" in stub.objects


def test_too_large_is_rejected_for_good() -> None:
    rig = offload(StubStore([["PUT", "video", "EntityTooLarge", 400, 99]]))
    assert list(rig.engine.status().refused) == ["a"]


def test_a_key_that_may_only_write_is_enough() -> None:
    stub = StubStore([["HEAD", "", "", 403, 99], ["GET", "", "AccessDenied", 403, 99]])
    rig = offload(stub)
    assert f"{BASE}/complete.json" in stub.objects
    assert not rig.engine.is_blocked


def test_object_lock_is_asked_for_every_object() -> None:
    stub = StubStore()
    rig = offload(stub, lock_days=30)
    assert len(stub.headers) == 4
    for headers in stub.headers.values():
        assert headers["x-amz-object-lock-mode"] == "COMPLIANCE"
        assert headers["x-amz-object-lock-retain-until-date"] == "2026-12-27T12:00:00.000Z"
        assert headers["content-md5"]
    assert rig.engine.status().doing == "waits for receipts"


def test_what_is_read_back_is_noted() -> None:
    stub = StubStore()
    rig = offload(stub, reads_back=True)
    assert rig.card.read_back == ["a"]
    assert f"{BASE}/complete.json" in stub.objects


def test_a_destination_without_a_bucket_is_an_error() -> None:
    with pytest.raises(ConfigError, match="name the bucket"):
        S3Destination(S3Settings(address="https://s3", bucket="", user="u", secret="s"), lambda: NOW)


def _md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()
