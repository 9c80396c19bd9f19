import random

from hypothesis import given
from hypothesis import strategies as st

from lapel.link.backoff import Backoff
from lapel.link.messages import EventMessage
from lapel.link.outbox import MemoryOutbox


def event(number: int) -> EventMessage:
    return EventMessage(id=str(number), kind="marker", time="2026-11-24T07:00:00Z", mono_s=1.0, camera="c",
                        session="s", detail={})  # fmt: skip


def test_a_message_stays_until_it_is_done() -> None:
    box = MemoryOutbox()
    for number in range(3):
        box.put(event(number))
    first = box.first()
    assert first is box.first()
    assert first is not None
    box.done(first)
    box.done(first)
    assert [box.first().id, len(box)] == ["1", 2]  # type: ignore[union-attr]


@given(st.integers(0, 40))
def test_when_it_is_full_the_oldest_give_way_and_are_counted(count: int) -> None:
    box = MemoryOutbox(limit=10)
    for number in range(count):
        box.put(event(number))
    assert len(box) + box.dropped.total() == count
    assert len(box) <= 10


def test_waits_double_to_a_limit_and_never_agree() -> None:
    one, other = (Backoff(random.Random(seed), 1.0, 8.0) for seed in (1, 2))
    waits = [one.next_s() for _ in range(6)]
    assert all(limit / 2 <= wait <= limit for wait, limit in zip(waits, [1, 2, 4, 8, 8, 8], strict=True))
    assert waits != [other.next_s() for _ in range(6)]
    one.reset()
    assert one.next_s() <= 1.0
