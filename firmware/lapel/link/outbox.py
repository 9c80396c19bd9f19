"""The outbox: events and replies that the broker has not acknowledged, and the newest reply to each command.

It is held in memory for this session, which survives an outage, and in a journal for the next one, which survives a
power cut. A worker writes the journal a moment after a message is queued.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

import msgspec

from lapel.errors import StorageError
from lapel.light_event import LightEvent
from lapel.link.journal import KEPT_ANSWERS, Answer, Changes, Journal, Kept, Route, Waiting
from lapel.link.messages import EventKind, EventMessage, Reply
from lapel.worker import Worker

DROPPED_WHEN_FULL: frozenset[EventKind] = frozenset({"state-changed", "source-lost", "source-restored", "self-tested"})
"""Events that only describe a condition. All others are evidence or on record, and are never dropped."""

_RETRY_S = 5.0
_UNFINISHED = ("accepted", "progress")
_REASON_CHARS = 500
_KEPT_ROUTES = 2 * KEPT_ANSWERS


class Outbox:
    """A queue in order, in which each message stays until it is acknowledged. Belongs to the event loop; only `keep`,
    `flush` and `open` use the disk.

    Above `limit` messages the oldest of `DROPPED_WHEN_FULL` are dropped, then the oldest replies, and are counted.
    Other events are queued beyond the limit.
    """

    def __init__(self, journal: Journal, worker: Worker, limit: int = 10_000) -> None:
        self._journal, self._worker, self._limit = journal, worker, limit
        self._replies: list[Waiting] = []
        self._events: list[Waiting] = []
        self._deferred: list[Waiting] = []
        self._answers: dict[str, Answer] = {}
        self._routes: dict[str, Route] = {}
        self._number = 0
        self._added: dict[int, Waiting] = {}
        self._removed: list[int] = []
        self._answered: dict[str, Answer] = {}
        self._changed = LightEvent()
        self._writing = asyncio.Lock()
        self._is_open = False
        self._on_unfinished: Callable[[Reply], None] = lambda _: None
        self.dropped: Counter[str] = Counter()
        """How many were dropped since the start, by kind of event, or `reply`."""
        self.trouble = ""
        """Why the journal cannot be written at the moment; empty while it can."""

    def __len__(self) -> int:
        return len(self._events) + len(self._replies) + len(self._deferred)

    async def open(self, on_unfinished: Callable[[Reply], None]) -> None:
        """Load what an earlier session left, and put it before anything published since. `on_unfinished` is called with
        the newest reply to each command that was accepted there and not finished. When the disk cannot be read yet,
        `keep` tries again; until then nothing is written, so that nothing is overwritten.
        """
        self._on_unfinished = on_unfinished
        try:
            kept = await self._worker.run(self._journal.load)
        except StorageError as error:
            self.trouble = str(error)
            return
        self.trouble, self._is_open = "", True
        self._take_over(kept)

    def put(self, message: EventMessage | Reply) -> None:
        """Queue it last. A reply becomes the answer to its command."""
        self._number += 1
        is_reply = isinstance(message, Reply)
        one = Waiting(self._number, message, self._routes.get(message.id, Route()) if is_reply else Route())
        if isinstance(message, Reply):
            self._remember(Answer(one.number, message, one.route))
        self._lane(one).append(one)
        self._added[one.number] = one
        self._make_room()
        self._changed.set()

    def expect(self, command_id: str, route: Route) -> None:
        """Publish replies to this command by that route."""
        self._routes[command_id] = route
        while len(self._routes) > _KEPT_ROUTES:  # a command that is never answered leaves its route behind
            del self._routes[next(iter(self._routes))]

    def answer(self, command_id: str) -> Reply | None:
        """The newest reply to a command that was received before, in this session or an earlier one."""
        answer = self._answers.get(command_id)
        return answer.reply if answer else None

    def first_reply(self) -> Waiting | None:
        """The reply to send next; it stays until `done`."""
        return self._replies[0] if self._replies else None

    def first_event(self) -> Waiting | None:
        """The event to send next; it stays until `done`."""
        return self._events[0] if self._events else None

    def done(self, one: Waiting) -> None:
        """Remove an acknowledged message. It may have been dropped meanwhile."""
        lane = self._lane(one)
        if lane and lane[0] is one:
            lane.pop(0)
            self._forget(one)

    def yield_to_refusal(self, one: Waiting, reason: str) -> bool:
        """The broker will never accept this message as it is: make it acceptable, or take it out of the way.

        A reply first goes to the plain topic, then without what makes it long, then not at all. An event is deferred
        until `retry_deferred` or the next start. Returns False when it was taken out.
        """
        lane = self._lane(one)
        if not lane or lane[0] is not one:
            return True
        if (acceptable := _acceptable(one, reason)) is not None:
            lane[0] = self._added[one.number] = acceptable
            if isinstance(acceptable.message, Reply):
                self._routes[acceptable.message.id] = acceptable.route
            self._changed.set()
            return True
        lane.pop(0)
        if isinstance(one.message, Reply):
            self._forget(one)
        else:
            self._deferred.append(one)
        return False

    def retry_deferred(self) -> None:
        """Put deferred events back to their place."""
        self._events = sorted((*self._deferred, *self._events), key=lambda one: one.number)
        self._deferred = []

    async def keep(self) -> None:
        """Write changes to the journal as they occur. Runs until cancelled; a disk that fails is tried again."""
        while not self._is_open:
            await asyncio.sleep(_RETRY_S)
            await self.open(self._on_unfinished)
        while True:
            await self._changed.wait()
            if not await self.flush():
                await asyncio.sleep(_RETRY_S)

    async def flush(self) -> bool:
        """Write what has changed so far. Returns False, and sets `trouble`, when the journal cannot be written."""
        if not self._is_open:
            return False
        async with self._writing:
            self._changed.clear()
            changes = Changes(tuple(self._added.values()), tuple(self._removed), tuple(self._answered.values()))
            if not (changes.added or changes.removed or changes.answers):
                return True
            self._added, self._removed, self._answered = {}, [], {}
            try:
                await self._worker.run(lambda: self._journal.apply(changes))
            except StorageError as error:
                self.trouble = str(error)
                self._take_back(changes)
                return False
            self.trouble = ""
            return True

    # -- inside ------------------------------------------------------------------------------------------------------

    def _take_over(self, kept: Kept) -> None:
        self._renumber(kept)
        for one in reversed(kept.waiting):
            self._lane(one).insert(0, one)
        earlier = {one.reply.id: one for one in kept.answers if one.reply.id not in self._answers}
        self._answers = {**earlier, **self._answers}
        self._routes = {**{id_: one.route for id_, one in earlier.items()}, **self._routes}
        for answer in earlier.values():
            if answer.reply.result in _UNFINISHED:
                self._on_unfinished(answer.reply)

    def _lane(self, one: Waiting) -> list[Waiting]:
        return self._replies if isinstance(one.message, Reply) else self._events

    def _remember(self, answer: Answer) -> None:
        self._answers.pop(answer.reply.id, None)
        self._answers[answer.reply.id] = self._answered[answer.reply.id] = answer
        while len(self._answers) > KEPT_ANSWERS:
            oldest = next(iter(self._answers))
            del self._answers[oldest]
            self._routes.pop(oldest, None)

    def _make_room(self) -> None:
        if len(self) <= self._limit:
            return
        for number, one in enumerate(self._events):
            if isinstance(one.message, EventMessage) and one.message.kind in DROPPED_WHEN_FULL:
                del self._events[number]
                self._drop(one, one.message.kind)
                return
        if self._replies:
            self._drop(self._replies.pop(0), "reply")

    def _drop(self, one: Waiting, kind: str) -> None:
        self.dropped[kind] += 1
        self._forget(one)

    def _forget(self, one: Waiting) -> None:
        if self._added.pop(one.number, None) is None:  # otherwise it never needs to reach the disk
            self._removed.append(one.number)
            self._changed.set()

    def _renumber(self, kept: Kept) -> None:
        """Order the messages queued before the journal was read after those in it."""
        last = max((*(one.number for one in kept.waiting), *(one.number for one in kept.answers)), default=0)
        if not last:
            return
        for lane in (self._events, self._replies, self._deferred):
            moved = [Waiting(one.number + last, one.message, one.route) for one in lane]
            lane.clear()
            lane.extend(moved)
        self._added = {one.number: one for lane in (self._events, self._replies, self._deferred) for one in lane}
        self._answered = {id_: Answer(one.number + last, one.reply, one.route) for id_, one in self._answered.items()}
        self._number += last

    def _take_back(self, changes: Changes) -> None:
        """Queue changes again that could not be written, except those that became obsolete meanwhile."""
        gone = set(self._removed)
        early = {one.number: one for one in changes.added if one.number not in gone}
        self._removed = [number for number in self._removed if number not in {one.number for one in changes.added}]
        self._added = {**early, **self._added}
        self._removed = [*changes.removed, *self._removed]
        self._answered = {**{one.reply.id: one for one in changes.answers}, **self._answered}
        self._changed.set()


def _acceptable(one: Waiting, reason: str) -> Waiting | None:
    """A refused reply in a form that the broker may accept; None when there is no other."""
    message = one.message
    if not isinstance(message, Reply):
        return None
    if one.route != Route():
        return Waiting(one.number, message)
    if message.result == "progress" or (message.lines is None and message.detail is None):
        return None
    text = f"the broker refused the answer: {reason}"[:_REASON_CHARS]
    return Waiting(one.number, msgspec.structs.replace(message, result="failed", reason=text, lines=None, detail=None))
