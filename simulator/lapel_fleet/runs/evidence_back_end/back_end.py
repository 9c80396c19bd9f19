"""An evidence back end: answers the requests of the Axis Body worn integration API. Knows no sockets.

    GET  /auth/v1.0                              a token for X-Auth-User and X-Auth-Key
    PUT  /v1/AUTH_lapel/{container}              create it; POST: its metadata; HEAD, GET: read it
    PUT  /v1/AUTH_lapel/{container}/{object}     store it; POST: its metadata; HEAD, GET: read it

Strict where the API allows it, so that a camera's mistakes are found: what is written after `Complete` is refused, and
so are recordings of users and devices that were never registered.
"""

import json
from collections.abc import Callable, Mapping
from urllib.parse import quote

from lapel.clock import Clock, iso
from lapel.errors import EvidenceError
from lapel.evidence.receipt import PrivateKey, PublicKey, make_receipt
from lapel_fleet.checkers.uploads import Step, Upload
from lapel_fleet.runs.evidence_back_end.containers import (
    CLIP_KEY,
    CONTAINER,
    OBJECT,
    RECEIPTS,
    RECORDING_KEY,
    SYSTEM,
    Container,
    StoredObject,
    headers_of,
    metadata_of,
)
from lapel_fleet.runs.evidence_back_end.exchange import Answer, Content, Reception, Refusal, Request, content_of
from lapel_fleet.runs.evidence_back_end.faults import SLOW_BYTES_PER_S, Faults
from lapel_fleet.runs.evidence_back_end.receipts import ReadManifest, imported_clips, verified_manifest
from lapel_fleet.runs.evidence_back_end.rules import check_completion, check_object, check_recording, is_recording
from lapel_fleet.runs.evidence_back_end.tokens import Tokens

OTHER_RECORDING = "20200101T000000Z-0000"
AUTH, ROOT = "/auth/v1.0", "/v1/AUTH_lapel"
CAPABILITIES = json.dumps({
    "Read": {"ReadCategories": False},
    "Store": {
        "StoreBookmarks": True, "StoreGNSSTrackRecording": True, "StoreRejectedContent": True, "StoreUserIDKey": True,
        "StoreSignedVideo": True, "StoreLapelManifest": True,
    },
    "StoreAndRead": {"StoreReadSystemID": True},
}).encode()  # fmt: skip
"""`System/Capabilities.json`: all that the API has but categories, and our manifests."""
_UPLOAD_FAULTS: Mapping[str, tuple[int, str]] = {
    "full": (507, "out of disk space: free some, or add a disk"),
    "busy": (503, "too many uploads at once; try again soon"),
    "licence-gone": (402, "there are no more licences; buy one, or free one"),
}


class EvidenceBackEnd:
    """The containers of an account, who may change them, and what was received so far."""

    def __init__(
        self,
        tokens: Tokens,
        clock: Clock,
        receipt_key: PrivateKey,
        faults: Faults,
        *,
        name: str = "lapel-evidence-back-end",
        url: str = "http://evidence.invalid",
        read_manifest: ReadManifest = verified_manifest,
    ) -> None:
        """`name` stands in its receipts; `url`: where clients reach it, without a path."""
        self.faults, self.containers = faults, {SYSTEM: Container(), RECEIPTS: Container()}
        self.containers[SYSTEM].objects["Capabilities.json"] = StoredObject(content_of(CAPABILITIES))
        self.uploads: list[Upload] = []
        """Every request that changed a recording, or was refused, in order."""
        self.on_change: Callable[[str], object] = _ignored
        """Called with the name of each container that has changed."""
        self._tokens, self._clock, self._receipt_key, self._name, self._url = tokens, clock, receipt_key, name, url
        self._read_manifest = read_manifest

    @property
    def receipt_key(self) -> PublicKey:
        """The key that checks its receipts."""
        return self._receipt_key.public_key()

    def reception(self, request: Request) -> Reception:
        """How to receive the body of a request, of which only the head is there yet."""
        container, name = target_of(request)
        is_upload = bool(name) and request.method == "PUT" and is_recording(container)
        return Reception(
            SLOW_BYTES_PER_S if self.faults.is_present("slow") else None,
            is_cut=is_upload and self.faults.strikes("cut"),
        )

    def answer(self, request: Request) -> Answer:
        """Carry out a request, and answer it."""
        try:
            if request.path == AUTH:
                return self._authenticate(request)
            self._tokens.check(request.headers.get("x-auth-token", ""))
            return self._answer_for(*target_of(request), request)
        except Refusal as refusal:
            container, name = target_of(request)
            if is_recording(container) and request.method in ("PUT", "POST"):
                recording = metadata_of(request.headers, CONTAINER).get(RECORDING_KEY, "")
                self._add("refused", container, name, request.content, status=refusal.status, recording=recording)
            return refusal.answer

    # -- inside --------------------------------------------------------------------------------------------------------

    def _authenticate(self, request: Request) -> Answer:
        if request.method != "GET":
            raise Refusal(400, f"{AUTH}: send a GET")
        token = self._tokens.issue(request.headers.get("x-auth-user", ""), request.headers.get("x-auth-key", ""))
        return Answer(200, {"X-Auth-Token": token, "X-Storage-Url": f"{self._url}{ROOT}"})

    def _answer_for(self, container: str, name: str, request: Request) -> Answer:
        if not container:
            raise Refusal(404, f"{request.path}: there is nothing; containers are below {ROOT}")
        match request.method, bool(name):
            case "PUT", False:
                return self._put_container(container, request)
            case "PUT", True:
                return self._put_object(container, name, request)
            case "POST", False:
                return self._post_container(container, request)
            case "POST", True:
                return self._post_object(container, name, request)
            case (("GET" | "HEAD"), False):
                self._let_another_be_there(container)
                return self._get_container(container)
            case (("GET" | "HEAD"), True):
                return self._get_object(container, name)
        raise Refusal(400, f"{request.method}: is not used in this API; nothing is ever deleted here")

    def _put_container(self, name: str, request: Request) -> Answer:
        if is_recording(name) and self.faults.strikes("busy"):
            raise Refusal(*_UPLOAD_FAULTS["busy"])
        metadata = metadata_of(request.headers, CONTAINER)
        self._let_another_be_there(name)
        exists = name in self.containers
        if exists:
            self._require_open(name)
        if is_recording(name):
            check_recording(name, metadata, self.containers)
        found = self.containers.setdefault(name, Container())
        found.update(metadata)
        self._add("begun", name)
        return Answer(202 if exists else 201)

    def _post_container(self, name: str, request: Request) -> Answer:
        found = self._container(name)
        metadata = metadata_of(request.headers, CONTAINER)
        if found.is_complete and metadata.items() <= found.metadata.items():
            self._add("completed", name)  # repeated: its answer was lost
            return Answer(204)
        self._require_open(name)
        if is_recording(name):
            check_recording(name, {**found.metadata, **metadata}, self.containers)
            if metadata.get("status") == "Complete":
                check_completion(name, found)
                self._make_receipts(found)
        found.update(metadata)
        if not (found.is_complete and is_recording(name)):
            self._add("described", name)
            return Answer(204)
        is_lost = self.faults.strikes("lost-receipt")
        self._add("completed", name, is_lost=is_lost)
        return Answer(204, is_lost=is_lost)

    def _put_object(self, container: str, name: str, request: Request) -> Answer:
        found = self._container(container)
        self._refuse_upload(container, name)
        self._require_open(container)
        content = self._kept(request)
        one = StoredObject(content, metadata_of(request.headers, OBJECT), iso(self._clock.now().utc))
        if is_recording(container):
            check_object(name, one)
        found.objects[name] = one
        self._add("stored", container, name, content)
        if is_recording(container) and self.faults.strikes("early-complete"):
            found.update({"status": "Complete"})
        return Answer(201, {"Etag": content.md5})

    def _post_object(self, container: str, name: str, request: Request) -> Answer:
        self._require_open(container)
        self._object(container, name).metadata = metadata_of(request.headers, OBJECT)
        self._add("described", container, name)
        return Answer(202)

    def _get_container(self, name: str) -> Answer:
        found = self._container(name)
        used = sum(one.content.length for one in found.objects.values())
        counts = {"X-Container-Object-Count": str(len(found.objects)), "X-Container-Bytes-Used": str(used)}
        headers = {"Content-Type": "application/json; charset=utf-8", **counts, **headers_of(found.metadata, CONTAINER)}
        return Answer(200, headers, found.listing())

    def _get_object(self, container: str, name: str) -> Answer:
        one = self._object(container, name)
        if container == RECEIPTS:
            if self.faults.strikes("lost-receipt"):
                raise Refusal(404, f"{container}/{name}: there is no receipt yet")
            self._add("receipt", container, name, one.content)
        headers = {"Etag": one.content.md5, "Content-Length": str(one.content.length)}
        return Answer(200, {**headers, **headers_of(one.metadata, OBJECT)}, one.content.data or b"")

    def _refuse_upload(self, container: str, name: str) -> None:
        """Raise Refusal for the fault that strikes an upload."""
        for kind, (status, text) in _UPLOAD_FAULTS.items():
            if (is_recording(container) or kind != "busy") and self.faults.strikes(kind):
                raise Refusal(status, text)
        if is_recording(container) and self.faults.strikes("rejected"):
            raise Refusal(400, f"{container}/{name}: cannot be stored, now or later")

    def _kept(self, request: Request) -> Content:
        """The content as it is kept. Raises Refusal when it is not what its sender says it is."""
        etag = request.headers.get("etag", "").strip('"').lower()
        if etag and etag != request.content.md5:
            raise Refusal(422, f"the body's MD5 is {request.content.md5}, the Etag says {etag}; send it again")
        if self.faults.strikes("wrong-checksum"):
            return Content(request.content.length, content_of(request.content.md5.encode()).md5)
        return request.content

    def _let_another_be_there(self, name: str) -> None:
        """The fault `duplicate-container`: another recording has the name of a new one."""
        if is_recording(name) and name not in self.containers and self.faults.strikes("duplicate-container"):
            self.containers[name] = Container({RECORDING_KEY: OTHER_RECORDING, "status": "Complete"})

    def _require_open(self, name: str) -> None:
        if is_recording(name) and self._container(name).is_complete:
            raise Refusal(403, f"{name}: is Complete; nothing in it can be changed any more")

    def _make_receipts(self, recording: Container) -> None:
        """Make a receipt for each clip of a recording. Raises Refusal where one did not arrive whole."""
        try:
            clips = imported_clips(recording, self._read_manifest)
        except EvidenceError as error:
            raise Refusal(400, str(error)) from error
        now = iso(self._clock.now().utc)
        for clip, closed in clips.items():
            line = make_receipt(closed, self._name, now, self._receipt_key)
            name = f"{recording.metadata['bwcserialnumber']}_{clip}"
            self.containers[RECEIPTS].objects[name] = StoredObject(content_of(line), {CLIP_KEY: clip}, now)
            self.on_change(RECEIPTS)

    def _container(self, name: str) -> Container:
        if name not in self.containers:
            raise Refusal(404, f"{name}: there is no such container; create it first")
        return self.containers[name]

    def _object(self, container: str, name: str) -> StoredObject:
        objects = self._container(container).objects
        if name not in objects:
            raise Refusal(404, f"{container}/{name}: there is no such object")
        return objects[name]

    def _add(
        self,
        step: Step,
        container: str,
        name: str = "",
        content: Content | None = None,
        *,
        status: int = 0,
        is_lost: bool = False,
        recording: str = "",
    ) -> None:
        if is_recording(container) or container == RECEIPTS:
            found = self.containers.get(container, Container())
            one = found.objects.get(name, StoredObject())
            self.uploads.append(Upload(
                self._clock.mono_s(), step, container, name,
                recording=found.metadata.get(RECORDING_KEY, recording), clip=one.metadata.get(CLIP_KEY, ""),
                md5=content.md5 if content else "", size_bytes=content.length if content else 0, status=status,
                receipt=(content.data or b"") if step == "receipt" and content else b"", is_lost=is_lost,
            ))  # fmt: skip
        if step not in ("refused", "receipt"):
            self.on_change(container)


def _ignored(_: str) -> None:
    """Nothing depends on the change."""


def target_of(request: Request) -> tuple[str, str]:
    """The container and the object that a path names; empty where it names none."""
    if not request.path.startswith(f"{ROOT}/"):
        return "", ""
    container, _, name = request.path.removeprefix(f"{ROOT}/").partition("/")
    return container, name


def path_of(container: str, name: str = "") -> str:
    """The path of a container or an object, encoded for a URL."""
    return f"{ROOT}/{quote(container, safe='')}" + (f"/{quote(name)}" if name else "")
