"""The page's routes, and what they refuse. No broker and no socket."""

import asyncio
import re
from types import SimpleNamespace

import pytest

from fleet.operator.messages import reply, state
from fleet.operator.page.messages import NOW, TOKENS, TestedPage, event, open_page, telemetry
from lapel.link.messages import Command
from lapel_fleet.operator.outcomes import OutcomeTally

EVIL = "<img src=x onerror=alert(1)>"
START = {"camera": "a/1", "command": "start-recording", "reason": "drill"}
PAGES = ("/", "/rows", "/stream", "/camera?name=a/1", "/camera/stream?name=a/1", "/metrics", "/nothing")


def sent_commands(page: TestedPage) -> list[tuple[str, str, str]]:
    return [(one.camera, one.command, one.sender) for one in page.history.commands("a/1")]


async def test_without_a_token_nothing_is_seen() -> None:
    async with open_page() as page:
        page.sends("a/1", state("a/1"))
        for token in ("", "wrong", "a" * 23):
            async with page.browser(token=token) as browser:
                for path in PAGES:
                    answer = await browser.get(path)
                    assert (answer.status_code, answer.headers.get("location")) == (303, "/login"), path
                    assert "a/1" not in answer.text
                assert (await browser.get("/metrics", headers={"accept": "*/*"})).status_code == 401
                assert (await browser.post("/command", data=START)).status_code == 303
        assert sent_commands(page) == []


async def test_a_program_has_its_token_in_a_header() -> None:
    async with open_page() as page, page.browser(token="") as program:
        page.sends("a/1", state("a/1"))
        answer = await program.get("/metrics", headers={"authorization": f"Bearer {TOKENS['bob']}"})
        assert 'lapel_cameras{site="a",state="buffering"} 1.0' in answer.text


async def test_logging_in_and_out() -> None:
    async with open_page() as page, page.browser(token="") as browser:
        assert (await browser.post("/login", data={"token": "wrong"})).status_code == 403
        assert (await browser.get("/login", params={"token": "wrong"})).status_code == 403
        answer = await browser.post("/login", data={"token": TOKENS["ann"]})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"].lower()
        assert all(word in cookie for word in ("httponly", "samesite=strict"))
        assert (await browser.get("/")).status_code == 200
        assert "Max-Age=0" in (await browser.post("/logout")).headers["set-cookie"]


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:8091", "https://127.0.0.1:8090"])
async def test_another_origin_changes_nothing(origin: str) -> None:
    async with open_page() as page, page.browser(origin=origin) as browser:
        page.sends("a/1", state("a/1"))
        answer = await browser.post("/command", data={**START, "confirmed": "yes"})
        assert answer.status_code == 403
        del browser.headers["origin"]  # nor does a browser that does not say where a form comes from
        assert (await browser.post("/command", data={**START, "confirmed": "yes"})).status_code == 403
        assert sent_commands(page) == []


async def test_another_host_name_is_refused() -> None:
    """A name of another site may point to this machine."""
    async with open_page() as page, page.browser() as browser:
        for host in ("evil.example", "127.0.0.1:8091", "127.0.0.1"):
            assert (await browser.get("/", headers={"host": host})).status_code == 421


async def test_every_answer_has_the_strict_policy() -> None:
    async with open_page() as page, page.browser() as browser:
        page.sends("a/1", state("a/1"))
        for path in ("/", "/camera?name=a/1", "/login", "/static/table.js", "/nothing"):
            policy = (await browser.get(path)).headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            html = (await browser.get(path)).text
            assert not re.search(r"<script>|\son\w+=|style=|https?://(?!www\.w3\.org)", html), path


async def test_what_a_camera_says_stays_text() -> None:
    async with open_page() as page, page.browser() as browser:
        name = f"a/{EVIL}"
        page.sends(
            name, state(name, "fault", reason=EVIL, flags=[EVIL]),
            event(EVIL, "marker", recording=EVIL, source=EVIL, label=EVIL),
            event("2", "prebuffer-saved", recording=EVIL, actual_s=1.0, configured_s=2.0, shortfall=EVIL),
        )  # fmt: skip
        await page.writer.write()
        for path, params in (("/", {}), ("/camera", {"name": name}), ("/camera", {"name": EVIL})):
            html = (await browser.get(path, params=params)).text
            assert EVIL not in html
        confirm = await browser.post("/command", data={**START, "camera": name, "reason": EVIL})
        assert confirm.status_code == 200
        assert EVIL not in confirm.text


@pytest.mark.parametrize(
    "name", ["a/9", "", "../a/1", "a/1/../1", "a%2F1", "a/1\0", "a\\1", "a/1'; DROP TABLE events--"]
)
async def test_a_name_that_is_no_camera_s_is_not_found(name: str) -> None:
    async with open_page() as page, page.browser() as browser:
        page.sends("a/1", state("a/1"))
        for path in ("/camera", "/camera/stream"):
            assert (await browser.get(path, params={"name": name})).status_code == 404
        assert (await browser.post("/command", data={**START, "camera": name})).status_code == 404


@pytest.mark.parametrize("path", ["/static/../serving.py", "/static/%2e%2e/serving.py", "/static//etc/passwd"])
async def test_static_files_are_those_of_their_folder(path: str) -> None:
    async with open_page() as page, page.browser() as browser:
        assert (await browser.get(path)).status_code == 404


async def test_a_command_is_confirmed_first_and_refused_without_a_broker() -> None:
    async with open_page() as page, page.browser() as browser:
        page.sends("a/1", state("a/1"))
        first = await browser.post("/command", data=START)
        assert "Send <em>start-recording</em> to a/1?" in first.text
        assert (await browser.post("/command", data={**START, "command": "reboot"})).status_code == 400
        long = await browser.post("/command", data={**START, "reason": "x" * 501, "confirmed": "yes"})
        assert long.status_code == 400
        assert (await browser.post("/command", data={**START, "reason": "x" * 20_000})).status_code == 413
        second = await browser.post("/command", data={**START, "confirmed": "yes"})
        assert second.status_code == 503
        assert "Nothing was sent: the broker is away" in second.text
        assert sent_commands(page) == []


async def test_a_command_is_sent_in_the_name_of_who_is_logged_in() -> None:
    async with open_page() as page, page.browser(token=TOKENS["bob"]) as browser:
        sent = list[tuple[str, Command]]()

        async def send(command: Command, tally: OutcomeTally) -> None:
            for outcome in tally.open():
                sent.append((outcome.camera, command))
                tally.take(outcome.camera, reply(outcome.id), 1.0)

        page.connection._connected = SimpleNamespace(  # type: ignore[assignment]
            tally=lambda cameras: OutcomeTally({camera: f"id-{camera}" for camera in cameras}), send=send
        )
        page.sends("a/1", state("a/1"))
        answer = await browser.post("/command", data={**START, "confirmed": "yes", "sender": "ann"})
        await asyncio.sleep(0)
        assert (answer.status_code, answer.headers["location"]) == (303, "/camera?name=a%2F1#commands")
        assert [(camera, one.command, one.reason, one.sender) for camera, one in sent] == [
            ("a/1", "start-recording", "drill", "bob")
        ]
        (account,) = page.history.commands("a/1")
        assert (account.sender, account.result) == ("bob", "done")


async def test_what_cannot_be_put_on_record_is_not_sent() -> None:
    async with open_page() as page, page.browser() as browser:
        page.connection._connected = SimpleNamespace(  # type: ignore[assignment]
            tally=lambda cameras: OutcomeTally(dict.fromkeys(cameras, "id")),
            send=lambda *_: pytest.fail("it was sent"),
        )
        page.sends("a/1", state("a/1"))
        page.history._connection.execute("DROP TABLE commands")
        answer = await browser.post("/command", data={**START, "confirmed": "yes"})
        assert answer.status_code == 503
        assert "Nothing was sent: history :memory:: cannot be written: no such table: commands" in answer.text


async def test_the_rows_and_the_overview() -> None:
    async with open_page() as page, page.browser() as browser:
        page.sends("a/1", state("a/1", "recording", recording="clip"), telemetry(NOW, battery_percent=80.4))
        page.sends("b/1", state("b/1", "fault", reason="no video"))
        answer = (await browser.get("/rows")).json()
        assert answer["version"] == page.view.version
        since = "2026-11-24T07:00:31.250Z"
        assert answer["rows"] == [["a/1", "recording", since, [], 80, "clip"], ["b/1", "fault", since, [], None, ""]]
        html = (await browser.get("/")).text
        assert "fault: no video" in html
        assert 'href="#q=site%3Da%20state%3Drecording">1</a>' in html
