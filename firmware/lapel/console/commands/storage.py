"""The card: room, and whether it takes what it is given."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Pairs, Text, size


async def _show(call: Invocation) -> Answer:
    card = await call.desk.card()
    free = size(card.free_bytes) if card.free_bytes is not None else "unknown"
    rows = [("folder", card.folder), ("free", free), ("needed", f"{size(card.needed_bytes)} to begin a recording")]
    return Answer(card, (Text(card.finding, "good" if card.ok else "bad"), Pairs(rows)))


NOUN = Noun("storage", "the card that recordings go to", (Verb("show", _show, "room, and whether it can be written"),))
