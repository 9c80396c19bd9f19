"""The table of lights, tones and vibrations, and an agency's changes to it."""

import tempfile
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapel.errors import ConfigError
from lapel.indications import LIGHTS, MEANINGS, SIGNALS, Light, Pattern, Signal, Situation, load_indications, table_text
from lapel.states import State


def loaded(folder: Path, text: str):  # type: ignore[no-untyped-def]
    path = folder / "indications.toml"
    path.write_text(text)
    return load_indications(path)


def test_every_situation_has_a_light_and_every_signal_a_pattern_and_both_a_meaning() -> None:
    assert set(LIGHTS) == set(get_args(Situation)) >= {state.value for state in State}
    assert set(SIGNALS) == set(get_args(Signal))
    assert set(MEANINGS) == {*LIGHTS, *SIGNALS}
    assert all(pattern.tones or pattern.vibrations for pattern in SIGNALS.values())


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    table = loaded(
        tmp_path, '[lights]\nrecording = "solid red"\nfault = "flashing red"\nbooting = "flashing red"\n'
        "[signals]\nrefused = { tones = 1 }\n"
    )  # fmt: skip
    assert table.lights["recording"] == "solid red"
    assert table.lights["buffering"] == LIGHTS["buffering"]
    assert table.signals["refused"] == Pattern(tones=1)
    assert table.signals["stopped"] == SIGNALS["stopped"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[light]\n", "[light] is no section; did you mean `lights`?"),
        ('[lights]\nrecordin = "solid red"\n', "[lights] recordin: no such key; did you mean `recording`?"),
        ('[lights]\nfault = "pink"\n', "a light is one of dark, solid red"),
        ("[signals]\nrefused = { tones = 11 }\n", "Expected `int` <= 10 - at `$.signals[...].tones`"),
        ("[signals]\nrefused = { buzz = 1 }\n", "unknown field `buzz`"),
        ("[signals]\nrefused = 3\n", "Expected `object`, got `int`"),
        ("lights = 3\n", "Expected `object`, got `int`"),
        ("lights", "is not TOML"),
        ('[lights]\nrecording = "dark"\n', "a recording must be visible"),
        ('[lights]\nmuted = "dark"\n', "a recording must be visible"),
        ('[lights]\nrecording = "blinking green"\n', "must differ from the light for buffering"),
        ('[lights]\nfault = "blinking red"\n', 'recording = "blinking red": must differ from the light for fault'),
    ],
)
def test_what_cannot_be_used_is_refused_with_file_place_and_reason(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, text)
    assert str(error.value).startswith(str(tmp_path / "indications.toml"))
    assert reason in str(error.value)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.toml: cannot be read"):
        load_indications(tmp_path / "missing.toml")


@given(st.dictionaries(st.sampled_from(get_args(Situation)), st.sampled_from(get_args(Light))))
def test_no_file_makes_a_recording_invisible_or_mistakable(lights: dict[Situation, Light]) -> None:
    text = "[lights]\n" + "".join(f'{name} = "{light}"\n' for name, light in lights.items())
    with tempfile.TemporaryDirectory() as folder:
        try:
            table = loaded(Path(folder), text)
        except ConfigError:
            return
    for situation in ("recording", "muted"):
        others = [light for other, light in table.lights.items() if other not in ("recording", "muted")]
        assert table.lights[situation] not in ("dark", *others)


def test_the_table_for_people_has_a_row_for_each() -> None:
    assert len(table_text().splitlines()) == len(LIGHTS) + len(SIGNALS) + 5
