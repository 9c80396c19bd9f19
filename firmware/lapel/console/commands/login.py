"""The console's login secrets."""

from lapel.console.command import Answer, Noun, Parameter, Verb
from lapel.console.interface import ROLES
from lapel.console.invocation import Invocation
from lapel.console.layout import Text
from lapel.console.login_dialog import read_new_secret


async def _set(call: Invocation) -> Answer:
    role = next(one for one in ROLES if one == call.word("role"))
    await call.login.set(role, await read_new_secret(call.session, role))
    await call.console_log.append("secret-set", role=role, why="console")
    return Answer({"role": role}, (Text(f"the secret for {role} is set", "good"),))


NOUN = Noun(
    "login",
    "login secrets of this console",
    (Verb("set", _set, "set a secret", "service", (Parameter("role", "the role", choices=ROLES),), interactive=True),),
)
