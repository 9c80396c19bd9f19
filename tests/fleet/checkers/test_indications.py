"""The checkers of what the wearer sees, by records made by hand."""

from typing import Any

import pytest

from fleet.checkers.records import LIGHTS, audit, case
from lapel_fleet.checkers.indications import recordings_are_indicated, stealth_is_on_record

SHOWN = [(0.0, "solid red"), (1.0, "blinking green"), (100.0, "blinking red"), (110.0, "blinking green")]
DARK = [*SHOWN[:3], (103.0, "dark"), (108.0, "blinking red"), *SHOWN[3:]]
STEALTH = audit((103.0, "stealth-changed", {"on": True}), (108.0, "stealth-changed", {"on": False}))


@pytest.mark.parametrize(
    "actual",
    [
        {"lights": SHOWN},
        {"lights": [*SHOWN[:3], (104.0, "blinking blue"), *SHOWN[3:]]},
        {"lights": DARK, "audit": STEALTH},
        {"lights": [(0.0, "dark")], "audit": audit((0.5, "stealth-changed", {"on": True}))},
        {"lights": [*SHOWN[:2], (100.8, "blinking red"), *SHOWN[3:]]},
    ],
)
def test_a_recording_with_a_light_or_in_stealth_passes(actual: dict[str, Any]) -> None:
    assert list(recordings_are_indicated(case(states=LIGHTS, **actual))) == [None]


@pytest.mark.parametrize(
    ("actual", "where"),
    [
        ({"lights": SHOWN[:2]}, "from 101.0 s to 110.0 s"),
        ({"lights": DARK}, "from 103.0 s to 108.0 s"),
        ({"lights": [*SHOWN[:3], (105.0, "blinking green")]}, "from 105.0 s to 110.0 s"),
        ({"lights": DARK, "audit": STEALTH[1:]}, "from 103.0 s to 108.0 s"),
        ({"lights": [*SHOWN[:3], (103.0, "dark")], "audit": STEALTH}, "from 103.0 s to 110.0 s"),
    ],
)
def test_a_recording_without_a_light_is_found(actual: dict[str, Any], where: str) -> None:
    (finding,) = recordings_are_indicated(case(states=LIGHTS, **actual))
    assert finding == f"recorded without a light for it {where}"


def test_stealth_must_be_on_record() -> None:
    known = case(states=LIGHTS, lights=SHOWN, stealth_changes=[103.0, 108.0], audit=STEALTH)
    assert list(stealth_is_on_record(known)) == [None, None]
    unknown = case(states=LIGHTS, lights=SHOWN, stealth_changes=[103.0, 108.0], audit=STEALTH[:1])
    assert list(stealth_is_on_record(unknown)) == [
        None,
        "the wearer changed stealth at 108.0 s, which is not on record",
    ]
    lost = case(states=[*LIGHTS[:3], (103.5, "off")], lights=SHOWN, stealth_changes=[103.0])
    assert list(stealth_is_on_record(lost)) == []
    assert list(stealth_is_on_record(case(states=LIGHTS))) == []
