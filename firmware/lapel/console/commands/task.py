"""The firmware's asyncio tasks."""

import asyncio

from lapel.console.command import Answer, Noun, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Text


async def _list(_: Invocation) -> Answer:
    names = sorted(task.get_name() for task in asyncio.all_tasks() if not task.done())
    return Answer(names, tuple(Text(name) for name in names))


NOUN = Noun("task", "the firmware's tasks", (Verb("list", _list, "the names of all running tasks"),))
