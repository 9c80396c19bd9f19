"""Files of field problems, and the words in them, when they are wrong."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.training.visits import Visit, visited
from lapel.errors import ConfigError
from lapel_fleet.training import actions
from lapel_fleet.training.problem import Problem, load, parsed

GOOD = "title = 't'\nsays = 's'\nfinding = 'f'\nabout = 'a'\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = ", "bad.toml: is not TOML"),
        ("title = 't'", "bad.toml: .*missing required field `says`"),
        (f"{GOOD}session = ''\ncolour = 'red'", "bad.toml: .*unknown field `colour`"),
        (f"{GOOD}session = 'READY'", "bad.toml: session: begins with `READY`"),
        (f"{GOOD}session = '@ dance'", "bad.toml: session: @ dance: is no step; there are type, hand"),
    ],
)
def test_a_bad_file_is_named(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parsed(text, "bad.toml")


@given(st.text())
def test_any_text_is_a_problem_or_an_error(text: str) -> None:
    with contextlib.suppress(ConfigError):
        parsed(f"{GOOD}session = '''\n{text}'''", "any")


def test_an_unknown_problem_is_told_which_was_meant() -> None:
    with pytest.raises(ConfigError, match="no-vidoe: no such field problem; did you mean `no-video`"):
        load("no-vidoe")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("plug lense", "did you mean `plug lens`"),
        ("", "nobody can do that here"),
        ("offload", "`dock` the camera first"),
        ("stick button", "nobody can do that here"),
    ],
)
def test_what_cannot_be_done_by_hand_is_said(words: str, said: str) -> None:
    async def story(visit: Visit) -> None:
        with pytest.raises(ConfigError, match=said):
            await actions.do(words, visit.bench)

    visited(load("no-video"), story)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("wait 5", "wait 5: is no time"),
        ("wait long s", "is no time"),
        ("fault video.frozzen", "did you mean `video.frozen`"),
        ("fault video.frozen loss=2", "loss: means nothing to video.frozen"),
        ("fault battery.cliff 3", "3: write KEY=VALUE"),
    ],
)
def test_what_cannot_befall_a_camera_is_said(words: str, said: str) -> None:
    async def story(visit: Visit) -> None:
        pass

    with pytest.raises(ConfigError, match=said):
        visited(Problem(title="", says="", finding="", about="", session="", world=[words]), story)


@pytest.mark.parametrize("words", sorted(actions.ACTIONS))
def test_every_deed_can_be_done_at_any_time(words: str) -> None:
    async def story(visit: Visit) -> None:
        for _ in range(2):
            with contextlib.suppress(ConfigError):
                await actions.do(words, visit.bench)
        await visit.bench.camera.power_cut()
        with contextlib.suppress(ConfigError):
            await actions.do(words, visit.bench)

    visited(load("stuck-button"), story)
