from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st

from lapel.errors import EvidenceError
from lapel.evidence.receipt import Closed, PrivateKey, check_receipt, make_receipt

KEYS: tuple[PrivateKey, ...] = (
    ed25519.Ed25519PrivateKey.from_private_bytes(b"\1" * 32),
    ec.derive_private_key(7, ec.SECP256R1()),
)
CLOSED = Closed(
    recording="clip-1",
    camera="demo/baltimore/cam-1",
    close="ab" * 32,
    fragments=4,
    bytes=4000,
    ended_at=datetime(2026, 11, 27, 4, 0, tzinfo=UTC),
)
RECEIVED_AT = "2026-11-27T05:00:00.000Z"


@dataclass
class Changed:
    change: dict[str, Any]
    reason: str


def receipt_line(key: PrivateKey = KEYS[0], received_at: str = RECEIVED_AT) -> bytes:
    return make_receipt(CLOSED, "Evidence Store 3", received_at, key)


@pytest.mark.parametrize("key", KEYS)
def test_a_receipt_of_a_trusted_back_end_holds(key: PrivateKey) -> None:
    receipt = check_receipt(receipt_line(key), CLOSED, [one.public_key() for one in KEYS])
    assert (receipt.back_end, receipt.received_at) == ("Evidence Store 3", RECEIVED_AT)


@pytest.mark.parametrize("key", KEYS)
def test_receipts_are_the_same_each_time(key: PrivateKey) -> None:
    assert receipt_line(key) == receipt_line(key)


def test_a_key_that_is_not_trusted_is_named() -> None:
    with pytest.raises(EvidenceError, match="key that is not trusted here"):
        check_receipt(receipt_line(KEYS[1]), CLOSED, [KEYS[0].public_key()])


@pytest.mark.parametrize(
    "case",
    [
        Changed({"recording": "clip-2"}, "for another recording, clip-1 of demo/baltimore/cam-1"),
        Changed({"camera": "demo/baltimore/cam-2"}, "for another recording"),
        Changed({"close": "cd" * 32}, "another state of this recording"),
        Changed({"fragments": 5}, "another state of this recording"),
        Changed({"bytes": 4001}, "another state of this recording"),
        Changed({"ended_at": datetime(2026, 11, 27, 6, 0, tzinfo=UTC)}, "before the recording ended"),
    ],
)
def test_a_receipt_for_anything_else_is_refused(case: Changed) -> None:
    other = msgspec.structs.replace(CLOSED, **case.change)
    with pytest.raises(EvidenceError, match=case.reason):
        check_receipt(receipt_line(), other, [KEYS[0].public_key()])


def test_where_the_cameras_clock_was_never_set_the_time_is_not_compared() -> None:
    closed = msgspec.structs.replace(CLOSED, ended_at=None)
    check_receipt(receipt_line(received_at="2001-01-01T00:00:00Z"), closed, [KEYS[0].public_key()])


@pytest.mark.parametrize("time", ["", "yesterday", "2026-11-27T05:00:00"])
def test_a_receipt_without_a_time_is_refused(time: str) -> None:
    with pytest.raises(EvidenceError, match="names no time"):
        check_receipt(receipt_line(received_at=time), CLOSED, [KEYS[0].public_key()])


@given(st.data())
def test_any_changed_bit_is_noticed(data: st.DataObject) -> None:
    changed = bytearray(receipt_line())
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(EvidenceError):
        check_receipt(bytes(changed), CLOSED, [KEYS[0].public_key()])


@pytest.mark.parametrize(
    "line",
    [b"", b"{}", b"\n", b'{"receipt":{},"signature":""}\n', b'{"receipt":{"a":1},"signature":"A"}\n', b"\xff" * 90],
)
def test_what_is_no_receipt_is_refused(line: bytes) -> None:
    with pytest.raises(EvidenceError):
        check_receipt(line, CLOSED, [KEYS[0].public_key()])
