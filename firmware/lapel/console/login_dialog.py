"""The login dialogue: requests role and secret; replaces secrets and ends lock-outs when presence is proved."""

from typing import Protocol

from lapel.console.interface import ROLES, Role
from lapel.console.invocation import ConsoleServices
from lapel.console.layout import Block, Style, Text
from lapel.console.login import weakness
from lapel.errors import ConsoleError

_PRESENCE_S = 30.0


class Prompter(Protocol):
    """Shows text and reads lines from the user."""

    def show(self, *blocks: Block) -> None:
        """Show blocks."""

    async def read_line(self, prompt: str, *, echo: bool = True) -> str:
        """A line typed after `prompt`. Raises ConsoleError when the user cancels it with ^C."""


class LoginDialog:
    """The login of one session. Attempts are logged; a secret never is."""

    def __init__(self, services: ConsoleServices, user: Prompter, line: str) -> None:
        """`line`: name of the serial line, for the console log."""
        self._services, self._user, self._line = services, user, line

    async def log_in(self) -> Role | None:
        """One attempt: the role, or None when it failed. Raises LapelError when no attempt is possible."""
        name = (await self._user.read_line("login: ")).strip()
        if name == "recover":
            await self._set_secret_in_presence("service", "recover")
        elif name in ROLES:
            return await self._log_in_as(next(one for one in ROLES if one == name))
        elif name:  # mostly noise on the line: neither delayed nor logged
            self._show("Unknown role: log in as viewer or service.", "bad")
        return None

    async def _log_in_as(self, role: Role) -> Role | None:
        match await self._services.login.status(role):
            case "unset":
                self._show(f"No secret is set for {role} yet.")
                await self._set_secret_in_presence(role, "first secret")
            case "locked":
                await self._unlock(role)
            case _:
                return await self._check_secret(role)
        return None

    async def _check_secret(self, role: Role) -> Role | None:
        verdict = await self._services.login.check(role, await self._user.read_line("secret: ", echo=False))
        if verdict == "open":
            await self._services.console_log.append("login", role=role, line=self._line)
            return role
        await self._services.console_log.append("login-failed", role=role, line=self._line, verdict=verdict)
        self._show("Wrong secret. Each failed attempt doubles the delay, up to a minute.", "bad")
        return None

    async def _unlock(self, role: Role) -> None:
        self._show(f"{role} is locked after too many wrong secrets.", "bad")
        await self._require_presence()
        await self._services.login.unlock(role)
        await self._services.console_log.append("unlocked", role=role)
        self._show("Unlocked: log in now. To replace a forgotten secret, log in as `recover`.", "good")

    async def _set_secret_in_presence(self, role: Role, why: str) -> None:
        await self._require_presence()
        await self._services.login.set(role, await read_new_secret(self._user, role))
        await self._services.console_log.append("secret-set", role=role, why=why)
        self._show(f"The secret for {role} is set. Log in with it.", "good")

    async def _require_presence(self) -> None:
        self._show(self._services.camera.presence_hint)
        if not await self._services.camera.wait_for_presence(_PRESENCE_S):
            raise ConsoleError("denied: presence was not proved", "denied")

    def _show(self, text: str, style: Style = "") -> None:
        self._user.show(Text(text, style))


async def read_new_secret(user: Prompter, role: Role) -> str:
    """Read a new secret twice. Raises ConsoleError when it is too weak or the two differ."""
    secret = await user.read_line(f"new secret for {role}: ", echo=False)
    if problem := weakness(secret):
        raise ConsoleError(f"{problem}; nothing was changed", "usage")
    if await user.read_line("repeat it: ", echo=False) != secret:
        raise ConsoleError("the two secrets differ; nothing was changed", "usage")
    return secret
