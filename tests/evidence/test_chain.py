import base64
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_keys import SIGNER
from lapel.evidence.chain import ChainWriter, DamagedLine, Link, parse_line
from lapel.evidence.records import MarkerSet
from lapel.evidence.signing import is_signed, public_key


def chain_of(count: int) -> list[bytes]:
    lines: list[bytes] = []
    writer = ChainWriter(SIGNER, lines.append)
    for number in range(count):
        writer.add(MarkerSet(at_s=float(number)))
    return lines


def test_each_line_names_the_hash_of_the_one_before() -> None:
    first, second = chain_of(2)
    assert json.loads(first)["record"]["previous"] is None
    assert json.loads(second)["record"]["previous"] == hashlib.sha256(first).hexdigest()
    assert [json.loads(line)["record"]["number"] for line in (first, second)] == [1, 2]


def test_the_signature_is_of_the_record_as_it_stands_in_the_line() -> None:
    (line,) = chain_of(1)
    found = parse_line(line)
    assert found.record in line
    assert is_signed(found.record, found.signature, public_key(SIGNER.certificates[0]))
    assert not is_signed(found.record + b" ", found.signature, public_key(SIGNER.certificates[0]))


def test_the_same_record_is_signed_the_same_way_each_time() -> None:
    assert chain_of(3) == chain_of(3)


def test_a_chain_goes_on_where_it_stood() -> None:
    whole, begun = chain_of(3), chain_of(2)
    lines: list[bytes] = []
    ChainWriter(SIGNER, lines.append, Link(2, hashlib.sha256(begun[1]).hexdigest())).add(MarkerSet(at_s=2.0))
    assert lines == whole[2:]


def test_a_line_that_the_disk_did_not_take_leaves_the_chain_as_it_was() -> None:
    lines: list[bytes] = []

    def full(_: bytes) -> None:
        raise OSError("full")

    writer = ChainWriter(SIGNER, full)
    with pytest.raises(OSError, match="full"):
        writer.add(MarkerSet(at_s=0.0))
    assert writer.position == Link()
    assert lines == []


@given(st.data())
def test_any_changed_bit_of_a_line_is_noticed(data: st.DataObject) -> None:
    """By its form or by its signature: no bit is free, not those that base64 ignores either."""
    (line,) = chain_of(1)
    position = data.draw(st.integers(0, len(line) - 1))
    changed = bytearray(line)
    changed[position] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = parse_line(bytes(changed))
    except DamagedLine:
        return
    assert not is_signed(found.record, found.signature, public_key(SIGNER.certificates[0]))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"{}\n",
        b'{"record":{},"signature":"!"}\n',
        b'{"record":{"b":1,"a":2},"signature":"AAAA"}\n',
        b'{"record":{"a":1,"a":1},"signature":"AAAA"}\n',
        b'{"record":{"a": 1},"signature":"AAAA"}\n',
        b'{"record":{"a":1},"signature":"AB=="}\n',
        b'{"record":' + b"{" * 5000 + b"}" * 5000 + b',"signature":"AAAA"}\n',
    ],
)
def test_a_line_in_any_other_form_is_damaged(line: bytes) -> None:
    with pytest.raises(DamagedLine):
        parse_line(line)


def test_a_line_without_its_line_feed_is_cut_off() -> None:
    (line,) = chain_of(1)
    with pytest.raises(DamagedLine, match="cut off"):
        parse_line(line[:-1])


def test_a_signature_is_der_for_openssl() -> None:
    (line,) = chain_of(1)
    assert base64.b64decode(json.loads(line)["signature"])[0] == 0x30
