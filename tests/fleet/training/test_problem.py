"""Errors in the files of field problems, and of technician_actions."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.training.visits import Visit, visited
from lapel.errors import ConfigError
from lapel_fleet.training import technician_actions
from lapel_fleet.training.problem import load, parsed

GOOD = "title = 't'\nsymptom = 's'\nfinding = 'f'\nremedy = 'r'\nbackground = 'b'\nrepair = ''\n"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("title = ", "bad.toml: is not TOML"),
        ("title = 't'", "bad.toml: .*missing required field `symptom`"),
        (f"{GOOD}diagnosis = ''\ncolour = 'red'", "bad.toml: .*unknown field `colour`"),
        (f"{GOOD}diagnosis = 'READY'", "bad.toml: diagnosis: begins with `READY`"),
        (f"{GOOD}diagnosis = '@ dance'", "bad.toml: diagnosis: @ dance: is not a step; there are type, do"),
    ],
)
def test_a_wrong_file_is_an_error(text: str, error: str) -> None:
    with pytest.raises(ConfigError, match=error):
        parsed(text, "bad.toml")


@given(st.text())
def test_any_text_is_a_problem_or_an_error(text: str) -> None:
    with contextlib.suppress(ConfigError):
        parsed(f"{GOOD}diagnosis = '''\n{text}'''", "any")


def test_an_unknown_problem_is_an_error_with_a_similar_name() -> None:
    with pytest.raises(ConfigError, match="no-vidoe: no such field problem; did you mean `no-video`"):
        load("no-vidoe")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("plug in video sorce", "did you mean `plug in video source`"),
        ("", "no such action"),
        ("offload", "`dock` the camera first"),
        ("jam button", "no such action"),
    ],
)
def test_an_impossible_action_is_an_error(words: str, error: str) -> None:
    async def story(visit: Visit) -> None:
        with pytest.raises(ConfigError, match=error):
            await technician_actions.do(words, visit.bench)

    visited(load("no-video"), story)


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("wait 5", "wait 5: is not a time"),
        ("wait long s", "is not a time"),
        ("fault video.frozzen", "did you mean `video.frozen`"),
        ("fault video.frozen loss=2", "loss: means nothing to video.frozen"),
        ("fault battery.cliff 3", "3: write KEY=VALUE"),
    ],
)
def test_an_impossible_preparation_is_an_error(words: str, error: str) -> None:
    problem = msgspec.structs.replace(load("no-video"), preparation=[words])

    async def story(visit: Visit) -> None:
        pass

    with pytest.raises(ConfigError, match=error):
        visited(problem, story)


@pytest.mark.parametrize("words", sorted(technician_actions.ACTIONS))
def test_every_action_is_possible_at_any_time(words: str) -> None:
    async def story(visit: Visit) -> None:
        for _ in range(2):
            with contextlib.suppress(ConfigError):
                await technician_actions.do(words, visit.bench)
        await visit.bench.camera.power_cut()
        with contextlib.suppress(ConfigError):
            await technician_actions.do(words, visit.bench)

    visited(load("stuck-button"), story)
