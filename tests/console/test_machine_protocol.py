"""The line format of machine mode: noise is detected, and MessageError is the only error."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapel.console.machine_protocol import LINE_MAX_BYTES, Request, Response, decode_request, decode_response, encode
from lapel.errors import MessageError

_IDS = st.integers(-(2**53), 2**53) | st.text(max_size=20)


@given(_IDS, st.text(max_size=200))
def test_a_request_survives_encoding_and_decoding(id_: int | str, command: str) -> None:
    message = Request(id_, command)
    if len(encode(message)) <= LINE_MAX_BYTES:
        assert decode_request(encode(message)) == message


@given(_IDS, st.text(max_size=200))
def test_a_response_survives_encoding_and_decoding(id_: int | str, reason: str) -> None:
    message = Response(id_, "refused", reason, {"a": [1, None]})
    assert decode_response(encode(message)) == message


@given(st.text(max_size=50), st.data())
def test_a_flipped_bit_is_detected(command: str, data: st.DataObject) -> None:
    line = bytearray(encode(Request(1, command)).rstrip())
    at, bit = data.draw(st.integers(0, len(line) - 1)), data.draw(st.integers(0, 7))
    line[at] ^= 1 << bit
    with contextlib.suppress(MessageError):
        assert decode_request(bytes(line)) == Request(1, command)  # a checksum in capitals is valid


@given(st.binary(max_size=300))
def test_noise_is_rejected_with_a_message_error(line: bytes) -> None:
    with pytest.raises(MessageError):
        decode_request(line)
