from datetime import UTC, datetime, timedelta

import pytest

from lapel.errors import ConfigError
from lapel.evidence.receipt import Receipt
from lapel.evidence.retention import RetentionRules, parse_categories

RECEIVED = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
RULES = RetentionRules(timedelta(days=7), {"use of force": timedelta(days=90), "test": timedelta(0)})


def receipt(category: str = "") -> Receipt:
    return Receipt(
        recording="clip-1",
        camera="demo/home/cam-1",
        close="0" * 64,
        fragments=1,
        bytes=1,
        received_at=RECEIVED.isoformat(),
        category=category,
        back_end="Store",
        key_id="0" * 64,
    )


@pytest.mark.parametrize(
    ("category", "days"), [("", 7), ("use of force", 90), ("test", 0), ("a category without a rule", 7)]
)
def test_a_recording_stays_for_the_days_of_its_category(category: str, days: int) -> None:
    end = RECEIVED + timedelta(days=days)
    just_before = RULES.reason_to_keep(receipt(category), end - timedelta(seconds=1))
    assert just_before == f"it stays until {end:%Y-%m-%d} 12:00 UTC"
    assert RULES.reason_to_keep(receipt(category), end) is None


def test_without_a_receipt_a_recording_stays_for_ever() -> None:
    never = datetime(9000, 1, 1, tzinfo=UTC)
    assert RULES.reason_to_keep(None, never) == "no back end has confirmed that it imported the recording"


def test_categories_are_read_from_one_setting() -> None:
    expected = {"traffic stop": timedelta(days=1), "use of force": timedelta(days=90.5)}
    assert parse_categories("traffic stop=1, use of force = 90.5") == expected
    assert parse_categories("") == {}


@pytest.mark.parametrize("text", ["traffic", "=3", "traffic=soon", "traffic=-1", "traffic=nan", "traffic=1e9"])
def test_what_is_no_category_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=r"\[evidence\] keep_categories: '.*' is no category with days"):
        parse_categories(text)
