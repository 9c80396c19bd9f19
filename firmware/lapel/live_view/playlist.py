"""The playlist of a live stream, as HTTP Live Streaming defines it (RFC 8216), with fragmented MP4. Pure."""

import math
from collections.abc import Iterator

from lapel.clock import iso
from lapel.live_view.window import FragmentWindow, Segment

MEDIA_TYPE = "application/vnd.apple.mpegurl"
_VERSION = 7


def playlist(window: FragmentWindow) -> str:
    """The playlist of what can be seen now; addresses are relative to its own."""
    return "".join(f"{line}\n" for line in _lines(window))


def _lines(window: FragmentWindow) -> Iterator[str]:
    listed = window.listed
    yield "#EXTM3U"
    yield f"#EXT-X-VERSION:{_VERSION}"
    yield f"#EXT-X-TARGETDURATION:{math.floor(window.longest_s + 0.5)}"
    yield "#EXT-X-INDEPENDENT-SEGMENTS"
    if listed:
        yield f"#EXT-X-MEDIA-SEQUENCE:{listed[0].number}"
        yield f"#EXT-X-DISCONTINUITY-SEQUENCE:{window.discontinuities_before(listed[0])}"
    header_number = 0
    for segment in listed:
        yield from _segment(segment, needs_map=segment.header_number != header_number)
        header_number = segment.header_number
    if window.has_ended:
        yield "#EXT-X-ENDLIST"


def _segment(segment: Segment, *, needs_map: bool) -> Iterator[str]:
    if segment.is_discontinuity:
        yield "#EXT-X-DISCONTINUITY"
    if needs_map:
        yield f'#EXT-X-MAP:URI="header-{segment.header_number}.mp4"'
    yield f"#EXT-X-PROGRAM-DATE-TIME:{iso(segment.fragment.start.utc)}"
    yield f"#EXTINF:{segment.fragment.duration_s:.5f},"
    yield f"{segment.number}.m4s"
