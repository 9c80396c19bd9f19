"""What the wearer sees, hears and feels: a light for each situation, tones and vibrations for each signal.

One table, which an agency's file can change (`[controls] indications`). When they are given is decided in
`wearer_signals.py`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from lapel.config import read_toml, suggestion
from lapel.errors import ConfigError

Colour = Literal["red", "green", "blue"]
Light = Literal[
    "dark", "solid red", "solid green", "solid blue", "blinking red", "blinking green", "blinking blue",
    "flashing red", "flashing green", "flashing blue",
]  # fmt: skip
"""*blinking*: on and off for half a second each; *flashing*: four times as fast."""

Situation = Literal[
    "off", "booting", "recovering", "standby", "buffering", "recording", "muted", "docked", "fault",
]  # fmt: skip
"""A state of the camera, or *recovering* for booting that finds an interrupted recording, or *muted* for recording."""

Signal = Literal[
    "started", "stopped", "recording", "asleep", "marker", "muted", "unmuted", "category", "category asked",
    "confirm", "duty missed", "refused", "stealth off", "fault", "low battery", "critical battery", "storage full",
    "clock unset", "no wearer", "dead microphone", "live view",
]  # fmt: skip
"""A signal that the wearer notices without looking."""


class Pattern(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A signal as tones and vibrations."""

    tones: Annotated[int, Meta(ge=0, le=10)] = 0
    vibrations: Annotated[int, Meta(ge=0, le=10)] = 0
    each_s: Annotated[float, Meta(ge=0.05, le=2)] = 0.15
    """Length of each, and of the pause behind it."""


LIGHTS: Mapping[Situation, Light] = {
    "off": "dark",
    "booting": "solid red",
    "recovering": "flashing red",
    "standby": "dark",
    "buffering": "blinking green",
    "recording": "blinking red",
    "muted": "blinking blue",
    "docked": "dark",
    "fault": "solid red",
}
"""As in vendors' manuals. They give none for standby and dock; dark is our choice, since nothing is captured. For
recovering they have two red lights that blink; one that flashes is our choice.
"""

SIGNALS: Mapping[Signal, Pattern] = {
    "started": Pattern(tones=2, vibrations=2),
    "stopped": Pattern(tones=1, vibrations=1, each_s=0.6),
    "recording": Pattern(tones=2, vibrations=2),
    "asleep": Pattern(vibrations=1),
    "marker": Pattern(tones=1, vibrations=1),
    "muted": Pattern(vibrations=2, each_s=0.3),
    "unmuted": Pattern(vibrations=1, each_s=0.3),
    "category": Pattern(vibrations=1),
    "category asked": Pattern(tones=1, vibrations=2),
    "confirm": Pattern(tones=1, vibrations=3),
    "duty missed": Pattern(tones=4, vibrations=4, each_s=0.4),
    "refused": Pattern(tones=3, vibrations=3),
    "stealth off": Pattern(vibrations=2),
    "fault": Pattern(tones=3, vibrations=3, each_s=0.6),
    "low battery": Pattern(tones=1, vibrations=1, each_s=0.6),
    "critical battery": Pattern(tones=5, vibrations=5, each_s=0.3),
    "storage full": Pattern(tones=3, vibrations=3),
    "clock unset": Pattern(tones=5),
    "no wearer": Pattern(tones=2, vibrations=2, each_s=0.6),
    "dead microphone": Pattern(tones=4, vibrations=4),
    "live view": Pattern(tones=1, vibrations=1),
}
"""From vendors' manuals: *started* and *recording* (two tones and two vibrations), *stopped* (a long one), *asleep* (a
vibration), *storage full* (3 tones), *clock unset* (5 tones). The other patterns are our choice.
"""

MEANINGS: Mapping[Situation | Signal, str] = {
    "off": "switched off",
    "booting": "starting",
    "recovering": "starting, and recovering a recording that was interrupted",
    "standby": "asleep: nothing is captured",
    "buffering": "ready: the pre-event buffer is filled",
    "recording": "recording",
    "muted": "recording without sound",
    "docked": "in the dock",
    "fault": "out of service; the reason is in the log",
    "started": "the recording is on the storage card",
    "stopped": "the recording has ended",
    "asleep": "still asleep",
    "marker": "a marker was set",
    "unmuted": "sound is recorded again",
    "category": "a category was chosen",
    "category asked": "the recording has ended: choose its category",
    "confirm": "press again to confirm",
    "duty missed": "a recording that the agency's rules ask for has not started",
    "refused": "refused: the camera may not or cannot",
    "stealth off": "lights, tones and vibrations are on again",
    "low battery": "the battery is low",
    "critical battery": "the battery is critical: the camera switches off",
    "storage full": "the storage card is full: no recording can start",
    "clock unset": "the clock is not set; recordings are flagged",
    "no wearer": "no wearer is assigned",
    "dead microphone": "the microphone delivers no sound",
    "live view": "a person begins to watch the recording",
}
"""For people, in the documentation. *recording* and *muted* are both a light and a signal."""

_LONG_S = 0.5
"""From here on a tone is called long in the documentation."""
_RECORDING: tuple[Situation, ...] = ("recording", "muted")
"""Situations that must not look like any other: lights are there to prevent a recording that goes unnoticed."""


class Indications(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The table in force. What an agency's file leaves out is as in `LIGHTS` and `SIGNALS`."""

    lights: Mapping[Situation, Light] = msgspec.field(default_factory=lambda: LIGHTS)
    signals: Mapping[Signal, Pattern] = msgspec.field(default_factory=lambda: SIGNALS)


def load_indications(path: Path | None) -> Indications:
    """The camera's table with an agency's changes. Raises ConfigError that names file, place and what is allowed."""
    if path is None:
        return Indications()
    tree = read_toml(path)
    _check_names(str(path), tree)
    try:
        changes = msgspec.convert(tree, Indications)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {_explained(str(error))}") from error
    table = Indications(lights={**LIGHTS, **changes.lights}, signals={**SIGNALS, **changes.signals})
    for problem in _problems(table):
        raise ConfigError(f"{path}: {problem}")
    return table


def _check_names(origin: str, tree: Mapping[str, object]) -> None:
    known: Mapping[str, tuple[str, ...]] = {"lights": get_args(Situation), "signals": get_args(Signal)}
    for section, entries in tree.items():
        if section not in known:
            raise ConfigError(f"{origin}: [{section}] is no section{suggestion(section, known)}")
        for name in entries if isinstance(entries, dict) else ():
            if name not in known[section]:
                raise ConfigError(f"{origin}: [{section}] {name}: no such key{suggestion(name, known[section])}")


def _explained(message: str) -> str:
    return f"{message}; a light is one of {', '.join(get_args(Light))}" if "`$.lights" in message else message


def _problems(table: Indications) -> Iterator[str]:
    for situation in _RECORDING:
        light = table.lights[situation]
        if light == "dark":
            yield f'[lights] {situation} = "dark": a recording must be visible; wearers have stealth where it must not'
        same = [other for other, its in table.lights.items() if its == light and other not in _RECORDING]
        if same:
            yield f'[lights] {situation} = "{light}": must differ from the light for {", ".join(same)}'


def table_text() -> str:
    """The camera's own table in Markdown, for the documentation."""
    lines = ["| `[lights]` | light | what it means |", "|---|---|---|"]
    lines += [f"| `{name}` | {light} | {MEANINGS[name]} |" for name, light in LIGHTS.items()]
    lines += ["", "| `[signals]` | tones and vibrations | what they mean |", "|---|---|---|"]
    lines += [f"| `{name}` | {_pattern_text(pattern)} | {_meaning(name)} |" for name, pattern in SIGNALS.items()]
    return "\n".join(lines) + "\n"


def _meaning(signal: Signal) -> str:
    also_lights = {"recording": "reminder: still recording", "muted": "sound is muted"}
    return also_lights.get(signal, MEANINGS[signal])


def _pattern_text(pattern: Pattern) -> str:
    counts = [(pattern.tones, "tone"), (pattern.vibrations, "vibration")]
    named = [f"{count} {noun}{'s' * (count > 1)}" for count, noun in counts if count]
    return f"{' and '.join(named)}, {'long' if pattern.each_s > _LONG_S else 'short'}"
