"""Saving from code that cannot wait for the disk, such as a timer or a gesture."""

import asyncio
from collections.abc import Awaitable, Callable


class BackgroundSave:
    """Saves in a task of its own. What changes while a save runs is saved by the same task, so that no two write the
    file at once.
    """

    __slots__ = ("_is_due", "_name", "_save", "_task")

    def __init__(self, save: Callable[[], Awaitable[None]], name: str) -> None:
        """`save` writes the current content, and reports what goes wrong; `name` is the task's."""
        self._save, self._name = save, name
        self._is_due = False
        self._task: asyncio.Task[None] | None = None

    def request(self) -> None:
        """Something has changed."""
        self._is_due = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name=self._name)

    def close(self) -> None:
        """Cancel a save that has not ended."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        while self._is_due:
            self._is_due = False
            await self._save()
