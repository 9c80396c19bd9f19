"""What an operator does by hand to a simulated run: only where one was named, confirmed, and under their own name."""

from collections.abc import Mapping

import pytest

from fleet.operator.messages import state
from fleet.operator.page.messages import open_page
from lapel.errors import LapelError, LinkError
from lapel_fleet.operator.page.run_control import HandAction, RunFault, RunProgress

PRESS = {"camera": "a/1", "action": "press-twice"}
FAULT = {"camera": "a/1", "action": "begin-fault", "kind": "power.cut"}


class NotedRun:
    """Implements `RunControl`: notes what is done, and refuses with `error` if there is one."""

    fault_kinds: Mapping[str, str] = {"power.cut": "the battery is pulled"}

    def __init__(self) -> None:
        self.done: list[tuple[object, ...]] = []
        self.error: LapelError | None = None

    async def progress(self) -> RunProgress:
        self._refuse()
        faults = [RunFault(3, "power.cut", ["a/1"]), RunFault(4, "card.full", ["b"]), RunFault(5, "card.slow", [])]
        return RunProgress("r1", "day.toml", 61.0, {"recording": 1, "off": 2}, faults)

    async def act(self, camera: str, action: HandAction, by: str) -> None:
        self._note(camera, action, by)

    async def begin_fault(self, camera: str, kind: str, by: str) -> None:
        self._note(camera, kind, by)

    async def end_fault(self, number: int, by: str) -> None:
        self._note(number, by)

    def _note(self, *done: object) -> None:
        self._refuse()
        self.done.append(done)

    def _refuse(self) -> None:
        if self.error is not None:
            raise self.error


async def test_it_is_confirmed_and_done_under_the_operators_name() -> None:
    run = NotedRun()
    async with open_page(run=run) as page, page.browser() as browser:
        page.sends("a/1", state("a/1"))
        for form, done, words in (
            (PRESS, ("a/1", "press-twice", "ann"), "press it twice: start"),
            (FAULT, ("a/1", "power.cut", "ann"), "inject the fault power.cut"),
            ({"camera": "a/1", "action": "end-fault", "fault": "3"}, (3, "ann"), "end fault 3"),
        ):
            asked = await browser.post("/by-hand", data=form)
            assert (asked.status_code, words in asked.text, run.done) == (200, True, [])
            answer = await browser.post("/by-hand", data={**form, "confirmed": "yes"})
            assert answer.headers["location"] == "/camera?name=a%2F1#by-hand"
            assert run.done.pop() == done


async def test_the_pages_show_the_run_and_the_faults_of_a_camera() -> None:
    async with open_page(run=NotedRun()) as page, page.browser() as browser:
        page.sends("a/1", state("a/1"))
        assert page.run is not None
        await page.run.ask()
        assert "Simulated run <b>r1</b> (day.toml), 1 min 01 s of its time" in (await browser.get("/")).text
        camera = (await browser.get("/camera?name=a/1")).text
        assert ("End fault 3" in camera, "End fault 4" in camera, "End fault 5" in camera) == (True, False, True)


async def test_a_run_that_is_gone_is_said() -> None:
    run = NotedRun()
    async with open_page(run=run) as page, page.browser() as browser:
        page.sends("a/1", state("a/1"))
        run.error = LinkError("the run r1 is gone")
        assert page.run is not None
        await page.run.ask()
        assert "The simulated run does not answer: the run r1 is gone." in (await browser.get("/")).text
        answer = await browser.post("/by-hand", data={**PRESS, "confirmed": "yes"})
        assert (answer.status_code, "The run refuses: the run r1 is gone." in answer.text) == (409, True)


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({**PRESS, "camera": "a/2"}, 404), ({**PRESS, "action": "explode"}, 400), ({**PRESS, "action": ""}, 400),
        ({**FAULT, "kind": "broker.outage"}, 400), ({**FAULT, "kind": ""}, 400),
        ({"camera": "a/1", "action": "end-fault", "fault": "-1"}, 400),
        ({"camera": "a/1", "action": "end-fault", "fault": "9" * 20}, 400),
    ],
)  # fmt: skip
async def test_what_cannot_be_done_is_refused(form: dict[str, str], status: int) -> None:
    run = NotedRun()
    async with open_page(run=run) as page, page.browser() as browser:
        page.sends("a/1", state("a/1"))
        assert (await browser.post("/by-hand", data={**form, "confirmed": "yes"})).status_code == status
    assert run.done == []


async def test_another_origin_or_no_token_does_nothing() -> None:
    run = NotedRun()
    async with open_page(run=run) as page:
        page.sends("a/1", state("a/1"))
        async with page.browser(origin="http://evil.example") as stranger, page.browser(token="wrong") as nobody:
            assert (await stranger.post("/by-hand", data={**PRESS, "confirmed": "yes"})).status_code == 403
            assert (await nobody.post("/by-hand", data={**PRESS, "confirmed": "yes"})).status_code == 303
    assert run.done == []


async def test_without_a_run_there_is_nothing_to_do_it_to() -> None:
    async with open_page() as page, page.browser() as browser:
        page.sends("a/1", state("a/1"))
        assert "by-hand" not in (await browser.get("/camera?name=a/1")).text
        assert (await browser.post("/by-hand", data={**PRESS, "confirmed": "yes"})).status_code == 404
