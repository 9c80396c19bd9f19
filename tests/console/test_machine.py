"""Machine mode's lines: what noise does to them is noticed, and nothing else is ever raised."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapel.console.machine import LINE_MAX_BYTES, Request, Response, encoded, request, response
from lapel.errors import MessageError

_IDS = st.integers(-(2**53), 2**53) | st.text(max_size=20)


@given(_IDS, st.text(max_size=200))
def test_a_request_survives_the_line(id_: int | str, command: str) -> None:
    message = Request(id_, command)
    if len(encoded(message)) <= LINE_MAX_BYTES:
        assert request(encoded(message)) == message


@given(_IDS, st.text(max_size=200))
def test_a_reply_survives_the_line(id_: int | str, reason: str) -> None:
    message = Response(id_, "refused", reason, {"a": [1, None]})
    assert response(encoded(message)) == message


@given(st.text(max_size=50), st.data())
def test_a_bit_that_flips_is_noticed(command: str, data: st.DataObject) -> None:
    line = bytearray(encoded(Request(1, command)).rstrip())
    at, bit = data.draw(st.integers(0, len(line) - 1)), data.draw(st.integers(0, 7))
    line[at] ^= 1 << bit
    with contextlib.suppress(MessageError):
        assert request(bytes(line)) == Request(1, command)  # the case of the check's digits is no difference


@given(st.binary(max_size=300))
def test_noise_is_refused_and_nothing_else_is_raised(line: bytes) -> None:
    with pytest.raises(MessageError):
        request(line)
