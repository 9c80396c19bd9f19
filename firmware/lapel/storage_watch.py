"""The storage card as the camera watches it: free space, self-test, recovery of unfinished recordings."""

from lapel.check import Check
from lapel.errors import StorageError
from lapel.hardware.interfaces import Storage
from lapel.recording import Account
from lapel.worker import Worker


class StorageWatch:
    """Measures and tests the storage through a worker. The camera decides what follows from it."""

    __slots__ = ("_min_free_bytes", "_storage", "_worker", "free_bytes", "is_full")

    def __init__(self, storage: Storage, worker: Worker, min_free_bytes: int) -> None:
        self._storage, self._worker, self._min_free_bytes = storage, worker, min_free_bytes
        self.free_bytes = 0
        """At the last measurement."""
        self.is_full = False
        """Whether fewer than `min_free_bytes` were free at the last measurement."""

    async def measure(self) -> None:
        """Read the free space. Raises StorageError."""
        self.free_bytes = await self._worker.run(self._storage.free_bytes)
        self.is_full = self.free_bytes < self._min_free_bytes

    async def test(self) -> None:
        """Raise StorageError when no recording could be written now."""
        await self._worker.run(self._storage.check)

    async def recover(self) -> list[Account]:
        """Mark what an earlier session left unfinished, and return it. Raises StorageError."""
        return await self._worker.run(self._storage.recover)

    async def self_test(self) -> Check:
        """The storage's part of the camera's self-test."""
        try:
            await self._worker.run(self._storage.check)
            free = await self._worker.run(self._storage.free_bytes)
        except StorageError as error:
            return Check("storage", False, str(error))
        return Check("storage", True, f"{free / 1e9:.1f} GB free")
