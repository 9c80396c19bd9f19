"""A back end that is an object store with the S3 API: a folder per recording, one object per file.

    <prefix><agency>/<site>/<camera>/<recording>/<clip>/video.mp4     and the clip's other files
    <prefix><agency>/<site>/<camera>/<recording>/complete.json        last: every object with its length and ETag
    <prefix><agency>/<site>/<camera>/<recording>/<clip>/receipt.json  put there by the back end, where there is one

Long files go in parts, each signed with its SHA-256, which the store checks; after a cut only the missing parts are
sent. Where a bucket has object lock, each object can be locked for a time.
"""

import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx

from lapel.checksums import md5_hex
from lapel.clock import iso
from lapel.errors import BusyError, ConfigError, OffloadError
from lapel.offload.contents import start_of
from lapel.offload.http import NO_TLS_FILES, PIECE_BYTES, Answer, HttpClient, Tls, require_secure
from lapel.offload.interface import Arrived, Item, OutgoingRecording, Part, Standing, Upload
from lapel.offload.s3_answers import code_of, is_md5, joined_etag, part_list, refusal_of, text_of
from lapel.outgoing import OutgoingClip

COMPLETE, RECEIPT = "complete.json", "receipt.json"
PARTS_MAX = 1_000
"""The fewest that any store takes (OpenStack Swift); Amazon takes 10,000."""
_ENCRYPTED = "x-amz-server-side-encryption"
"""Header of a store that encrypts: with a key of its own, an ETag is no MD5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Settings:
    """How to reach an object store."""

    address: str
    """Its endpoint: `https://s3.example.org`. Buckets are addressed by path, which every store understands."""
    bucket: str
    user: str
    """Id of the access key."""
    secret: str
    region: str = "us-east-1"
    prefix: str = ""
    tls: Tls = NO_TLS_FILES
    allow_plain: bool = False
    part_bytes: int = 16 * 1024 * 1024
    """Longer files go in parts of this length, which are in memory one at a time."""
    lock_days: float = 0.0
    """Days for which each object is locked against deletion; 0: not at all. Needs a bucket with object lock."""


class S3Destination:
    """Implements `Destination`."""

    def __init__(
        self, settings: S3Settings, now: Callable[[], datetime], transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """`now`: for locks. `transport` stands in for the network. Raises ConfigError."""
        require_secure(settings.address, allow_plain=settings.allow_plain)
        if not settings.bucket:
            raise ConfigError("[offload] bucket: is missing; name the bucket for recordings")
        self._settings, self._now = settings, now
        self._sign = _signing(settings)
        self._http = HttpClient(settings.tls, transport)

    @property
    def name(self) -> str:
        """The bucket, and whether what is in it is locked."""
        lock = f", locked for {self._settings.lock_days:g} days" if self._settings.lock_days else ", no object lock"
        return f"{self._settings.address}/{self._settings.bucket}{lock}"

    async def begin(self, recording: OutgoingRecording) -> Standing:
        """See `Destination.begin`. There is nothing to make."""
        answer = await self._answer("HEAD", self._key(recording, COMPLETE))
        if answer.is_success:
            return "complete"
        if answer.status not in (403, 404):  # a key that may only write gets no other answer
            raise refusal_of(answer, f"HEAD {COMPLETE} of {recording.id}")
        return "begun"

    async def send(self, recording: OutgoingRecording, upload: Upload) -> None:
        """See `Destination.send`."""
        item, key = upload.item, self._item_key(recording, upload.item)
        part_bytes = self._part_bytes(item)
        if item.size_bytes <= part_bytes:
            content = await _content(upload, 0, item.size_bytes)
            headers = {**self._metadata(item), **self._lock()}
            etag = await self._put(key, "", content, headers)
            await upload.save(Arrived(whole=True, etag=etag))
            return
        try:
            await self._send_parts(key, upload, part_bytes)
        except NoSuchUpload as error:  # the store has cleaned up what was not finished
            await upload.save(Arrived())
            raise BusyError(f"{key}: the store has dropped the parts that had arrived; they are sent again") from error

    async def finish(self, recording: OutgoingRecording, arrived: Mapping[str, Arrived]) -> None:
        """See `Destination.finish`: the list of everything is put there, last."""
        sizes = {file_key(clip, file.name): file.size_bytes for clip in recording.clips for file in clip.files}
        objects = [
            {"name": name, "size_bytes": sizes.get(name), "etag": one.etag} for name, one in sorted(arrived.items())
        ]
        content = {"format": "lapel-complete-1", "recording": recording.id, "objects": objects}
        content["clips"] = [clip.account.recording for clip in recording.clips]
        body = json.dumps(content, indent=1).encode()
        await self._put(self._key(recording, COMPLETE), "", body, self._lock())

    async def receipt(self, recording: OutgoingRecording, clip: OutgoingClip) -> bytes | None:
        """See `Destination.receipt`."""
        key = self._key(recording, file_key(clip, RECEIPT))
        answer = await self._answer("GET", key)
        if answer.status == 404 or code_of(answer) == "AccessDenied":  # a key that may only write gets no other answer
            return None
        if not answer.is_success:
            raise refusal_of(answer, f"GET {key}")
        return answer.body

    def read_back(self, recording: OutgoingRecording, item: Item) -> AsyncIterator[bytes] | None:
        """See `Destination.read_back`."""
        url = self._url(self._item_key(recording, item))
        return self._http.pieces(url, self._sign("GET", url, {}, b""))

    async def close(self) -> None:
        """See `Destination.close`."""
        await self._http.close()

    # -- parts ---------------------------------------------------------------------------------------------------------

    async def _send_parts(self, key: str, upload: Upload, part_bytes: int) -> None:
        """Send the parts that have not arrived, and join them."""
        arrived, size = upload.arrived, upload.item.size_bytes
        if not arrived.upload:
            headers = {**self._metadata(upload.item), **self._lock()}
            answer = await self._ask("POST", key, "uploads", b"", headers)
            arrived = Arrived(upload=text_of(answer.body, "UploadId"))
            await upload.save(arrived)
        while arrived.size_bytes < size:
            content = await _content(upload, arrived.size_bytes, min(part_bytes, size - arrived.size_bytes))
            query = f"partNumber={len(arrived.parts) + 1}&uploadId={quote(arrived.upload, safe='')}"
            etag = await self._put(key, query, content, {})
            arrived = Arrived(upload=arrived.upload, parts=(*arrived.parts, Part(len(content), etag)))
            await upload.save(arrived)
        await upload.save(Arrived(whole=True, etag=await self._join(key, arrived)))

    async def _join(self, key: str, arrived: Arrived) -> str:
        """Make one object of the parts. Returns its ETag; it is compared with the one that follows from the parts."""
        query = f"uploadId={quote(arrived.upload, safe='')}"
        answer = await self._ask("POST", key, query, part_list(arrived.parts), {"Content-Type": "application/xml"})
        if b"<Error" in answer.body:  # S3 may report a failure after it has begun to answer 200
            raise refusal_of(Answer(500, answer.headers, answer.body), f"joining the parts of {key}")
        etag, expected = text_of(answer.body, "ETag").strip('"').lower(), joined_etag(arrived.parts)
        if etag and is_md5(etag.partition("-")[0]) and expected and etag != expected:
            raise BusyError(f"{key}: arrived changed: its ETag is {etag}, not {expected}; it is sent again")
        return etag

    def _part_bytes(self, item: Item) -> int:
        """Longer parts for what would have too many."""
        return max(self._settings.part_bytes, -(-item.size_bytes // PARTS_MAX))

    # -- requests ------------------------------------------------------------------------------------------------------

    async def _put(self, key: str, query: str, content: bytes, headers: Mapping[str, str]) -> str:
        """Put bytes, and compare checksums. Returns the ETag."""
        md5 = md5_hex(content)
        header = {"Content-MD5": base64.b64encode(bytes.fromhex(md5)).decode()}
        answer = await self._ask("PUT", key, query, content, {**headers, **header})
        if is_md5(answer.etag) and answer.etag != md5 and _ENCRYPTED not in answer.headers:
            raise BusyError(f"{key}: arrived changed: its MD5 is {answer.etag}, not {md5}; it is sent again")
        return answer.etag

    async def _ask(self, method: str, key: str, query: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """As `_answer`, of which only a success is returned; the rest is raised in words."""
        answer = await self._answer(method, key, query, content, headers)
        if code_of(answer) == "NoSuchUpload":
            raise NoSuchUpload(key)
        if not answer.is_success:
            raise refusal_of(answer, f"{method} {key}")
        return answer

    async def _answer(
        self, method: str, key: str, query: str = "", content: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        url = self._url(key) + (f"?{query}" if query else "")
        signed = self._sign(method, url, headers or {}, content)
        return await self._http.request(
            method, url, {**signed, "Content-Length": str(len(content))}, _in_pieces(content)
        )

    def _url(self, key: str) -> str:
        return f"{self._settings.address.rstrip('/')}/{self._settings.bucket}/{quote(key, safe='/-_.~')}"

    def _key(self, recording: OutgoingRecording, name: str) -> str:
        return f"{self._settings.prefix}{recording.clips[0].account.address}/{recording.id}/{name}"

    def _item_key(self, recording: OutgoingRecording, item: Item) -> str:
        return self._key(recording, item.key)

    def _lock(self) -> dict[str, str]:
        if not self._settings.lock_days:
            return {}
        until = self._now() + timedelta(days=self._settings.lock_days)
        return {"x-amz-object-lock-mode": "COMPLIANCE", "x-amz-object-lock-retain-until-date": iso(until)}

    def _metadata(self, item: Item) -> dict[str, str]:
        about = {"kind": item.kind, "clip": item.clip.account.recording, "start-time": iso(start_of(item.clip.account))}
        about |= {"bookmark-time": item.about["StartTime"]} if "StartTime" in item.about else {}
        return {f"x-amz-meta-{key}": value for key, value in about.items()}


class NoSuchUpload(OffloadError):
    """The store has dropped an upload that was not finished."""


def file_key(clip: OutgoingClip, name: str) -> str:
    """A clip's file, within its recording."""
    return f"{clip.account.recording}/{name}"


async def _content(upload: Upload, start: int, length: int) -> bytes:
    content = bytearray()
    async for piece in upload.pieces(start, length):
        content += piece
    return bytes(content)


async def _in_pieces(content: bytes) -> AsyncIterator[bytes]:
    view = memoryview(content)
    for at in range(0, len(content), PIECE_BYTES):
        yield bytes(view[at : at + PIECE_BYTES])


def _signing(settings: S3Settings) -> Callable[[str, str, Mapping[str, str], bytes], dict[str, str]]:
    """Signs requests with AWS's own signer (Signature Version 4). Raises ConfigError where it is not installed."""
    try:
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
    except ImportError as error:
        raise ConfigError('[offload] destination = "s3": needs `pip install lapel[s3]`') from error
    signer: Any = S3SigV4Auth(Credentials(settings.user, settings.secret), "s3", settings.region)

    def sign(method: str, url: str, headers: Mapping[str, str], content: bytes) -> dict[str, str]:
        request = AWSRequest(method, url, data=content, headers=dict(headers))
        request.context["payload_signing_enabled"] = True
        signer.add_auth(request)
        return dict(request.headers.items())

    return sign
