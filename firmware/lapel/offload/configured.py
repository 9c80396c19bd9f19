"""The destination that a configuration names."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lapel.config import OffloadSection
from lapel.errors import ConfigError
from lapel.offload.interface import Destination

if TYPE_CHECKING:
    import httpx


def destination_of(
    section: OffloadSection, now: Callable[[], datetime], transport: "httpx.AsyncBaseTransport | None" = None
) -> Destination | None:
    """What [offload] names; None without a destination. `now` is for locks, `transport` stands in for the network.

    Raises ConfigError that names the key.
    """
    if section.destination == "none":
        return None
    _require(section)
    secret = _secret(section.secret_file)
    try:
        if section.destination == "axis":
            return _axis(section, secret, transport)
        return _s3(section, secret, now, transport)
    except ImportError as error:
        extra = section.destination
        raise ConfigError(f'[offload] destination = "{extra}": needs `pip install lapel[{extra}]`: {error}') from error


def _axis(section: OffloadSection, secret: str, transport: "httpx.AsyncBaseTransport | None") -> Destination:
    """Imported here, since a camera that keeps its recordings needs no HTTP client."""
    from lapel.offload.axis import AxisDestination
    from lapel.offload.axis_session import AxisSettings
    from lapel.offload.http import Tls

    settings = AxisSettings(
        addresses=tuple(section.address.split()),
        user=section.user,
        secret=secret,
        tls=Tls(section.ca, section.cert, section.key),
        allow_plain=section.allow_plain,
        full_support=section.full_support,
        segment_bytes=section.segment_bytes,
    )
    return AxisDestination(settings, transport)


def _s3(
    section: OffloadSection, secret: str, now: Callable[[], datetime], transport: "httpx.AsyncBaseTransport | None"
) -> Destination:
    """Imported here, for the same reason."""
    from lapel.offload.http import Tls
    from lapel.offload.s3 import S3Destination, S3Settings

    settings = S3Settings(
        address=section.address,
        bucket=section.bucket,
        user=section.user,
        secret=secret,
        region=section.region,
        prefix=section.prefix,
        tls=Tls(section.ca, section.cert, section.key),
        allow_plain=section.allow_plain,
        part_bytes=section.part_bytes,
        lock_days=section.lock_days,
    )
    return S3Destination(settings, now, transport)


def critical_words(section: OffloadSection) -> frozenset[str]:
    """The categories and triggers whose recordings leave first."""
    return frozenset(word.strip() for word in section.critical.split(",") if word.strip())


def _require(section: OffloadSection) -> None:
    needed = {"address": section.address, "user": section.user, "secret_file": section.secret_file}
    if section.destination == "s3":
        needed["bucket"] = section.bucket
    for key, value in needed.items():
        if not value:
            raise ConfigError(f'[offload] {key}: is missing; destination = "{section.destination}" needs it')
    if section.destination == "axis" and section.read_back != "no":
        raise ConfigError(
            f'[offload] read_back = "{section.read_back}": the API has no reading back; its proof is a receipt'
        )


def _secret(path: str) -> str:
    try:
        secret = Path(path).read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise ConfigError(f"[offload] secret_file = {path!r}: cannot be read: {reason}") from error
    if not secret or not secret.isprintable() or not secret.isascii():
        raise ConfigError(f"[offload] secret_file = {path!r}: its first line is no secret; write it there, in ASCII")
    return secret
