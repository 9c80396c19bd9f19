"""Secrets of the console."""

from lapel.console.call import Call
from lapel.console.command import Answer, Noun, Parameter, Verb
from lapel.console.interface import ROLES
from lapel.console.layout import Text
from lapel.console.login import weak
from lapel.errors import ConsoleError


async def _set(call: Call) -> Answer:
    role = next(one for one in ROLES if one == call.word("role"))
    secret = await call.at_keys.ask(f"new secret of {role}: ", echo=False)
    if trouble := weak(secret):
        raise ConsoleError(trouble, "usage")
    if await call.at_keys.ask("once more: ", echo=False) != secret:
        raise ConsoleError("these were two different secrets", "usage")
    await call.door.set(role, secret)
    await call.record.put("secret-set", role=role, why="console")
    return Answer({"role": role}, (Text(f"the secret of {role} is set", "good"),))


NOUN = Noun(
    "login",
    "secrets of this console",
    (Verb("set", _set, "a new secret", "service", (Parameter("role", "whose", choices=ROLES),), interactive=True),),
)
