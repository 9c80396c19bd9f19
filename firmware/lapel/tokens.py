"""Access tokens of people and systems: one line each, `NAME TOKEN`, in a file that only its owner can read."""

import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from lapel.errors import ConfigError

_MIN_CHARS = 20


class Tokens:
    """Who has access. The name goes on record with what is done."""

    def __init__(self, by_name: Mapping[str, str]) -> None:
        self.by_name = by_name

    def owner(self, token: str) -> str | None:
        """The name of its owner. Every token is compared, in a time that does not depend on what is right."""
        given, found = token.encode(), None
        for name, own in self.by_name.items():
            if hmac.compare_digest(own.encode(), given):
                found = name
        return found


def new_token() -> str:
    """A token that cannot be guessed."""
    return secrets.token_urlsafe(24)


def tokens_from(path: Path | None, login: str, option: str = "--tokens") -> Tokens:
    """The tokens in the file, which is made for `login` if it is not there; without a file a token for this process
    only. Raises ConfigError, which names the file by its `option`.
    """
    if path is None:
        return Tokens({login: new_token()})
    try:
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(f"{login} {new_token()}\n")
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{option} {path}: cannot be read or made: {error}") from error
    return Tokens(
        dict(_token(f"{option} {path}", number, line) for number, line in enumerate(lines, 1) if line.strip())
    )


def _token(where: str, number: int, line: str) -> tuple[str, str]:
    name, _, token = line.strip().rpartition(" ")
    if not name.strip() or len(token) < _MIN_CHARS or not token.isascii():
        raise ConfigError(
            f"{where}, line {number}: give NAME TOKEN, with a token of at least {_MIN_CHARS} ASCII characters"
        )
    return name.strip(), token
