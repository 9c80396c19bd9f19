"""Secrets of the console."""

from lapel.console.command import Answer, Noun, Parameter, Verb
from lapel.console.interface import ROLES
from lapel.console.invocation import Invocation
from lapel.console.layout import Text
from lapel.console.login_dialog import new_secret


async def _set(call: Invocation) -> Answer:
    role = next(one for one in ROLES if one == call.word("role"))
    await call.door.set(role, await new_secret(call.at_keys, role))
    await call.record.put("secret-set", role=role, why="console")
    return Answer({"role": role}, (Text(f"the secret of {role} is set", "good"),))


NOUN = Noun(
    "login",
    "secrets of this console",
    (Verb("set", _set, "a new secret", "service", (Parameter("role", "whose", choices=ROLES),), interactive=True),),
)
