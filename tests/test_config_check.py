from pathlib import Path

import pytest

from lapel.config import load
from lapel.config_check import require_usable
from lapel.errors import ConfigError


@pytest.mark.parametrize(
    ("section", "key", "value", "reason"),
    [
        ("controls", "indications", "missing.toml", "missing.toml: cannot be read"),
        ("recording", "critical_categories", "arrest", "arrest is not in `categories`"),
        ("policy", "profile", "fedral-2024", "did you mean `federal-2024`"),
    ],
)
def test_what_a_configuration_names_is_checked_without_a_camera(
    section: str, key: str, value: str, reason: str, tmp_path: Path
) -> None:
    require_usable(load())
    with pytest.raises(ConfigError) as error:
        require_usable(load(flags={(section, key): value}))
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("double_press_s", 2.0, "double_press_s = 2: must be shorter than hold_s = 1"),
        ("together_s", 1.0, "together_s = 1: must be shorter than hold_s = 1"),
        ("debounce_s", 0.2, "debounce_s = 0.2: must be shorter than double_press_s = 0.2"),
    ],
)
def test_timings_by_which_one_gesture_would_be_another_are_refused(key: str, value: float, reason: str) -> None:
    flags = {("controls", "hold_s"): 1.0, ("controls", "double_press_s"): 0.2, ("controls", key): value}
    with pytest.raises(ConfigError) as error:
        load(flags=flags)
    assert reason in str(error.value)
