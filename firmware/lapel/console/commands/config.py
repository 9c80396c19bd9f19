"""The configuration: changes are collected, committed on trial, and reverted unless they work and are confirmed."""

from collections.abc import Iterable

from lapel.console.command import Answer, Noun, Parameter, Verb, require_done
from lapel.console.interface import ConsoleCamera
from lapel.console.invocation import Invocation
from lapel.console.layout import Block, Pairs, Text, length
from lapel.credentials import settings_without_credentials, without_credentials
from lapel.errors import ConsoleError


async def _show(call: Invocation) -> Answer:
    wanted = call.word("section")
    settings = settings_without_credentials(call.camera.settings())
    if wanted and wanted not in settings:
        raise ConsoleError(f"config: unknown section `{wanted}`; use one of: {', '.join(settings)}", "usage")
    shown = {name: keys for name, keys in settings.items() if not wanted or name == wanted}
    rows = [(f"{name}.{key}", _format(value)) for name, keys in shown.items() for key, value in keys.items()]
    blocks: list[Block] = [Pairs(rows)]
    candidate = settings_without_credentials(call.candidate.changes)
    changes = [(f"{name}.{key}", _format(value)) for name, keys in candidate.items() for key, value in keys.items()]
    if changes:
        blocks += [Text("not committed yet:", "warn"), Pairs(changes)]
    if (left_s := call.candidate.confirm_within_s) is not None:
        blocks += [Text(f"reverts in {length(left_s)} unless confirmed", "warn")]
    data = {"settings": shown, "candidate": candidate, "confirm_within_s": call.candidate.confirm_within_s}
    return Answer(data, tuple(blocks))


async def _set(call: Invocation) -> Answer:
    section, dot, key = call.word("key").partition(".")
    if not dot:
        raise ConsoleError("config set: join section and key with a dot, as in `link.broker`", "usage")
    value = call.candidate.set(section, key, call.word("value"))
    if isinstance(value, str):
        value = without_credentials(value)
    text = Text(f"{section}.{key} = {_format(value)}, once committed: `config commit confirmed 5`")
    return Answer({"key": f"{section}.{key}", "value": value}, (text,))


async def _commit(call: Invocation) -> Answer:
    minutes = call.number("minutes", 5, 0.1, 1_440) if call.word("confirmed") else None
    outcome = await call.candidate.commit("config commit", None if minutes is None else 60 * minutes)
    require_done("config commit", outcome)
    text = "the camera restarts with the changes, and reverts them if they bring no video or no broker"
    if minutes is not None:
        text += f"; `config confirm` within {length(60 * minutes)}, or they are reverted"
    return Answer(outcome, (Text(text),))


async def _confirm(call: Invocation) -> Answer:
    await call.candidate.confirm()
    return Answer({"confirmed": True}, (Text("confirmed", "good"),))


async def _rollback(call: Invocation) -> Answer:
    outcome = await call.candidate.roll_back()
    require_done("config rollback", outcome)
    return Answer(outcome, (Text(outcome.reason or "the camera restarts with the previous settings"),))


def _keys(camera: ConsoleCamera) -> Iterable[str]:
    return [f"{name}.{key}" for name, keys in camera.settings().items() for key in keys]


def _format(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value not in (None, "") else "-"


NOUN = Noun(
    "config",
    "show and change the configuration",
    (
        Verb(
            "show",
            _show,
            "the configuration in force",
            parameters=(Parameter("section", "only this section", optional=True),),
        ),
        Verb(
            "set",
            _set,
            "add a change; it takes effect with `config commit`",
            "service",
            (Parameter("key", "as section.key", known=_keys), Parameter("value", "the new value", rest=True)),
        ),
        Verb(
            "commit",
            _commit,
            "restart with the changes; with `confirmed` they are reverted unless `config confirm` follows",
            "service",
            (
                Parameter("confirmed", "revert unless confirmed in time", optional=True, choices=("confirmed",)),
                Parameter("minutes", "time to confirm, 5 by default", optional=True),
            ),
            not_while_recording=True,
        ),
        Verb("confirm", _confirm, "keep the committed changes", "service"),
        Verb(
            "rollback",
            _rollback,
            "discard uncommitted changes, revert unconfirmed ones",
            "service",
            not_while_recording=True,
        ),
    ),
)
