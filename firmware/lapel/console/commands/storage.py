"""The storage for recordings: free space, what is on it, and whether it can be written."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Pairs, Text, length, size


async def _show(call: Invocation) -> Answer:
    storage = await call.camera.storage()
    free = size(storage.free_bytes) if storage.free_bytes is not None else "unknown"
    left = f"about {length(storage.seconds_left)} of video" if storage.seconds_left is not None else "unknown"
    rows = [
        ("folder", storage.folder),
        ("free", free),
        ("room for", left),
        ("recordings", "unknown" if storage.recordings is None else str(storage.recordings)),
        ("needed", f"{size(storage.needed_bytes)} to start a recording"),
    ]
    return Answer(storage, (Text(storage.finding, "good" if storage.ok else "bad"), Pairs(rows)))


NOUN = Noun(
    "storage", "the storage for recordings", (Verb("show", _show, "free space, and whether it can be written"),)
)
