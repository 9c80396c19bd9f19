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
    ("received", "delivery", "trusted", "reason"),
    [
        (command(), Delivery(), True, None),
        (command(), Delivery(retained=True), True, "never executed"),
        (FRESH, Delivery(retained=True), True, "never executed"),
        (FRESH, Delivery(), True, None),
        (STALE, Delivery(), True, "expired at 2026-11-24T07:00:30.000Z"),
        (STALE, Delivery(), False, None),  # no comparison with a clock that was never set; delivered live
        (command(), QUEUED, True, "from the broker's offline queue"),
        (FRESH, QUEUED, True, None),
        (FRESH, QUEUED, False, "from the broker's offline queue"),
        (command(), Delivery(live=False, expiry_s=3.0), False, None),  # the broker counts the expiry
        (STALE, Delivery(live=False, expiry_s=3.0), True, "expired"),
        (command(name="status"), QUEUED, True, None),
        (command(name="request-log"), QUEUED, True, None),
        (command(name="reboot"), QUEUED, True, "from the broker's offline queue"),
        (command("2026-06-31T07:00:25Z", 10), Delivery(), True, None),  # no such day: as without a deadline
        (command("2026-06-31T07:00:25Z", 10), QUEUED, True, "from the broker's offline queue"),
        (command("2026-11-24T07:00:25Z", 1e300), QUEUED, True, "from the broker's offline queue"),
    ],
)
def test_when_a_command_may_be_carried_out(
    received: Command, delivery: Delivery, trusted: bool, reason: str | None
) -> None:
    found = objection(received, delivery, NOW, trusted=trusted)
    assert (found is None) if reason is None else (found is not None and reason in found)
