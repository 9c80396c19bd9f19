"""The line format of machine mode: one JSON request or response per line, each with a checksum against line noise.

    {"id":1,"command":"battery"} *031c944c
    {"id":1,"result":"done"} *1f0bad97

The eight hexadecimal digits are the CRC-32 of the bytes before the blank. A lost response can be requested again: the
same id with the same command returns the same response without executing the command a second time.
The command `exit` leaves machine mode.
"""

import zlib
from typing import Any, Literal, TypeVar

import msgspec

from lapel.errors import MessageError

LINE_MAX_BYTES = 4_096
"""A longer request is treated as noise."""

Result = Literal["done", "usage", "refused", "failed", "denied", "bad-line"]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command from a program."""

    id: int | str
    command: str


class Response(msgspec.Struct, frozen=True, omit_defaults=True):
    """The result of a command. `id` is None where the request could not be read."""

    id: int | str | None
    result: Result
    reason: str = ""
    data: Any = None


M = TypeVar("M", Request, Response)


def encode(message: Request | Response) -> bytes:
    """The message as a line with checksum and line end."""
    body = msgspec.json.encode(message)
    return body + b" *" + _checksum(body) + b"\r\n"


def decode_request(line: bytes) -> Request:
    """Raises MessageError when the line is corrupted or not a request."""
    return _decode(line, Request)


def decode_response(line: bytes) -> Response:
    """Raises MessageError when the line is corrupted or not a response."""
    return _decode(line, Response)


def _decode(line: bytes, kind: type[M]) -> M:
    if len(line) > LINE_MAX_BYTES and kind is Request:
        raise MessageError(f"line: longer than {LINE_MAX_BYTES} bytes")
    body, star, checksum = line.rstrip(b"\r\n").rpartition(b" *")
    if not star:
        raise MessageError("line: no checksum; end it with ` *` and the CRC-32 of the bytes before, as 8 hex digits")
    if checksum.lower() != _checksum(body):
        raise MessageError(f"line: wrong checksum, expected {_checksum(body).decode()}; send the line again")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MessageError(f"line: not a valid message: {error}") from error


def _checksum(body: bytes) -> bytes:
    return f"{zlib.crc32(body):08x}".encode()
