"""A back end that speaks the Axis Body worn integration API, which is a subset of OpenStack Swift's: any Swift will do.

A container per recording, an object per clip; `Status: Complete` once and last. Beyond the API: the camera's manifest
goes along, receipts are read from the container `Receipts`, and where the server offers static large objects a long
clip goes in segments, so that a cut costs one segment instead of the clip.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Literal

import httpx

from lapel.checksums import md5_hex
from lapel.errors import BusyError, RejectedError
from lapel.offload import axis_names as names
from lapel.offload.axis_session import AxisSession, AxisSettings, trouble_of_the_back_end
from lapel.offload.interface import Arrived, Item, OutgoingRecording, Part, Standing, Upload
from lapel.outgoing import OutgoingClip

_OPTIONAL = {"bookmark": "StoreBookmarks", "trail": "StoreGNSSTrackRecording"}
_SEGMENTS_MAX = 1_000
"""Swift's default limit (`max_manifest_segments`)."""
_NAMES_TRIED = 10
"""Names of a container that are tried: one per second from the trigger on."""
_OWN = ("manifest", "account", "tail")
"""Kinds that the API does not know."""
OWN_CAPABILITY = "StoreLapelManifest"


class AxisDestination:
    """Implements `Destination`."""

    def __init__(self, settings: AxisSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """`transport` stands in for the network. Raises ConfigError."""
        self._settings, self._session = settings, AxisSession(settings, transport)
        self._containers: dict[str, str] = {}
        self._making = asyncio.Lock()
        self._capabilities: frozenset[str] | None = None
        self._has_segments: bool | None = None

    @property
    def name(self) -> str:
        """Its first address and the user."""
        return f"{self._settings.addresses[0]} as {self._settings.user}"

    async def begin(self, recording: OutgoingRecording) -> Standing:
        """See `Destination.begin`: device, user and container exist afterwards."""
        account = recording.clips[0].account
        user = self._user(recording)
        serial = names.serial_number(account.site, account.camera)
        with trouble_of_the_back_end():
            await self._register(names.DEVICES, serial, names.device_metadata(account.camera, account.model))
            await self._register(names.USERS, user, names.user_metadata(account.wearer))
        async with self._making:  # two recordings of one second must not both find the same name free
            return await self._make_container(recording, user)

    async def send(self, recording: OutgoingRecording, upload: Upload) -> None:
        """See `Destination.send`."""
        item = upload.item
        if not await self._takes(item):
            await upload.save(Arrived(whole=True))
            return
        path = self._path(recording, item)
        metadata = names.headers("Object", names.object_metadata(item))
        if item.size_bytes > self._settings.segment_bytes and await self._offers_segments():
            etag = await self._send_segments(path, metadata, upload)
        else:
            etag = await self._put(path, metadata, upload, 0, item.size_bytes)
        await upload.save(Arrived(whole=True, etag=etag))

    async def finish(self, recording: OutgoingRecording, arrived: Mapping[str, Arrived]) -> None:  # noqa: ARG002
        """See `Destination.finish`: `Status` becomes `Complete`."""
        await self._session.request(
            "POST", self._containers[recording.id], names.headers("Container", {"Status": names.COMPLETE})
        )

    async def receipt(self, recording: OutgoingRecording, clip: OutgoingClip) -> bytes | None:  # noqa: ARG002
        """See `Destination.receipt`: from the container `Receipts`."""
        account = clip.account
        path = f"{names.RECEIPTS}/{names.receipt_name(account.site, account.camera, account.recording)}"
        answer = await self._session.answer("GET", path)
        if answer.status in (403, 404, 405):  # a back end that gives no receipts may not know the container either
            return None
        self._session.require_success(answer, f"GET {path}")
        return answer.body

    def read_back(self, recording: OutgoingRecording, item: Item) -> AsyncIterator[bytes] | None:  # noqa: ARG002
        """See `Destination.read_back`. The API has no reading: a receipt is its proof."""
        return None

    async def close(self) -> None:
        """See `Destination.close`."""
        await self._session.close()

    # -- what is there -------------------------------------------------------------------------------------------------

    async def _register(self, container: str, name: str, metadata: Mapping[str, str]) -> None:
        """Make sure that a device or user is known; looked for once per session."""
        path = f"{container}/{name}"
        if path in self._session.known:
            return
        if container not in self._session.known:
            await self._session.request("PUT", container)
            self._session.known.add(container)
        if not (await self._session.answer("HEAD", path)).is_success:
            await self._session.request("PUT", path, names.headers("Object", metadata), b"")
        self._session.known.add(path)

    async def _make_container(self, recording: OutgoingRecording, user: str) -> Standing:
        """Find the recording's container, or make it under the first name that is free."""
        for later_s in range(_NAMES_TRIED):
            container = names.container_name(recording, user, later_s)
            self._containers[recording.id] = container
            standing = await self._standing(container, recording)
            if standing == "free":
                metadata = names.container_metadata(recording, user, container)
                answer = await self._session.request("PUT", container, names.headers("Container", metadata))
                return "new" if answer.status == 201 else "begun"
            if standing != "taken":
                return standing
        raise RejectedError(
            f"rejected: {names.container_name(recording, user)} and the {_NAMES_TRIED - 1} names after it are there "
            "already and hold other recordings; find out whose they are, then `offload retry`"
        )

    async def _standing(
        self, container: str, recording: OutgoingRecording
    ) -> Literal["free", "taken", "begun", "complete"]:
        """What a container holds; *free*, too, where the back end does not answer that."""
        answer = await self._session.answer("HEAD", container)
        if answer.status in (403, 404, 405):
            return "free"
        self._session.require_success(answer, f"HEAD {container}")
        theirs = answer.headers.get(f"x-container-meta-{names.OWN_RECORDING.lower()}", recording.id)
        if theirs != recording.id:
            return "taken"
        return "complete" if answer.headers.get("x-container-meta-status") == names.COMPLETE else "begun"

    async def _takes(self, item: Item) -> bool:
        """Whether the back end stores this kind of item."""
        if self._settings.full_support or item.kind in ("video", "key"):
            return True
        if self._capabilities is None:
            self._capabilities = await self._read_capabilities()
        return (OWN_CAPABILITY if item.kind in _OWN else _OPTIONAL[item.kind]) in self._capabilities

    async def _read_capabilities(self) -> frozenset[str]:
        """Those that are true; none where the object is missing, wrongly formatted, or its checksum is wrong."""
        answer = await self._session.answer("GET", "System/Capabilities.json")
        if not answer.is_success or (answer.etag and answer.etag != md5_hex(answer.body)):
            return frozenset()
        try:
            groups = json.loads(answer.body)
            return frozenset(name for group in groups.values() for name, value in group.items() if value is True)
        except (ValueError, AttributeError):
            return frozenset()

    async def _offers_segments(self) -> bool:
        if self._has_segments is None:
            self._has_segments = await self._session.offers_segments()
        return self._has_segments

    # -- sending -------------------------------------------------------------------------------------------------------

    async def _put(self, path: str, metadata: Mapping[str, str], upload: Upload, start: int, length: int) -> str:
        """Send bytes as an object, and compare checksums. Returns the MD5; empty where the back end names none."""
        digest = hashlib.md5(usedforsecurity=False)

        async def content() -> AsyncIterator[bytes]:
            nonlocal digest
            digest = hashlib.md5(usedforsecurity=False)  # a request that is repeated begins anew
            async for piece in upload.pieces(start, length):
                digest.update(piece)
                yield piece

        headers = {**metadata, "Content-Length": str(length), "Content-Type": "application/octet-stream"}
        answer = await self._session.request("PUT", path, headers, content if length else b"")
        etag = answer.etag or (await self._session.answer("HEAD", path)).etag
        if etag and etag != digest.hexdigest():
            raise BusyError(f"{path}: arrived changed: its MD5 is {etag}, not {digest.hexdigest()}; it is sent again")
        return etag

    async def _send_segments(self, path: str, metadata: Mapping[str, str], upload: Upload) -> str:
        """Send the segments that have not arrived, then the list that joins them. Returns its ETag."""
        if names.SEGMENTS not in self._session.known:
            await self._session.request("PUT", names.SEGMENTS)
            self._session.known.add(names.SEGMENTS)
        parts, size = list(upload.arrived.parts), upload.item.size_bytes
        segment_bytes = max(self._settings.segment_bytes, -(-size // _SEGMENTS_MAX))
        sent = sum(part.size_bytes for part in parts)
        while sent < size:
            length = min(segment_bytes, size - sent)
            etag = await self._put(_segment(path, len(parts)), {}, upload, sent, length)
            parts.append(Part(length, etag))
            sent += length
            await upload.save(Arrived(parts=tuple(parts)))
        listed = [
            {"path": f"/{_segment(path, number)}", "etag": part.etag or None, "size_bytes": part.size_bytes}
            for number, part in enumerate(parts)
        ]
        answer = await self._session.request(
            "PUT", f"{path}?multipart-manifest=put", metadata, json.dumps(listed).encode()
        )
        return answer.etag

    def _path(self, recording: OutgoingRecording, item: Item) -> str:
        return f"{self._containers[recording.id]}/{names.object_name(item)}"

    def _user(self, recording: OutgoingRecording) -> str:
        account = recording.clips[0].account
        return names.user_id(account.agency, account.wearer)


def _segment(path: str, number: int) -> str:
    return f"{names.SEGMENTS}/{path}/{number:05}"
