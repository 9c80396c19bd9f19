"""Configuration: a candidate, put in force on trial, taken back by itself unless it works and is confirmed."""

import re
from collections.abc import Iterable

from lapel.console.command import Answer, Noun, Parameter, Verb
from lapel.console.interface import ConsoleCamera
from lapel.console.invocation import Invocation
from lapel.console.layout import Block, Pairs, Text, length
from lapel.errors import ConsoleError

_PASSWORD = re.compile(r"(//[^/@:\s]*):[^/@\s]*@")


async def _show(call: Invocation) -> Answer:
    wanted = call.word("section")
    settings = call.desk.settings()
    if wanted and wanted not in settings:
        raise ConsoleError(f"config: `{wanted}` is no section; there are {', '.join(settings)}", "usage")
    shown = {name: keys for name, keys in settings.items() if not wanted or name == wanted}
    rows = [(f"{name}.{key}", _told(value)) for name, keys in shown.items() for key, value in keys.items()]
    blocks: list[Block] = [Pairs(rows)]
    changes = [
        (f"{name}.{key}", _told(value)) for name, keys in call.candidate.changes.items() for key, value in keys.items()
    ]
    if changes:
        blocks += [Text("to be committed:", "warn"), Pairs(changes)]
    if (left_s := call.candidate.confirm_within_s) is not None:
        blocks += [Text(f"taken back in {length(left_s)} unless confirmed", "warn")]
    data = {"settings": shown, "candidate": call.candidate.changes, "confirm_within_s": call.candidate.confirm_within_s}
    return Answer(data, tuple(blocks))


async def _set(call: Invocation) -> Answer:
    section, dot, key = call.word("key").partition(".")
    if not dot:
        raise ConsoleError("config set: write section and key with a point: `link.broker`", "usage")
    value = call.candidate.set(section, key, call.word("value"))
    said = Text(f"{section}.{key} = {_told(value)}, once committed: `config commit confirmed 5`")
    return Answer({"key": f"{section}.{key}", "value": value}, (said,))


async def _commit(call: Invocation) -> Answer:
    minutes = call.number("minutes", 5, 0.1, 1_440) if call.word("confirmed") else None
    outcome = await call.candidate.commit("config commit", None if minutes is None else 60 * minutes)
    if not outcome.done:
        raise ConsoleError(f"config commit: refused: {outcome.reason}", "refused")
    said = "the camera restarts with it and takes it back where it does not work"
    if minutes is not None:
        said += f"; `config confirm` within {length(60 * minutes)}, or it is taken back"
    return Answer(outcome, (Text(said),))


async def _confirm(call: Invocation) -> Answer:
    await call.candidate.confirm()
    return Answer({"confirmed": True}, (Text("confirmed", "good"),))


async def _rollback(call: Invocation) -> Answer:
    outcome = await call.candidate.roll_back()
    if not outcome.done:
        raise ConsoleError(f"config rollback: refused: {outcome.reason}", "refused")
    return Answer(outcome, (Text(outcome.reason or "the settings before are put in force again"),))


def _keys(desk: ConsoleCamera) -> Iterable[str]:
    return [f"{name}.{key}" for name, keys in desk.settings().items() for key in keys]


def _told(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return _PASSWORD.sub(r"\1:…@", str(value)) if value not in (None, "") else "-"


NOUN = Noun(
    "config",
    "look at the configuration and change it",
    (
        Verb("show", _show, "what is in force", parameters=(Parameter("section", "only that one", optional=True),)),
        Verb(
            "set",
            _set,
            "note a change; nothing happens before `config commit`",
            "service",
            (Parameter("key", "section.key", known=_keys), Parameter("value", "its new value", rest=True)),
        ),
        Verb(
            "commit",
            _commit,
            "restart with the changes; `confirmed` takes them back unless `config confirm` follows",
            "service",
            (
                Parameter("confirmed", "wait to be confirmed", optional=True, choices=("confirmed",)),
                Parameter("minutes", "how long; 5", optional=True),
            ),
            not_while_recording=True,
        ),
        Verb("confirm", _confirm, "the changes stay", "service"),
        Verb("rollback", _rollback, "drop the changes, or take them back", "service", not_while_recording=True),
    ),
)
