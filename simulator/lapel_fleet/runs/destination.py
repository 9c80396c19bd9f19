"""Where the cameras of a live or stepped run offload: the user's evidence system, or the built-in one over HTTP."""

import contextlib
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from lapel.clock import Clock, SystemClock
from lapel.config import OffloadSection
from lapel.errors import ConfigError
from lapel.evidence.receipt_files import read_back_ends
from lapel.offload.configured import destination_of
from lapel.offload.interface import Destination as Connection
from lapel_fleet.cameras.offload import OffloadTarget
from lapel_fleet.runs.evidence_back_end.faults import Faults
from lapel_fleet.runs.evidence_back_end.folder import PUBLIC_KEY
from lapel_fleet.runs.evidence_back_end.receipts import last_line_of_manifest, verified_manifest

if TYPE_CHECKING:
    from lapel_fleet.runs.evidence_back_end.serving import Served

_S3 = "s3+"


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """An evidence system. Worker processes receive it as JSON, with the names of files, not with secrets."""

    url: str
    """`https://HOST/auth/v1.0` for the Axis Body worn integration API, and Swift; `s3+https://HOST/BUCKET` for S3."""
    user: str
    """The user name; of S3: the id of the access key."""
    secret_file: str
    """Its first line is the secret that belongs to the user."""
    ca: str = ""
    """Certificate of the authority that signed the system's certificate."""
    receipt_keys: tuple[str, ...] = ()
    """Public keys in PEM whose receipts count. Without any, no recording is ever confirmed."""
    allow_plain: bool = False

    def target(self) -> OffloadTarget:
        """Where a camera offloads. Raises ConfigError, EvidenceError for a file that cannot be used."""
        section = _section(self)
        self._connect(section)
        return OffloadTarget(lambda: self._connect(section), read_back_ends([Path(one) for one in self.receipt_keys]))

    @staticmethod
    def _connect(section: OffloadSection) -> Connection:
        found = destination_of(section, lambda: SystemClock().now().utc.astimezone(UTC))
        assert found is not None
        return found


def _section(one: Destination) -> OffloadSection:
    common = {"user": one.user, "secret_file": one.secret_file, "ca": one.ca, "allow_plain": one.allow_plain}
    if not one.url.startswith(_S3):
        return OffloadSection(destination="axis", address=one.url, **common)  # type: ignore[arg-type]
    url = urlsplit(one.url.removeprefix(_S3))
    bucket = url.path.strip("/")
    if not bucket or "/" in bucket:
        raise ConfigError(f"--destination {one.url}: names no bucket; give s3+https://HOST/BUCKET")
    return OffloadSection(
        destination="s3",
        address=f"{url.scheme}://{url.netloc}",
        bucket=bucket,
        read_back="counts",
        **common,  # type: ignore[arg-type]
    )


@contextlib.asynccontextmanager
async def built_in(clock: Clock, faults: Faults, *, has_files: bool) -> AsyncIterator[tuple[Destination, "Served"]]:
    """The built-in back end over HTTP while the block runs, in a temporary folder. `has_files`: whether cameras have
    whole manifests; else their last lines alone count.
    """
    from lapel.http_server import listening  # needs a web server
    from lapel_fleet.runs.evidence_back_end.serving import served

    read_manifest = verified_manifest if has_files else last_line_of_manifest
    with tempfile.TemporaryDirectory(prefix="lapel-back-end-") as name, listening("evidence", "0") as where:
        root = Path(name)
        async with served(root / "kept", where, faults, _no_log, clock=clock, read_manifest=read_manifest) as found:
            secret = root / "secret"
            secret.touch(0o600)
            secret.write_text(f"{found.key}\n")
            yield Destination(
                url=found.token_url, user=found.user, secret_file=str(secret),
                receipt_keys=(str(root / "kept" / PUBLIC_KEY),),
            ), found  # fmt: skip


def _no_log(_: str) -> None:
    """A run reports by its checkers."""
