"""An evidence back end in the smallest form: what the Axis Body worn integration API asks for, and receipts.

    lapel-fleet conformance --evidence examples/evidence_back_end.py:EvidenceBackEnd

`handle` is all that a web framework would call. Recordings are kept in memory; yours are on a disk.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lapel.clock import SystemClock, iso
from lapel.errors import EvidenceError
from lapel.evidence.manifest_reader import read_lines
from lapel.evidence.receipt import make_receipt
from lapel.evidence.receipt_files import closed_by

Answer = tuple[int, dict[str, str], bytes]
ROOT = "/v1/AUTH_example"
NOT_RECORDINGS = ("System", "Users", "Devices", "Receipts")


@dataclass
class Stored:
    """An object and its metadata."""

    content: bytes
    metadata: dict[str, str]


@dataclass
class Container:
    """One recording, or one of `Users`, `Devices`, `Receipts`."""

    metadata: dict[str, str] = field(default_factory=dict)
    objects: dict[str, Stored] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        return self.metadata.get("status") == "Complete"


class EvidenceBackEnd:
    """Takes requests, and answers what it has."""

    user, key = "axis", "secret"

    def __init__(self) -> None:
        self._signer = Ed25519PrivateKey.generate()
        self.receipt_keys = [self._signer.public_key()]
        self.tokens: set[str] = set()
        self.containers: dict[str, Container] = {"Receipts": Container()}

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to a request. Header names are in lower case."""
        if path == "/auth/v1.0":
            return self.log_in(headers)
        if not self.may(headers.get("x-auth-token", "")):
            return 401, {}, b"no valid token"
        container, _, name = unquote(path.removeprefix(f"{ROOT}/")).partition("/")
        if method == "PUT":
            return self.put_object(container, name, headers, body) if name else self.put_container(container, headers)
        if method == "POST":
            return self.post_object(container, name, headers) if name else self.post_container(container, headers)
        return self.read(container, name)

    def recording(self, container: str) -> dict[str, object] | None:
        """What this back end has of a recording: the question of the conformance suite."""
        found = self.containers.get(container)
        if found is None:
            return None
        md5s = {name: md5(one.content) for name, one in found.objects.items()}
        return {"complete": found.is_complete, "objects": md5s}

    # -- who may -------------------------------------------------------------------------------------------------------

    def log_in(self, headers: Mapping[str, str]) -> Answer:
        if (headers.get("x-auth-user"), headers.get("x-auth-key")) != (self.user, self.key):
            return 401, {}, b"wrong user or key"
        token = secrets.token_urlsafe()
        self.tokens.add(token)
        return 200, {"X-Auth-Token": token, "X-Storage-Url": f"https://evidence.example{ROOT}"}, b""

    def may(self, token: str) -> bool:
        return token in self.tokens

    # -- containers ----------------------------------------------------------------------------------------------------

    def put_container(self, name: str, headers: Mapping[str, str]) -> Answer:
        metadata = metadata_of(headers, "x-container-meta-")
        if name not in NOT_RECORDINGS and not self.is_registered(metadata):
            return 400, {}, b"no such user or device"
        exists = name in self.containers
        self.containers.setdefault(name, Container()).metadata.update(metadata)
        return (202 if exists else 201), {}, b""

    def is_registered(self, metadata: Mapping[str, str]) -> bool:
        return all(
            metadata.get(key, "") in self.containers.get(container, Container()).objects
            for key, container in (("userid", "Users"), ("bwcserialnumber", "Devices"))
        )

    def post_container(self, name: str, headers: Mapping[str, str]) -> Answer:
        if name not in self.containers:
            return 404, {}, b"no such container"
        found = self.containers[name]
        metadata = metadata_of(headers, "x-container-meta-")
        if metadata.get("status") == "Complete" and not found.is_complete:
            try:
                self.complete(found)
            except EvidenceError as error:
                return 400, {}, str(error).encode()
        found.metadata.update(metadata)
        return 204, {}, b""

    def complete(self, found: Container) -> None:
        """Make a receipt for each clip. Raises EvidenceError for one that did not arrive whole."""
        for clip in {one.metadata["lapelclip"] for one in found.objects.values() if "lapelclip" in one.metadata}:
            files = {
                one.metadata["lapelfile"]: one.content
                for one in found.objects.values()
                if one.metadata.get("lapelclip") == clip
            }
            line = self.receipt(clip, files)
            self.put_receipt(f"{found.metadata['bwcserialnumber']}_{clip}", line)

    def receipt(self, clip: str, files: Mapping[str, bytes]) -> bytes:
        if "manifest.jsonl" not in files:
            raise EvidenceError(f"{clip}: its manifest is missing")
        closed = closed_by(read_lines(clip, files["manifest.jsonl"].splitlines(keepends=True)), clip)
        if len(files.get("video.mp4", b"")) != closed.bytes:
            raise EvidenceError(f"{clip}: its video has another length than its manifest says")
        return make_receipt(closed, "example", iso(SystemClock().now().utc), self._signer)

    def put_receipt(self, name: str, line: bytes) -> None:
        self.containers["Receipts"].objects[name] = Stored(line, {})

    # -- objects -------------------------------------------------------------------------------------------------------

    def put_object(self, container: str, name: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if container not in self.containers:
            return 404, {}, b"no such container"
        if not self.is_as_claimed(headers, body):
            return 422, {}, b"the body is not what the Etag says"
        self.store(container, name, Stored(body, metadata_of(headers, "x-object-meta-")))
        return 201, {"Etag": self.etag(headers, body)}, b""

    def is_as_claimed(self, headers: Mapping[str, str], body: bytes) -> bool:
        return headers.get("etag", md5(body)) == md5(body)

    def etag(self, headers: Mapping[str, str], body: bytes) -> str:
        return md5(body)

    def store(self, container: str, name: str, one: Stored) -> None:
        self.containers[container].objects[name] = one

    def post_object(self, container: str, name: str, headers: Mapping[str, str]) -> Answer:
        if name not in self.containers.get(container, Container()).objects:
            return 404, {}, b"no such object"
        self.containers[container].objects[name].metadata = metadata_of(headers, "x-object-meta-")
        return 202, {}, b""

    def read(self, container: str, name: str) -> Answer:
        found = self.containers.get(container)
        if found is None or (name and name not in found.objects):
            return 404, {}, b"no such container or object"
        if not name:
            return 204, headers_of(found.metadata, "X-Container-Meta-"), b""
        one = found.objects[name]
        return 200, {"Etag": md5(one.content), **headers_of(one.metadata, "X-Object-Meta-")}, one.content


def metadata_of(headers: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): unquote(value) for name, value in headers.items() if name.startswith(prefix)}


def headers_of(metadata: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {f"{prefix}{name.title()}": quote(value) for name, value in metadata.items()}


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
