"""The reason that keeps cameras offline is reported with what to do about it."""

import pytest

from lapel_fleet.runs.measurement.connection_limits import limit_reached


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("mqtt://127.0.0.1:1883: [Errno 24] Too many open files", "ulimit -n"),
        ("mqtt://127.0.0.1:1883: [Errno 99] Cannot assign requested address", "--bind-addresses"),
        ("mqtt://127.0.0.1:1883: [Errno 98] Address already in use", "--bind-addresses"),
        ("mqtt://127.0.0.1:1883: [Errno 111] Connection refused", "the broker's own limit"),
        ("mqtt://127.0.0.1:1883: [code:151] Quota exceeded", "the broker's own limit"),
    ],
)
def test_each_limit_has_its_remedy(reason: str, remedy: str) -> None:
    text = limit_reached({"mqtt://127.0.0.1: timed out": 3, reason: 1200})
    assert text.startswith(f"; 1,200 of them: {reason} (")
    assert remedy in text


def test_without_a_reason_there_is_no_remedy() -> None:
    assert limit_reached({}) == ""
