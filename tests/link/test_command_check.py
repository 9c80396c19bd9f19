from datetime import UTC, datetime

import pytest

from lapel.link.command_check import Delivery, objection
from lapel.link.messages import Command, CommandName

NOW = datetime(2026, 11, 24, 7, 0, 30, tzinfo=UTC)
QUEUED = Delivery(live=False)


def command(sent_at: str | None = None, ttl_s: float | None = None, name: CommandName = "start-recording") -> Command:
    return Command(id="1", command=name, sent_at=sent_at, ttl_s=ttl_s)


FRESH = command("2026-11-24T07:00:25Z", 10)
STALE = command("2026-11-24T07:00:25Z", 5)


@pytest.mark.parametrize(
    ("asked", "delivery", "trusted", "said"),
    [
        (command(), Delivery(), True, None),
        (command(), Delivery(retained=True), True, "never executed"),
        (FRESH, Delivery(retained=True), True, "never executed"),
        (FRESH, Delivery(), True, None),
        (STALE, Delivery(), True, "expired at 2026-11-24T07:00:30.000Z"),
        (STALE, Delivery(), False, None),  # a clock that was never set may not judge, and it came live
        (command(), QUEUED, True, "out of the broker's queue"),
        (FRESH, QUEUED, True, None),
        (FRESH, QUEUED, False, "out of the broker's queue"),
        (command(), Delivery(live=False, expiry_s=3.0), False, None),  # the broker counted
        (STALE, Delivery(live=False, expiry_s=3.0), True, "expired"),
        (command(name="status"), QUEUED, True, None),
        (command(name="request-log"), QUEUED, True, None),
        (command(name="reboot"), QUEUED, True, "out of the broker's queue"),
        (command("2026-06-31T07:00:25Z", 10), Delivery(), True, None),  # no such day: as if nothing were said
        (command("2026-06-31T07:00:25Z", 10), QUEUED, True, "out of the broker's queue"),
        (command("2026-11-24T07:00:25Z", 1e300), QUEUED, True, "out of the broker's queue"),
    ],
)
def test_when_a_command_may_be_carried_out(asked: Command, delivery: Delivery, trusted: bool, said: str | None) -> None:
    reason = objection(asked, delivery, NOW, trusted=trusted)
    assert (reason is None) if said is None else (reason is not None and said in reason)
