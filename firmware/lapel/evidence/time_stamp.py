"""Time stamps of a third party (RFC 3161): requested over HTTP, and checked offline."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography import x509

from lapel.errors import EvidenceError
from lapel.evidence.extras import extra

if TYPE_CHECKING:
    from rfc3161_client import TimeStampRequest, TimeStampResponse

_LIMIT_BYTES = 1024 * 1024
"""Far above the few KB of a token with its certificates."""

Transport = Callable[[bytes], bytes]
"""Sends a time-stamp request (DER) to an authority and returns its answer."""


class UnprovedTime(EvidenceError):
    """A token does not prove when something existed."""


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """What a token says."""

    at: datetime
    """By the authority's clock."""
    authority: str
    """Subject of the certificate that signed it."""


def over_http(url: str, timeout_s: float) -> Transport:
    """A transport to the authority at `url`. Raises EvidenceError for another kind of address."""
    if not url.startswith(("http://", "https://")):
        raise EvidenceError(f"{url}: is no http or https address of a time-stamping authority")

    def send(query: bytes) -> bytes:
        try:
            request = urllib.request.Request(url, query, {"Content-Type": "application/timestamp-query"})
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:
                return bytes(answer.read(_LIMIT_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                raise EvidenceError(f"{url}: refused: HTTP {error.code} {error.reason}") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise EvidenceError(f"{url}: cannot be reached: {reason}") from error

    return send


def obtain(data: bytes, transport: Transport) -> bytes:
    """A token for `data`: the authority's answer. Raises EvidenceError unless it is one for this very request."""
    with extra("time stamping"):
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder
    request = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
    token = transport(request.as_bytes())
    try:
        answer = _decode(token)
    except UnprovedTime as error:
        raise EvidenceError(f"the answer of the time-stamping authority {error}") from error
    _require_answer(answer, request)
    return token


def check(data: bytes, token: bytes, roots: Sequence[x509.Certificate]) -> TimeStamp:
    """When and by whom `data` was time-stamped. Raises UnprovedTime unless an authority below `roots` says so."""
    with extra("checking time stamps"):
        from rfc3161_client import VerificationError, VerifierBuilder
    answer = _decode(token)
    try:
        VerifierBuilder(roots=list(roots)).build().verify_message(answer, data)
    except (VerificationError, ValueError) as error:
        raise UnprovedTime(f"is not proved by a trusted time-stamping authority: {error}") from error
    return TimeStamp(answer.tst_info.gen_time, _authority(answer))


def _decode(token: bytes) -> "TimeStampResponse":
    from rfc3161_client import decode_timestamp_response

    try:
        answer = decode_timestamp_response(token)
    except ValueError as error:
        raise UnprovedTime(f"is no time stamp (RFC 3161): {error}") from error
    if answer.status != 0:
        raise UnprovedTime(f"is a refusal: {', '.join(answer.status_string) or answer.status}")
    return answer


def _require_answer(answer: "TimeStampResponse", request: "TimeStampRequest") -> None:
    stamped = answer.tst_info
    if stamped.message_imprint.message != request.message_imprint.message or stamped.nonce != request.nonce:
        raise EvidenceError("the time-stamping authority answered another request")


def _authority(answer: "TimeStampResponse") -> str:
    signer = next(iter(answer.signed_data.signer_infos))
    for der in answer.signed_data.certificates:
        certificate = x509.load_der_x509_certificate(der)
        if (certificate.issuer, certificate.serial_number) == (signer.issuer, signer.serial_number):
            return certificate.subject.rfc4514_string()
    return signer.issuer.rfc4514_string()
