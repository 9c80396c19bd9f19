"""The configuration: file, variables and flags."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapel.config import SECTIONS, Config, example, load, schema
from lapel.errors import ConfigError


def config_file(folder: Path, text: str) -> Path:
    path = folder / "camera.toml"
    path.write_text(text)
    return path


def test_no_file_is_needed_and_the_example_has_the_defaults(tmp_path: Path) -> None:
    assert load() == Config() == load(config_file(tmp_path, example()))
    assert all(f"[{name}]" in example() for name in SECTIONS)


def test_flags_override_variables_and_variables_override_the_file(tmp_path: Path) -> None:
    path = config_file(tmp_path, '[video]\nsource = "file"\nloop = true\n[prebuffer]\nlength_s = 5\n')
    config = load(path, {"LAPEL_VIDEO_SOURCE": "variable", "LAPEL_PREBUFFER_LENGTH_S": "7.5", "HOME": "/"},
                  {("video", "source"): "flag", ("video", "width"): None})  # fmt: skip
    assert (config.video.source, config.video.loop, config.prebuffer.length_s) == ("flag", True, 7.5)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[vidoe]\n", r"camera\.toml: \[vidoe\] is no section; did you mean `video`"),
        ("[video]\nsorce = 1\n", r"camera\.toml: \[video\] sorce: no such key; did you mean `source`"),
        ("[prebuffer]\nlength_s = 121\n", r"\[prebuffer\] length_s = 121: Expected `float` <= 120"),
        ('[prebuffer]\nlength_s = "ten"\n', r"\[prebuffer\] length_s"),
        ("[video]\nloop = 1\n", r"\[video\] loop = 1"),
        ('video = "x"\n', r"video is a section"),
        ("[video\n", r"camera\.toml: is not TOML"),
    ],
)
def test_an_invalid_file_is_rejected_with_its_name(tmp_path: Path, text: str, error: str) -> None:
    with pytest.raises(ConfigError, match=error):
        load(config_file(tmp_path, text))


@pytest.mark.parametrize(("name", "error"), [("missing.toml", "No such file"), (".", "Is a directory")])
def test_an_unreadable_file_is_named(tmp_path: Path, name: str, error: str) -> None:
    with pytest.raises(ConfigError, match=error):
        load(tmp_path / name)


@pytest.mark.parametrize(
    "variable", ["LAPEL_VIDEO_SORCE", "LAPEL_VIDOE_SOURCE", "LAPEL_VIDEO", "LAPEL_LINK_KEEPALIVE_S"]
)
def test_an_invalid_variable_is_named(variable: str) -> None:
    with pytest.raises(ConfigError, match=variable):
        load(environment={variable: "x"})


@given(st.text(max_size=60))
def test_random_content_of_a_file_is_a_config_error_or_a_config(text: str) -> None:
    import contextlib
    import tempfile

    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(ConfigError):
        path = Path(folder) / "camera.toml"
        path.write_text(text, errors="replace")
        load(path)


def test_the_schema_has_every_section() -> None:
    assert set(SECTIONS) <= set(str(schema()).replace("'", " ").split())
