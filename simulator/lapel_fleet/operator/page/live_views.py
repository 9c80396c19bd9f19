"""Cameras' live views for the page's readers: fetched by the server, from the addresses that it was given alone.

A camera's state message says where its live view is. That message is not trusted: the page's own token goes along with
each request, so an address that was not named at the start is never asked.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import httpx
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lapel.link.messages import StateMessage

_MEDIA_TYPES = {
    "m3u8": "application/vnd.apple.mpegurl", "mp4": "video/mp4", "m4s": "video/iso.segment", "jpg": "image/jpeg",
}  # fmt: skip
_ADDRESS = re.compile(r"(https?://[A-Za-z0-9.:\[\]-]+)/([!$-.0-9:;=@-\[\]-~]+/)*")
"""An origin, and a path of printable characters without a query."""
_FILE = re.compile(r"live\.m3u8|header-[0-9]{1,12}\.mp4|[0-9]{1,12}\.m4s|thumbnail\.jpg")
_MAP = re.compile(r'#EXT-X-MAP:URI="(header-[0-9]{1,12}\.mp4)"')
_SEGMENT = re.compile(r"[0-9]{1,12}\.m4s")
_TAG = re.compile(
    r"#EXTM3U|#EXT-X-ENDLIST|#EXT-X-DISCONTINUITY|#EXT-X-INDEPENDENT-SEGMENTS|"
    r"#(EXT-X-(VERSION|TARGETDURATION|MEDIA-SEQUENCE|DISCONTINUITY-SEQUENCE|PROGRAM-DATE-TIME)|EXTINF):[0-9TZ:.,-]+"
)
_MOST_BYTES = 64_000_000
"""More than ten seconds at 50 Mb/s: the longest segment that a camera makes at a rate that anyone uses."""


@dataclass(frozen=True, slots=True)
class LiveSources:
    """Where live views may be fetched from."""

    origins: Sequence[str] = ()
    """Such as `http://127.0.0.1:8091`."""
    token: str = ""
    """With which."""


class LiveViews:
    """Fetches what readers of the page watch."""

    def __init__(self, sources: LiveSources, client: httpx.AsyncClient) -> None:
        self._sources, self._client = sources, client

    def trouble(self, state: StateMessage | None) -> str:
        """Why a camera cannot be watched now; empty when it can."""
        if state is None or state.live_view is None:
            return "This camera has no live view, or is not connected."
        if not self._is_known(state.live_view):
            return f"This page fetches no live view from {state.live_view}; `lapel-fleet serve --live` permits it."
        if state.state != "recording":
            return "It is not recording, and can be watched only while it does."
        return ""

    async def fetch(self, state: StateMessage | None, file: str, camera: str, viewer: str) -> Response:
        """A file of a camera's live view, for `viewer`. Raises HTTPException."""
        address = state.live_view if state is not None else None
        if address is None or not self._is_known(address) or not _FILE.fullmatch(file):
            raise HTTPException(404, self.trouble(state) or "There is no such file.")
        content = await self._content(f"{address}{file}", viewer)
        if file.endswith(".m3u8"):
            content = own_playlist(content.decode(errors="replace"), camera).encode()
        return Response(content, media_type=_MEDIA_TYPES[file.rpartition(".")[2]])

    async def _content(self, url: str, viewer: str) -> bytes:
        headers = {"Authorization": f"Bearer {self._sources.token}", "Lapel-Viewer": quote(viewer)}
        content = bytearray()
        try:
            async with self._client.stream("GET", url, headers=headers) as answer:
                if answer.status_code != 200:
                    raise HTTPException(*_REFUSALS.get(answer.status_code, (502, "The camera refuses to show it.")))
                async for chunk in answer.aiter_raw():
                    content += chunk
                    if len(content) > _MOST_BYTES:
                        raise HTTPException(502, "The camera sends too much.")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise HTTPException(502, f"The camera's live view cannot be reached: {error}") from error
        return bytes(content)

    def _is_known(self, address: str) -> bool:
        found = _ADDRESS.fullmatch(address)
        return found is not None and found[1] in self._sources.origins and ".." not in address


_REFUSALS = {
    401: (502, "The camera does not accept the page's token; check --live-token."),
    404: (404, "There is nothing to see: the camera is not recording, or this part is over."),
    503: (503, "Too many people watch this camera; try again later."),
}


def own_playlist(text: str, camera: str) -> str:
    """A camera's playlist with addresses on this page. Whatever is none of our cameras' lines is left out."""
    query = urlencode({"name": camera})
    return "".join(f"{line}\n" for line in _own_lines(text, query))


def _own_lines(text: str, query: str) -> Iterator[str]:
    for line in text.splitlines():
        if found := _MAP.fullmatch(line):
            yield f'#EXT-X-MAP:URI="{found[1]}?{query}"'
        elif _SEGMENT.fullmatch(line):
            yield f"{line}?{query}"
        elif _TAG.fullmatch(line):
            yield line
