"""Live view on the page: fetched from the named addresses alone, and on record under the reader's own name."""

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from fleet.operator.messages import state
from fleet.operator.page.messages import TestedPage, open_page
from lapel.link.messages import StateMessage
from lapel.live_view.application import LiveViewApplication
from lapel.tokens import Tokens
from lapel.worker import InlineWorker
from lapel_fleet.operator.page.live_views import LiveSources, own_playlist
from live_view.viewing import view_of
from waited_clock import WaitedClock

ORIGIN = "http://127.0.0.1:8091"
SOURCES = LiveSources([ORIGIN], "p" * 24)
ADDRESS = f"{ORIGIN}/home/cam-1/"
PLAYLIST = "/camera/live/live.m3u8?name=home/cam-1"


def watchable(live_view: str | None = ADDRESS, doing: str = "recording") -> StateMessage:
    return state("home/cam-1", doing, live_view=live_view)


async def test_a_reader_watches_under_their_own_name() -> None:
    clock = WaitedClock()
    view, looks = view_of(clock)
    application = LiveViewApplication({"home/cam-1": view}, Tokens({"page": "p" * 24}), clock, InlineWorker())
    async with open_page(SOURCES, application.app) as page, page.browser() as browser:
        page.sends("home/cam-1", watchable())
        assert "data-watchable" in (await browser.get("/camera?name=home/cam-1")).text
        playlist = (await browser.get(PLAYLIST)).text
        assert '#EXT-X-MAP:URI="header-1.mp4?name=home%2Fcam-1"' in playlist
        segment = await browser.get("/camera/live/3.m4s?name=home%2Fcam-1")
        assert segment.content.endswith(b"media 3")
        assert segment.headers["content-type"] == "video/iso.segment"
        assert (await browser.get("/camera/live/99.m4s?name=home/cam-1")).status_code == 404
    assert looks.lines[:1] == ["ann page"]


class Elsewhere:
    """Answers in place of a camera, and notes what was asked."""

    def __init__(self, answer: Response) -> None:
        self.asked: list[str] = []
        self._answer = answer
        self.app = Starlette(routes=[Route("/{path:path}", self._take)])

    async def _take(self, request: Request) -> Response:
        self.asked.append(str(request.url))
        return self._answer


@pytest.mark.parametrize(
    "address",
    [
        None, "", "http://evil.example/home/cam-1/", "http://127.0.0.1:8091.evil.example/", "http://127.0.0.1:80911/",
        "http://a@127.0.0.1:8091/", "https://127.0.0.1:8091/", "//127.0.0.1:8091/", "http://127.0.0.1:8091/x?a=/",
        "http://127.0.0.1:8091/../", "http://127.0.0.1:8091", "file:///etc/passwd/", "http://[/", "\x00http://127.0.0.1:8091/",
    ],
)  # fmt: skip
async def test_only_named_addresses_are_asked(address: str | None) -> None:
    elsewhere = Elsewhere(PlainTextResponse("secret"))
    async with open_page(SOURCES, elsewhere.app) as page, page.browser() as browser:
        page.sends("home/cam-1", watchable(address))
        assert (await browser.get(PLAYLIST)).status_code == 404
        shown = (await browser.get("/camera?name=home/cam-1")).text
        assert "data-watchable" not in shown
    assert elsewhere.asked == []


@pytest.mark.parametrize("file", ["", "other.html", "live.m3u8/x", "1.m4s.html", "%2e%2e%2flive.m3u8", "-1.m4s"])
async def test_no_other_file_is_asked_for(file: str) -> None:
    elsewhere = Elsewhere(PlainTextResponse("secret"))
    async with open_page(SOURCES, elsewhere.app) as page, page.browser() as browser:
        page.sends("home/cam-1", watchable())
        url = httpx.URL(f"http://127.0.0.1:8090/camera/live/{file}?name=home/cam-1")
        assert (await browser.get(url)).status_code == 404
    assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (PlainTextResponse("no", 401), 502), (PlainTextResponse("no", 404), 404), (PlainTextResponse("no", 503), 503),
        (RedirectResponse("http://evil.example/"), 502), (PlainTextResponse("", 500), 502),
    ],
)  # fmt: skip
async def test_what_a_camera_refuses_is_said(answer: Response, status: int) -> None:
    elsewhere = Elsewhere(answer)
    async with open_page(SOURCES, elsewhere.app) as page, page.browser() as browser:
        page.sends("home/cam-1", watchable())
        assert (await browser.get(PLAYLIST)).status_code == status
    assert elsewhere.asked == [f"{ADDRESS}live.m3u8"]


async def test_a_camera_that_is_gone_is_said() -> None:
    async def gone(_: Any, __: Any, ___: Any) -> None:
        raise httpx.ConnectError("refused")

    async with open_page(SOURCES, gone) as page, page.browser() as browser:
        page.sends("home/cam-1", watchable())
        answer = await browser.get(PLAYLIST)
        assert (answer.status_code, "cannot be reached" in answer.text) == (502, True)


async def test_the_page_says_why_a_camera_cannot_be_watched() -> None:
    async with open_page(SOURCES) as page, page.browser() as browser:
        for message, words in (
            (watchable(None), "has no live view"),
            (watchable("http://other.example/"), "fetches no live view from http://other.example/"),
            (watchable(doing="buffering"), "can be watched only while it does"),
        ):
            page.sends("home/cam-1", message)
            assert words in (await browser.get("/camera?name=home/cam-1")).text
        await _without_a_token(page)


async def _without_a_token(page: TestedPage) -> None:
    async with page.browser(token="wrong") as stranger:
        assert (await stranger.get(PLAYLIST, headers={"accept": "*/*"})).status_code == 401


def test_of_a_playlist_only_our_own_lines_are_kept() -> None:
    text = """#EXTM3U
#EXT-X-TARGETDURATION:1
#EXT-X-KEY:METHOD=AES-128,URI="http://evil.example/key"
#EXT-X-MAP:URI="http://evil.example/header-1.mp4"
#EXT-X-MAP:URI="header-1.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-27T11:12:09.858Z
#EXTINF:1.00000,
1.m4s
http://evil.example/2.m4s
../2.m4s
<script>
"""
    assert own_playlist(text, "a b/c&d").splitlines() == [
        "#EXTM3U",
        "#EXT-X-TARGETDURATION:1",
        '#EXT-X-MAP:URI="header-1.mp4?name=a+b%2Fc%26d"',
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-27T11:12:09.858Z",
        "#EXTINF:1.00000,",
        "1.m4s?name=a+b%2Fc%26d",
    ]
