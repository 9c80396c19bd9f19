"""Which recordings may be deleted from the storage card: those whose import a back end has confirmed, after their time.

Knows no files: see `deletion.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lapel.errors import ConfigError
from lapel.evidence.receipt import Receipt

_DAYS_MAX = 36_500


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """How long a recording stays on the card after a back end has confirmed that it imported it."""

    keep: timedelta
    by_category: Mapping[str, timedelta] = field(default_factory=dict)
    """For recordings whose receipt names a category; others stay for `keep`."""

    def reason_to_keep(self, receipt: Receipt | None, now: datetime) -> str | None:
        """Why a recording must stay; None when it may go. `receipt` is one that holds."""
        if receipt is None:
            return "no back end has confirmed that it imported the recording"
        until = datetime.fromisoformat(receipt.received_at) + self.by_category.get(receipt.category, self.keep)
        return f"it stays until {until:%Y-%m-%d %H:%M} UTC" if now < until else None


def parse_categories(text: str) -> dict[str, timedelta]:
    """`traffic stop=1, use of force=90`, in days. Raises ConfigError."""
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        category, _, days = part.rpartition("=")
        try:
            count = float(days)
        except ValueError:
            count = -1.0
        if not category.strip() or not 0 <= count <= _DAYS_MAX:
            raise ConfigError(
                f"[evidence] keep_categories: {part!r} is no category with days, such as `traffic stop=1`"
            )
        found[category.strip()] = timedelta(days=count)
    return found
