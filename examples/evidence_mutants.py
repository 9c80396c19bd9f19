"""Bugs planted in the example evidence back end, one each: a conformance suite is as good as the bugs that it catches.

    lapel-fleet mutants examples/evidence_mutants.py

Write such a file for your own back end: `ORIGINAL` makes it as it is, `MUTANTS` has a maker for each bug, by name.
"""

from collections.abc import Callable, Mapping

from evidence_back_end import Answer, Container, EvidenceBackEnd, Stored, metadata_of
from msgspec.structs import replace

from lapel.evidence.chain import line_hash
from lapel.evidence.manifest_reader import ending_in, read_lines
from lapel.evidence.receipt import Closed, make_receipt
from lapel.evidence.receipt_files import closed_by


class ReceiptsAreLost(EvidenceBackEnd):
    """Makes receipts, and never puts them where cameras look."""

    def put_receipt(self, name: str, line: bytes) -> None:
        """Nothing."""


class CompleteAtTheFirstObject(EvidenceBackEnd):
    """Takes a recording for complete as soon as its first object is there."""

    def store(self, container: str, name: str, one: Stored) -> None:
        super().store(container, name, one)
        if container not in ("Users", "Devices"):
            self.containers[container].metadata["status"] = "Complete"


class SameShortIdSameRecording(EvidenceBackEnd):
    """Throws an object away whose clip has a short id that it has seen elsewhere."""

    def store(self, container: str, name: str, one: Stored) -> None:
        short = name.rpartition(".")[0].rpartition("_")[2]
        seen = [
            other
            for other, found in self.containers.items()
            if other != container and any(short and f"_{short}." in kept for kept in found.objects)
        ]
        if not seen:
            super().store(container, name, one)


class ChecksumsAreIgnored(EvidenceBackEnd):
    """Answers with the Etag that the camera claims."""

    def is_as_claimed(self, headers: Mapping[str, str], body: bytes) -> bool:
        return True

    def etag(self, headers: Mapping[str, str], body: bytes) -> str:
        return headers.get("etag") or super().etag(headers, body)


class ReceiptsWithoutALook(EvidenceBackEnd):
    """Confirms what the manifest says, without a look at the video."""

    def receipt(self, clip: str, files: Mapping[str, bytes]) -> bytes:
        closed = closed_by(read_lines(clip, files["manifest.jsonl"].splitlines(keepends=True)), clip)
        return super().receipt(clip, {**files, "video.mp4": bytes(closed.bytes)})


class ManifestsAreNotVerified(EvidenceBackEnd):
    """Believes the last line of a manifest, whatever the others are."""

    def receipt(self, clip: str, files: Mapping[str, bytes]) -> bytes:
        last = files["manifest.jsonl"].splitlines(keepends=True)[-1] if "manifest.jsonl" in files else b""
        ending = ending_in(last)
        if ending is None or len(files.get("video.mp4", b"")) != ending.bytes:
            return super().receipt(clip, files)
        closed = Closed(
            recording=clip, camera=ending.account.address, close=line_hash(last), fragments=ending.fragments,
            bytes=ending.bytes, ended_at=None,
        )  # fmt: skip
        return make_receipt(closed, "example", "2026-11-27T12:00:00Z", self._signer)


class ReceiptsForAnotherState(EvidenceBackEnd):
    """Names another last record in its receipts than the manifest has."""

    def receipt(self, clip: str, files: Mapping[str, bytes]) -> bytes:
        closed = closed_by(read_lines(clip, files["manifest.jsonl"].splitlines(keepends=True)), clip)
        super().receipt(clip, files)
        return make_receipt(replace(closed, close="0" * 64), "example", "2026-01-01T12:00:00Z", self._signer)


class ReceiptsOnlyOnce(EvidenceBackEnd):
    """Removes a receipt once it was read."""

    def read(self, container: str, name: str) -> Answer:
        answer = super().read(container, name)
        if container == "Receipts":
            self.containers[container].objects.pop(name, None)
        return answer


class OneOpenRecording(EvidenceBackEnd):
    """Puts objects into the container that was created last."""

    last = ""

    def put_container(self, name: str, headers: Mapping[str, str]) -> Answer:
        self.last = name
        return super().put_container(name, headers)

    def store(self, container: str, name: str, one: Stored) -> None:
        super().store(container if container in ("Users", "Devices") else self.last, name, one)


class CreatedAgainIsEmpty(EvidenceBackEnd):
    """Empties a container that is created again."""

    def put_container(self, name: str, headers: Mapping[str, str]) -> Answer:
        answer = super().put_container(name, headers)
        if name not in ("Users", "Devices"):
            self.containers[name] = Container(self.containers[name].metadata)
        return answer


class EmptyObjectsAreRefused(EvidenceBackEnd):
    """Refuses an empty body in a recording: a marker without a text is lost."""

    def put_object(self, container: str, name: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if not body and container not in ("Users", "Devices"):
            return 400, {}, b"empty"
        return super().put_object(container, name, headers, body)


class AnyTokenWillDo(EvidenceBackEnd):
    """Takes any token."""

    def may(self, token: str) -> bool:
        return bool(token)


class NobodyIsChecked(EvidenceBackEnd):
    """Takes recordings of wearers and devices that it does not know."""

    def is_registered(self, metadata: Mapping[str, str]) -> bool:
        return True


class CompleteTwiceIsAnError(EvidenceBackEnd):
    """Answers 409 when a recording is declared complete again."""

    def post_container(self, name: str, headers: Mapping[str, str]) -> Answer:
        if self.containers.get(name, Container()).is_complete:
            return 409, {}, b"is complete"
        return super().post_container(name, headers)


class NamesStayAsTheyWere(EvidenceBackEnd):
    """Keeps the first name of a wearer."""

    def post_object(self, container: str, name: str, headers: Mapping[str, str]) -> Answer:
        before = dict(self.containers[container].objects[name].metadata)
        answer = super().post_object(container, name, headers)
        self.containers[container].objects[name].metadata = {
            **metadata_of(headers, "x-object-meta-"),
            **({"name": before["name"]} if "name" in before else {}),
        }
        return answer


ORIGINAL = EvidenceBackEnd
MUTANTS: dict[str, Callable[[], object]] = {
    one.__name__: one
    for one in (
        ReceiptsAreLost, CompleteAtTheFirstObject, SameShortIdSameRecording, ChecksumsAreIgnored, ReceiptsWithoutALook,
        ManifestsAreNotVerified,
        ReceiptsForAnotherState, ReceiptsOnlyOnce, OneOpenRecording, CreatedAgainIsEmpty, EmptyObjectsAreRefused,
        AnyTokenWillDo, NobodyIsChecked, CompleteTwiceIsAnError, NamesStayAsTheyWere,
    )
}  # fmt: skip
