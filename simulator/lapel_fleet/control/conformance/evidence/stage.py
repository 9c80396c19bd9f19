"""The stage of a situation: uploads as a camera makes them, and questions about what the back end has."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from lapel.checksums import md5_hex
from lapel.errors import ConfigError, EvidenceError
from lapel.evidence.receipt import check_receipt
from lapel.offload import axis_names as names
from lapel.offload.interface import Item
from lapel_fleet.control.conformance.evidence.material import Recorded
from lapel_fleet.control.conformance.evidence.subject import EvidenceSubject, Reply
from lapel_fleet.control.conformance.examination import LedThere
from lapel_fleet.control.conformance.judging import WrongBelief

TOKEN_PATH = "/auth/v1.0"
_UNREADABLE: Mapping[str, Any] = {}
"""Of a back end that does not say what it has."""


class EvidenceStage:
    """What a situation's script works with: a few recordings of its own, and a back end."""

    def __init__(self, subject: EvidenceSubject, recordings: Sequence[Recorded]) -> None:
        """`recordings`: not used by any other situation."""
        self.recordings, self._subject = recordings, subject
        self._token, self._storage, self._sent = "", "", 0
        self.wrong: list[WrongBelief] = []
        self.messages: list[LedThere] = []
        self.skipped: list[str] = []
        """Questions that the back end cannot answer."""
        self.answers = 0
        """Questions that it did answer. Receipts are not part of the API: without them the rest counts."""

    # -- requests ------------------------------------------------------------------------------------------------------

    def log_in(self) -> None:
        """Get a token. Raises ConfigError where the back end gives none: then nothing can be examined."""
        credentials = {"X-Auth-User": self._subject.user, "X-Auth-Key": self._subject.key}
        path = getattr(self._subject, "token_path", TOKEN_PATH)
        answer = self._subject.send("GET", path, credentials)
        self._token = answer.headers.get("x-auth-token", "")
        if answer.status != 200 or not self._token:
            text = answer.body.decode(errors="replace").strip()
            raise ConfigError(
                f"the back end gives no token: {answer.status} {text}; check the address of its token service, the "
                "user name and the secret"
            )
        self._storage = urlsplit(answer.headers.get("x-storage-url", "")).path.rstrip("/")

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        note: str = "",
        token: str | None = None,
    ) -> Reply:
        """Send a request below the storage, with a token."""
        if not self._token:
            self.log_in()
        given = {"X-Auth-Token": self._token if token is None else token, **(headers or {})}
        answer = self._subject.send(method, f"{self._storage}/{path}", given, body)
        self._sent += 1
        label = f"{method} {path.rpartition('/')[2] or path}: {answer.status}"
        self.messages.append(LedThere(float(self._sent), f"back end/{path}", label, note, path, _headers(given)))
        return answer

    def register(self, one: Recorded) -> None:
        """Make the wearer and the device known."""
        for container, name in ((names.DEVICES, one.device), (names.USERS, one.user)):
            self.request("PUT", container)
            self.request("PUT", f"{container}/{name}", names.headers("Object", {"Active": "True", "Name": name}))

    def begin(self, one: Recorded, *, register: bool = True) -> Reply:
        """Create the container of a recording."""
        if register:
            self.register(one)
        metadata = names.container_metadata(one.outgoing, one.user, one.container)
        return self.request("PUT", one.container, names.headers("Container", metadata))

    def upload(self, one: Recorded, item: Item, body: bytes | None = None, *, note: str = "", etag: str = "") -> Reply:
        """Store an object of a recording. `body` replaces the right one; `etag`: the MD5 that the camera claims."""
        content = one.content(item) if body is None else body
        headers = names.headers("Object", names.object_metadata(item))
        claimed = {"Etag": etag} if etag else {}
        path = f"{one.container}/{one.object_name(item)}"
        return self.request("PUT", path, {**headers, **claimed}, content, note=note)

    def upload_all(self, one: Recorded, items: Iterable[Item] | None = None) -> None:
        """Create the container, and store objects of it; all by default."""
        self.begin(one)
        for item in one.items if items is None else items:
            self.upload(one, item)

    def complete(self, one: Recorded, *, note: str = "") -> Reply:
        """Declare a recording complete."""
        return self.request("POST", one.container, names.headers("Container", {"Status": names.COMPLETE}), note=note)

    def deliver(self, one: Recorded) -> None:
        """Store all of a recording, and declare it complete."""
        self.upload_all(one)
        self.complete(one)

    # -- what must be true ---------------------------------------------------------------------------------------------

    def expect_stored(self, one: Recorded, *, complete: bool, objects: Mapping[str, str] | None = None) -> None:
        """The back end has these objects (MD5 by name; all of the recording by default), and it is complete or not."""
        found = self._ask(one)
        if found is None:
            return
        expected = dict(one.md5s() if objects is None else objects)
        if found.get("complete") is not complete:
            self._fail(one, "complete", str(found.get("complete")), str(complete))
        stored = {str(name): str(value) for name, value in dict(found.get("objects", {})).items()}
        for name in sorted(expected.keys() | stored.keys()):
            if expected.get(name) != stored.get(name):
                self._fail(one, "objects", f"{name}: {stored.get(name, 'missing')}", expected.get(name, "not there"))

    def expect_unknown(self, one: Recorded) -> None:
        """The back end does not take this for a complete recording."""
        found = self._ask(one, may_be_unknown=True)
        if found is not None and found.get("complete"):
            self._fail(one, "complete", "True", "it was never stored")

    def expect_receipt(self, one: Recorded) -> None:
        """There is a receipt for exactly this clip."""
        line = self._receipt(one)
        if line is None:
            return
        try:
            check_receipt(line, one.closed, self._subject.receipt_keys)
        except EvidenceError as error:
            self._fail(
                one, "receipt", line.decode(errors="replace")[:200] or "none", "a receipt for this clip", str(error)
            )

    def expect_no_receipt(self, one: Recorded) -> None:
        """There is none yet."""
        line = self._receipt(one)
        if line:
            self._fail(one, "receipt", line.decode(errors="replace")[:200], "none: it has not arrived whole")

    def expect_status(self, one: Recorded, answer: Reply, statuses: Sequence[int], why: str) -> None:
        """An answer has one of these statuses."""
        if answer.status not in statuses:
            self._fail(one, "answer", str(answer.status), " or ".join(map(str, statuses)), why)

    def expect_etag(self, one: Recorded, answer: Reply, body: bytes) -> None:
        """An accepted upload is answered with the MD5 of what has arrived."""
        etag = answer.headers.get("etag", "").strip('"')
        if answer.status == 201 and etag != md5_hex(body):
            self._fail(one, "Etag", etag or "none", md5_hex(body), "the camera compares it with what it sent")

    # -- inside --------------------------------------------------------------------------------------------------------

    def _ask(self, one: Recorded, *, may_be_unknown: bool = False) -> Mapping[str, Any] | None:
        """What the back end has of a recording; None where it cannot be asked, or was found wrong already."""
        try:
            found = self._subject.recording(one.container)
        except NotImplementedError:
            found = self._read(one)
            if found is _UNREADABLE:
                self.skipped.append("recording")
                return None
        self.answers += 1
        if found is None and not may_be_unknown:
            self._fail(one, "recording", "it does not know this recording", "it was uploaded")
        return found

    def _read(self, one: Recorded) -> Mapping[str, Any] | None:
        """What the API itself says of a recording, where the back end can be read as a Swift can."""
        answer = self.request("GET", one.container, {"Accept": "application/json"})
        if answer.status == 404:
            return None
        try:
            objects = {item["name"]: item["hash"] for item in json.loads(answer.body or b"[]")}
        except (ValueError, TypeError, KeyError):
            return _UNREADABLE
        if answer.status not in (200, 204):
            return _UNREADABLE
        return {"complete": answer.headers.get("x-container-meta-status") == names.COMPLETE, "objects": objects}

    def _receipt(self, one: Recorded) -> bytes | None:
        """The line of the receipt, empty without one; None for a back end that gives none at all."""
        if not self._subject.receipt_keys:
            self.skipped.append("receipt")
            return None
        self.answers += 1
        account = one.outgoing.clips[0].account
        name = names.receipt_name(account.site, account.camera, one.clip)
        answer = self.request("GET", f"{names.RECEIPTS}/{name}")
        return answer.body if answer.status == 200 else b""

    def _fail(self, one: Recorded, question: str, believed: str, true: str, problem: str = "") -> None:
        self.wrong.append(WrongBelief(one.container, question, believed, true, problem))


def _headers(headers: Mapping[str, str]) -> str:
    """Headers as text, without the token."""
    return "\n".join(f"{name}: {value}" for name, value in headers.items() if name != "X-Auth-Token")
