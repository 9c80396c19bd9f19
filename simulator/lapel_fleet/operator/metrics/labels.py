"""Label values that come from messages: bounded, because a camera could otherwise fill the monitoring system."""


class BoundedLabel:
    """The first `most` values as they are; `other` in place of all further ones."""

    def __init__(self, most: int) -> None:
        self._known: set[str] = set()
        self._most = most

    def __call__(self, value: str) -> str:
        """The label for that value."""
        if value in self._known:
            return value
        if len(self._known) >= self._most:
            return "other"
        self._known.add(value)
        return value
