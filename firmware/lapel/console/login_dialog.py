"""The dialogue at the door: who is it, and is the secret right? Nobody gets past it without a role."""

from typing import Protocol

from lapel.console.interface import ROLES, Role
from lapel.console.invocation import Means
from lapel.console.layout import Block, Style, Text
from lapel.console.login import weak
from lapel.errors import ConsoleError

_PRESENCE_S = 30.0


class Asking(Protocol):
    """Somebody who can be asked."""

    def show(self, *blocks: Block) -> None:
        """Say it."""

    async def ask(self, prompt: str, *, echo: bool = True) -> str:
        """A line. Raises ConsoleError when it was broken off with ^C."""


class LoginDialog:
    """One visitor's way in. What happens here goes on record; a secret never does."""

    def __init__(self, means: Means, visitor: Asking, line: str) -> None:
        """`line` is where the visitor is, for the record."""
        self._on, self._visitor, self._line = means, visitor, line

    async def log_in(self) -> Role | None:
        """One try: the role, or None when it failed. Raises LapelError when it cannot be tried."""
        name = (await self._visitor.ask("login: ")).strip()
        if name == "recover":
            await self._set_in_presence("service", "recover")
        elif name in ROLES:
            return await self._as(next(one for one in ROLES if one == name))
        elif name:  # noise, most of the time: it costs nothing and goes on no record
            self._say("The roles are viewer and service.", "bad")
        return None

    async def _as(self, role: Role) -> Role | None:
        match await self._on.door.standing(role):
            case "unset":
                self._say(f"No secret is set for {role} yet.")
                await self._set_in_presence(role, "first secret")
            case "locked":
                await self._unlock(role)
            case _:
                return await self._with_secret(role)
        return None

    async def _with_secret(self, role: Role) -> Role | None:
        verdict = await self._on.door.knock(role, await self._visitor.ask("secret: ", echo=False))
        if verdict == "open":
            await self._on.record.put("login", role=role, line=self._line)
            return role
        await self._on.record.put("login-failed", role=role, line=self._line, verdict=verdict)
        self._say("That is not right. Each wrong secret makes the next wait longer.", "bad")
        return None

    async def _unlock(self, role: Role) -> None:
        self._say(f"{role} is locked after too many wrong secrets.", "bad")
        await self._prove_presence()
        await self._on.door.forgive(role)
        await self._on.record.put("unlocked", role=role)
        self._say("Unlocked. Log in now; a forgotten secret is replaced with `recover`.", "good")

    async def _set_in_presence(self, role: Role, why: str) -> None:
        await self._prove_presence()
        await self._on.door.set(role, await new_secret(self._visitor, role))
        await self._on.record.put("secret-set", role=role, why=why)
        self._say(f"The secret of {role} is set. Log in with it.", "good")

    async def _prove_presence(self) -> None:
        self._say(self._on.desk.presence_hint)
        if not await self._on.desk.presence(_PRESENCE_S):
            raise ConsoleError("nobody is at the camera's button", "denied")

    def _say(self, text: str, style: Style = "") -> None:
        self._visitor.show(Text(text, style))


async def new_secret(visitor: Asking, role: Role) -> str:
    """Typed twice. Raises ConsoleError when it will not do."""
    secret = await visitor.ask(f"new secret of {role}: ", echo=False)
    if trouble := weak(secret):
        raise ConsoleError(trouble, "usage")
    if await visitor.ask("once more: ", echo=False) != secret:
        raise ConsoleError("these were two different secrets", "usage")
    return secret
