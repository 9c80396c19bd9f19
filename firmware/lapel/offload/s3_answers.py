"""The answers of an S3 store: error codes and what they mean, the XML of uploads in parts, ETags. Pure."""

from xml.etree import ElementTree

from lapel.checksums import md5_hex
from lapel.errors import BlockedError, BusyError, OffloadError, RejectedError
from lapel.offload.http import Answer
from lapel.offload.interface import Part
from lapel.offload.refusals import refusal, wait_s

_BLOCKED = {
    "AccessDenied": "the key in [offload] may not write there; give it the right, then `offload start`",
    "InvalidAccessKeyId": "the store does not know the key; check [offload] user",
    "NoSuchBucket": "there is no such bucket; make it, or correct [offload] bucket, then `offload start`",
    "PermanentRedirect": "the bucket is in another region; correct [offload] address and region",
    "QuotaExceeded": "the store is full; make room there, then `offload start`",
    "RequestTimeTooSkewed": "the camera's clock is wrong: it waits for its clock to be set, then `offload start`",
    "SignatureDoesNotMatch": "the secret does not belong to the key; check [offload] secret_file and region",
}
_REJECTED = {"EntityTooLarge", "KeyTooLongError", "MetadataTooLarge"}
_BUSY = {"BadDigest", "InternalError", "RequestTimeout", "SlowDown", "XAmzContentSHA256Mismatch", "NoSuchUpload"}


def joined_etag(parts: tuple[Part, ...]) -> str:
    """The ETag that S3 gives to what was joined from parts; empty where the parts' own are no MD5."""
    if not all(is_md5(part.etag) for part in parts):
        return ""
    return f"{md5_hex(b''.join(bytes.fromhex(part.etag) for part in parts))}-{len(parts)}"


def refusal_of(answer: Answer, doing: str) -> OffloadError:
    """The error for an answer, by S3's code where it names one, else by its status."""
    code, summary = code_of(answer), f"{answer.status} {code_of(answer)} at {doing}".replace("  ", " ")
    if code in _BUSY:
        return BusyError(
            f"{summary}: the store is busy, or what arrived was changed; it is tried again", _retry(answer)
        )
    if code in _REJECTED:
        return RejectedError(
            f"rejected: {summary}: {text_of(answer.body, 'Message')}; put it right, then `offload retry`"
        )
    if code in _BLOCKED:
        return BlockedError(f"{summary}: {_BLOCKED[code]}")
    if answer.status == 400:  # unlike the integration API's, it is about the request, not about the recording
        return BlockedError(f"{summary}: {text_of(answer.body, 'Message')}; check [offload], then `offload start`")
    return refusal(answer.status, doing, code or answer.error_text, answer.headers.get("retry-after", ""))


def _retry(answer: Answer) -> float | None:
    return wait_s(answer.headers.get("retry-after", ""))


def code_of(answer: Answer) -> str:
    """The error's code; empty for a success, and where it has none."""
    return "" if answer.is_success else text_of(answer.body, "Code")


def text_of(body: bytes, tag: str) -> str:
    """The text of the first element with this name, whatever its namespace; empty where there is none."""
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return ""
    found = next((one for one in root.iter() if one.tag.rpartition("}")[2] == tag), None)
    return (found.text or "").strip() if found is not None else ""


def part_list(parts: tuple[Part, ...]) -> bytes:
    """The request that joins parts."""
    root = ElementTree.Element("CompleteMultipartUpload")
    for number, part in enumerate(parts, 1):
        element = ElementTree.SubElement(root, "Part")
        ElementTree.SubElement(element, "PartNumber").text = str(number)
        ElementTree.SubElement(element, "ETag").text = f'"{part.etag}"'
    return ElementTree.tostring(root)


def is_md5(etag: str) -> bool:
    """Whether an ETag looks like an MD5: of an object in parts, or encrypted with a key of the store's, it is none."""
    return len(etag) == 32 and all(character in "0123456789abcdef" for character in etag)
