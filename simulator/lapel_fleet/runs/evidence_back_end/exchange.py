"""A request to an evidence back end and its answer, without sockets."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lapel.checksums import md5_hex
from lapel.errors import LapelError

_NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Content:
    """The body of an upload. A fleet of thousands uploads lengths and MD5s; only what is to be read again has data."""

    length: int
    md5: str
    """In hex."""
    data: bytes | None = None


def content_of(data: bytes) -> Content:
    """The content of an upload that is in memory."""
    return Content(len(data), md5_hex(data), data)


EMPTY = content_of(b"")


@dataclass(frozen=True, slots=True)
class Request:
    """A request to the back end."""

    method: str
    path: str
    """Without the host and the query, percent-decoded: `/v1/AUTH_lapel/Users/7`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By name in lower case."""
    content: Content = EMPTY
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of the back end."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_lost: bool = False
    """The request was carried out, and the connection breaks before the answer."""


@dataclass(frozen=True, slots=True)
class Reception:
    """How the back end receives the body of a request."""

    bytes_per_s: float | None = None
    """No faster than this; None: as fast as it comes."""
    is_cut: bool = False
    """The connection breaks half-way, and nothing of the body is kept."""


class Refusal(LapelError):
    """The back end refuses a request. The text is the body of the answer: what is wrong, where, and what to do."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str] = _NO_HEADERS) -> None:
        super().__init__(text)
        self.status, self.headers = status, headers

    @property
    def answer(self) -> Answer:
        """The answer with its status and its text."""
        headers = {"Content-Type": "text/plain; charset=utf-8", **self.headers}
        return Answer(self.status, headers, f"{self}\n".encode())
