import random

from lapel.link.backoff import Backoff, Pace


def test_waits_double_to_a_limit_and_never_agree() -> None:
    one, other = (Backoff(random.Random(seed), 1.0, 8.0) for seed in (1, 2))
    waits = [one.next_s() for _ in range(6)]
    assert all(limit / 2 <= wait <= limit for wait, limit in zip(waits, [1, 2, 4, 8, 8, 8], strict=True))
    assert waits != [other.next_s() for _ in range(6)]
    one.reset()
    assert one.next_s() <= 1.0


def test_the_first_return_of_a_fleet_is_spread_over_all_of_its_time() -> None:
    waits = []
    for seed in range(400):
        backoff = Backoff(random.Random(seed), 1.0, 60.0, spread_s=20.0)
        backoff.reset()
        waits.append(backoff.next_s())
        assert 0.5 <= backoff.next_s() <= 1.0
    busiest = max(sum(second <= wait < second + 1 for wait in waits) for second in range(20))
    assert busiest < 2 * 400 / 20


def test_a_backlog_is_sent_at_its_pace_after_a_first_burst() -> None:
    pace, now_s, sent = Pace(random.Random(1), per_s=20.0, burst=10), 100.0, []
    while len(sent) < 210:
        if wait_s := pace.wait_s(now_s):
            now_s += wait_s
        else:
            sent.append(now_s)
    assert sent[9] == 100.0
    assert 10.0 <= sent[-1] - 100.0 <= 14.0
