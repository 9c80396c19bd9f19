"""Events and replies that wait for the broker."""

from collections import Counter, deque

from lapel.link.messages import EventMessage, Reply


class MemoryOutbox:
    """A bounded queue in memory: in order, each kept until it is acknowledged; the oldest give way when it is full."""

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._waiting: deque[EventMessage | Reply] = deque()
        self.dropped: Counter[str] = Counter()
        """How many were given up, by kind of event, or `reply`."""

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: EventMessage | Reply) -> None:
        """Queue it last."""
        if len(self._waiting) >= self._limit:
            self.dropped[_kind(self._waiting.popleft())] += 1
        self._waiting.append(message)

    def first(self) -> EventMessage | Reply | None:
        """The one to send next; it stays until `done`."""
        return self._waiting[0] if self._waiting else None

    def done(self, message: EventMessage | Reply) -> None:
        """It was acknowledged. It may have been given up meanwhile."""
        if self._waiting and self._waiting[0] is message:
            self._waiting.popleft()


def _kind(message: EventMessage | Reply) -> str:
    return message.kind if isinstance(message, EventMessage) else "reply"
