"""Machine mode: requests and replies for programs, a line of JSON each, with a check against noise.

    {"id":1,"command":"battery"} *5d0f1a2b
    {"id":1,"result":"done","data":{…}} *0c3c9f11

The eight digits are the CRC-32 of the bytes before the blank. A reply that was lost may be asked for again: the same id
with the same command gives the same reply, and does nothing twice. `{"id":2,"command":"exit"}` ends the mode.
"""

import zlib
from typing import Any, Literal, TypeVar

import msgspec

from lapel.errors import MessageError

LINE_MAX_BYTES = 4_096
"""A longer request is noise."""

Result = Literal["done", "usage", "refused", "failed", "denied", "bad-line"]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a program asks."""

    id: int | str
    command: str


class Response(msgspec.Struct, frozen=True, omit_defaults=True):
    """What it is told. `id` is None where the request could not be read."""

    id: int | str | None
    result: Result
    reason: str = ""
    data: Any = None


M = TypeVar("M", Request, Response)


def encoded(message: Request | Response) -> bytes:
    """A line, with its check and its end."""
    body = msgspec.json.encode(message)
    return body + b" *" + _check(body) + b"\r\n"


def request(line: bytes) -> Request:
    """Raises MessageError when noise got into it or it is none."""
    return _decoded(line, Request)


def response(line: bytes) -> Response:
    """Raises MessageError when noise got into it or it is none."""
    return _decoded(line, Response)


def _decoded(line: bytes, kind: type[M]) -> M:
    if len(line) > LINE_MAX_BYTES and kind is Request:
        raise MessageError(f"line: longer than {LINE_MAX_BYTES} bytes")
    body, star, check = line.rstrip(b"\r\n").rpartition(b" *")
    if not star:
        raise MessageError("line: has no check; end it with ` *` and the CRC-32 of what stands before")
    if check.lower() != _check(body):
        raise MessageError(f"line: the check does not fit, {_check(body).decode()} would; send it again")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MessageError(f"line: is no message: {error}") from error


def _check(body: bytes) -> bytes:
    return f"{zlib.crc32(body):08x}".encode()
