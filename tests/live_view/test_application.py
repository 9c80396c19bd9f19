import base64
from collections.abc import Coroutine
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapel.live_view.application import VIEWER_HEADER
from lapel.live_view.live_view import LiveView
from lapel_fleet.hardware.blank_fragments import HEADER
from live_view.viewing import ADDRESS, Looks, basic, client_of, view_of
from waited_clock import WaitedClock

STREAM = "/home/cam-1/live.m3u8"
Check = Any


async def with_client(check: Check, fragments: int = 4) -> Looks:
    clock = WaitedClock()
    view, looks = view_of(clock, fragments)
    async with client_of(clock, cam_1=view, cam_2=LiveView(clock, ADDRESS)) as client:
        await check(client)
    view.close()
    return looks


async def test_a_player_gets_playlist_header_and_segments() -> None:
    async def check(client: httpx.AsyncClient) -> None:
        playlist = await client.get(STREAM)
        assert playlist.headers["content-type"] == "application/vnd.apple.mpegurl"
        for address in ("header-1.mp4", "1.m4s", "4.m4s"):
            assert address in playlist.text
        assert (await client.get("/home/cam-1/header-1.mp4")).content == HEADER
        segment = await client.get("/home/cam-1/4.m4s")
        assert segment.content.endswith(b"media 4")
        assert segment.headers["cache-control"] == "no-store"

    assert (await with_client(check)).lines[:1] == ["ann"]


async def test_another_system_names_the_person_and_a_playlist_alone_is_no_look() -> None:
    async def check(client: httpx.AsyncClient) -> None:
        page = {"Authorization": f"Bearer {'p' * 24}", VIEWER_HEADER: "J%C3%BCrgen"}
        await client.get(STREAM)
        assert (await client.get("/home/cam-1/1.m4s", headers=page)).status_code == 200
        bad = await client.get("/home/cam-1/1.m4s", headers={**page, VIEWER_HEADER: "a%0Ab"})
        assert bad.status_code == 400

    assert (await with_client(check)).lines[:1] == ["Jürgen page"]


@pytest.mark.parametrize(
    "header",
    [
        None, "", "Basic", "Basic !", "Basic YW5u", "Bearer", "Bearer " + "a" * 23, "Digest x", "Basic " + "A" * 10_000,
        "Basic " + base64.b64encode(b"\xff:\xff").decode(), basic("b" * 24)["Authorization"],
    ],
)  # fmt: skip
async def test_without_the_right_token_nothing_is_shown(header: str | None) -> None:
    async def check(client: httpx.AsyncClient) -> None:
        client.headers.pop("Authorization")
        for path in ("/", "/home/cam-1/", STREAM, "/home/cam-1/1.m4s", "/home/cam-1/thumbnail.jpg", "/nothing"):
            answer = await client.get(path, headers={} if header is None else {"Authorization": header})
            assert answer.status_code == 401
            assert "basic" in answer.headers["www-authenticate"].lower()
            assert b"media" not in answer.content

    assert (await with_client(check)).lines == []


@given(st.text(st.characters(codec="utf-8", exclude_characters="?#"), max_size=40))
def test_no_path_leads_anywhere_else(path: str) -> None:
    import asyncio

    async def check(client: httpx.AsyncClient) -> None:
        for inside in ("", "home/cam-1/", "home/cam-1/../"):
            answer = await client.get(httpx.URL(f"http://127.0.0.1:8091/{inside}", raw_path=_raw(inside + path)))
            assert answer.status_code in (200, 303, 307, 404)
            assert b"media" not in answer.content or answer.url.path.endswith(".m4s")

    asyncio.run(_awaited(with_client(check)))


async def _awaited(running: Coroutine[Any, Any, Looks]) -> None:
    await running


def _raw(path: str) -> bytes:
    from urllib.parse import quote

    return f"/{quote(path, safe='/.%')}".encode()


@pytest.mark.parametrize("path", ["/home/cam-1/0.m4s", "/home/cam-1/99999999999999999999.m4s", "/home/cam-1/-1.m4s"])
async def test_a_segment_that_is_not_there(path: str) -> None:
    async def check(client: httpx.AsyncClient) -> None:
        assert (await client.get(path)).status_code == 404

    assert (await with_client(check)).lines == []


async def test_only_reading_is_possible() -> None:
    async def check(client: httpx.AsyncClient) -> None:
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            assert (await client.request(method, STREAM)).status_code == 405

    await with_client(check)


async def test_a_camera_that_does_not_record_shows_nothing() -> None:
    async def check(client: httpx.AsyncClient) -> None:
        assert "is not recording" in (await client.get("/home/cam-2/")).text
        for name in ("live.m3u8", "thumbnail.jpg", "header-1.mp4", "1.m4s"):
            assert (await client.get(f"/home/cam-2/{name}")).status_code == 404

    await with_client(check)


async def test_the_pages_list_the_cameras_and_play_one_of_them() -> None:
    async def check(client: httpx.AsyncClient) -> None:
        listed = (await client.get("/")).text
        assert '<a href="/home/cam-1/">home/cam-1</a> recording' in listed
        page = await client.get("/home/cam-1/")
        assert 'src="live.m3u8"' in page.text
        assert "that ann watches" in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]

    await with_client(check)


async def test_a_script_in_a_name_is_text() -> None:
    clock = WaitedClock()
    async with client_of(clock, **{"<script>x": LiveView(clock, ADDRESS), "other": LiveView(clock, ADDRESS)}) as client:
        listed = (await client.get("/")).text
        page = (await client.get("/home/%3Cscript%3Ex/")).text
    assert "<script>" not in listed + page
    assert "&lt;script&gt;" in page
