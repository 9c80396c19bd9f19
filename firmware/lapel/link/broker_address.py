"""Addresses of brokers, as the configuration gives them."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from lapel.config import LinkSection
from lapel.errors import ConfigError
from lapel.loopback import LOOPBACK_NAMES

_PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
_ENCRYPTED = {"mqtts", "wss"}
_WEBSOCKET_PATH = "/mqtt"


@dataclass(frozen=True, slots=True)
class Broker:
    """Address of a broker, and how to authenticate there. `password` and keys never reach a log."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None
    websocket_path: str | None = None
    """Of a broker that is reached over WebSocket; else None."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    __repr__ = __str__

    @property
    def is_plain(self) -> bool:
        """Whether the connection leaves this machine unencrypted."""
        return self.tls is None and self.host not in LOOPBACK_NAMES


def brokers_at(
    urls: str,
    *,
    ca: Path | None = None,
    cert: Path | None = None,
    key: Path | None = None,
    password_file: Path | None = None,
    allow_plain: bool = False,
) -> list[Broker]:
    """The brokers in `urls`, separated by spaces: `mqtt://`, `mqtts://`, `ws://` or `wss://`, each as
    `scheme://[USER[:PASSWORD]@]HOST[:PORT][/PATH]`. Raises ConfigError.

    `password_file` gives the password to every URL that has a user name and no password.
    """
    password = _read_password(password_file) if password_file else None
    return [_broker_at(url, ca, cert, key, password, allow_plain) for url in urls.split()]


def brokers_of(link: LinkSection) -> list[Broker]:
    """The brokers that the configuration names. Raises ConfigError."""
    files = {name: Path(path) for name in ("ca", "cert", "key", "password_file") if (path := getattr(link, name))}
    return brokers_at(link.broker, allow_plain=link.allow_plain, **files)


def _broker_at(
    url: str, ca: Path | None, cert: Path | None, key: Path | None, password: str | None, allow_plain: bool
) -> Broker:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"link.broker: the address cannot be read: {error}") from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ConfigError("link.broker: give mqtt://HOST[:PORT], mqtts://HOST[:PORT] or wss://HOST[:PORT]/PATH")
    if not _can_be_looked_up(parts.hostname):
        raise ConfigError(f"link.broker: {parts.hostname!r} is no valid host name; give the broker's name or address")
    encrypted = parts.scheme in _ENCRYPTED
    if not encrypted and parts.hostname not in LOOPBACK_NAMES and not allow_plain:
        raise ConfigError(
            f"link.broker: the connection to {parts.hostname} would not be encrypted; use mqtts:// or wss://, or set "
            "link.allow_plain"
        )
    username, password = _credentials(parts, password)
    return Broker(
        parts.hostname,
        port or _PORTS[parts.scheme],
        username,
        password,
        _tls(ca, cert, key) if encrypted else None,
        (parts.path or _WEBSOCKET_PATH) if parts.scheme in ("ws", "wss") else None,
    )


def _credentials(parts: SplitResult, password: str | None) -> tuple[str | None, str | None]:
    username = unquote(parts.username) if parts.username else None
    if parts.password:
        if password is not None:
            raise ConfigError("link.password_file: link.broker has a password, too; remove it from one of them")
        return username, unquote(parts.password)
    if password is not None and username is None:
        raise ConfigError("link.password_file: link.broker has no user name; write it as mqtts://USER@HOST")
    return username, password


def _read_password(path: Path) -> str:
    """The first line of the file. Raises ConfigError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"link.password_file: {path}: cannot be read: {reason}") from error
    if not lines or not lines[0]:
        raise ConfigError(f"link.password_file: {path}: is empty; write the password in its first line")
    return lines[0]


def _can_be_looked_up(host: str) -> bool:
    """By the rules of DNS: no empty label, none of more than 63 characters."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return host.isprintable()


def _tls(ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca)
        if cert is not None:
            context.load_cert_chain(cert, key)
    except OSError as error:  # ssl.SSLError is one too
        named = ", ".join(str(path) for path in (ca, cert, key) if path)
        raise ConfigError(f"link.ca, link.cert, link.key ({named}): cannot be used: {error}") from error
    return context
