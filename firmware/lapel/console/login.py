"""Login secrets: two roles with a secret each, none by default. Each wrong secret doubles the delay; ten in a row lock
the role until the user proves presence at the camera.

The file holds salted scrypt hashes and failure counts. A failure is written *before* the secret is checked, so that
cutting the power in between gives no free guess.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from lapel.clock import Clock
from lapel.console.interface import ROLES, Role
from lapel.errors import StorageError
from lapel.own_files import DamageReports, read_or_set_aside, write
from lapel.worker import Worker

LOCKED_AFTER = 10
"""Consecutive wrong secrets, counted across sessions and restarts."""
SECRET_MIN_CHARS = 8
_DELAY_MAX_S = 60.0
_COST = 2**14  # 16 MiB and some 50 ms: scrypt's own recommendation for logins

_COST_MAX = 2**16
"""64 MiB: more than this was not written by a camera."""

Verdict = Literal["open", "wrong", "locked", "unset"]


class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    salt: str
    hash: str
    cost: int
    failures: int = 0


class Secrets:
    """The secrets file. Every method blocks: called through a Worker. The file is read each time, so that
    `lapel-camera login set` takes effect at once.
    """

    def __init__(
        self,
        path: Path | None,
        cost: int = _COST,
        salt: Callable[[], str] = lambda: secrets.token_hex(16),
        damage: DamageReports | None = None,
    ) -> None:
        """Without a `path` the secrets are kept in memory: for simulated cameras."""
        self._path, self._cost, self._salt = path, cost, salt
        self._damage = damage or DamageReports()
        self._known: dict[str, _Entry] = {}
        self._unwritten: dict[str, int] = {}  # failure counts that could not be written: the disk is full

    def set(self, role: Role, secret: str) -> None:
        """Set a secret; also ends a lock-out. Raises StorageError when it cannot be written."""
        salt = self._salt()
        entry = _Entry(salt=salt, hash=_hashed(secret, salt, self._cost), cost=self._cost)
        self._write({**self._read_if_possible(), role: entry})
        self._unwritten.pop(role, None)

    def failures(self, role: Role) -> int | None:
        """Wrong secrets since the last correct one; None while no secret is set. Raises StorageError."""
        entry = self._read().get(role)
        return None if entry is None else max(entry.failures, self._unwritten.get(role, 0))

    def unlock(self, role: Role) -> None:
        """Reset the failure count."""
        self._count(role, 0)

    def check(self, role: Role, secret: str) -> Verdict:
        """Check a secret. Raises StorageError when the disk does not give the file: then no login is possible."""
        failures = self.failures(role)
        if failures is None:
            return "unset"
        if failures >= LOCKED_AFTER:
            return "locked"
        self._count(role, failures + 1)
        entry = self._read()[role]
        if not hmac.compare_digest(_hashed(secret, entry.salt, entry.cost), entry.hash):
            return "wrong"
        self._count(role, 0)
        return "open"

    def _count(self, role: Role, failures: int) -> None:
        known = self._read()
        self._unwritten[role] = failures
        if role in known:
            try:
                self._write({**known, role: msgspec.structs.replace(known[role], failures=failures)})
                del self._unwritten[role]
            except StorageError:
                pass  # counted in memory until it can be written

    def _read(self) -> dict[str, _Entry]:
        """A damaged file is set aside: then no secret is set, and the first one takes presence at the camera."""
        if self._path is None:
            return self._known
        return read_or_set_aside(self._path, dict[str, _Entry], self._damage, _check) or {}

    def _read_if_possible(self) -> dict[str, _Entry]:
        try:
            return self._read()
        except StorageError:
            return {}

    def _write(self, entries: dict[str, _Entry]) -> None:
        if self._path is None:
            self._known = entries
            return
        try:
            write(self._path, entries, make_folder=True)
        except OSError as error:
            raise StorageError(f"{self._path}: the secrets cannot be written: {error.strerror}") from error


class LoginGuard:
    """Checks secrets, with a delay after failures. One per camera: hanging up does not shorten a delay."""

    def __init__(self, secrets_: Secrets, clock: Clock, worker: Worker) -> None:
        self._secrets, self._clock, self._worker = secrets_, clock, worker
        self._not_before_s = 0.0
        self._single_use: dict[Role, str] = {}

    def allow_once(self, role: Role, secret: str) -> None:
        """Accept a single-use secret, kept in memory: for simulated cameras, whose host prints it."""
        self._single_use[role] = secret

    async def status(self, role: Role) -> Verdict:
        """Whether a login is possible: *open*, *locked* or *unset*. Raises StorageError."""
        if role in self._single_use:
            return "open"
        failures = await self._worker.run(partial(self._secrets.failures, role))
        if failures is None:
            return "unset"
        return "locked" if failures >= LOCKED_AFTER else "open"

    async def check(self, role: str, secret: str) -> Verdict:
        """Check a secret, after the delay that is due. Each wrong one doubles the next delay. Raises StorageError."""
        await self._clock.sleep(max(0.0, self._not_before_s - self._clock.mono_s()))
        if role not in ROLES:
            self._delay(1)
            return "wrong"
        single_use = self._single_use.get(role)
        if single_use is not None and hmac.compare_digest(single_use.encode(), secret.encode()):
            del self._single_use[role]
            return "open"
        verdict = await self._worker.run(partial(self._secrets.check, role, secret))
        if verdict == "unset" and single_use is not None:
            verdict = "wrong"
        failures = await self._worker.run(partial(self._secrets.failures, role))
        self._delay(0 if verdict == "open" else failures or 1)
        return verdict

    async def set(self, role: Role, secret: str) -> None:
        """Set a secret. Raises StorageError."""
        await self._worker.run(partial(self._secrets.set, role, secret))

    async def unlock(self, role: Role) -> None:
        """End a lock-out. Raises StorageError."""
        await self._worker.run(partial(self._secrets.unlock, role))
        self._not_before_s = 0.0

    def _delay(self, failures: int) -> None:
        delay_s = min(_DELAY_MAX_S, 2.0 ** (failures - 1)) if failures else 0.0
        self._not_before_s = self._clock.mono_s() + delay_s


def weakness(secret: str) -> str:
    """Why a secret is too weak; empty when it is not."""
    if len(secret) < SECRET_MIN_CHARS:
        return f"a secret needs at least {SECRET_MIN_CHARS} characters"
    return "" if len(set(secret)) > 3 else "a secret needs more than three different characters"


def _check(entries: dict[str, _Entry]) -> None:
    """Raises ValueError for an entry that would make a check fail, or take all memory or time."""
    for role, entry in entries.items():
        bytes.fromhex(entry.salt)
        if not 2 <= entry.cost <= _COST_MAX or entry.cost & (entry.cost - 1):
            raise ValueError(f"the cost for {role} is {entry.cost}, not a power of two up to {_COST_MAX}")


def _hashed(secret: str, salt: str, cost: int) -> str:
    return hashlib.scrypt(secret.encode(), salt=bytes.fromhex(salt), n=cost, r=8, p=1, maxmem=2**27).hex()
