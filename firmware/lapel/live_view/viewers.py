"""Who watches: a viewer is there from the first look until none came for some seconds."""

from collections.abc import Iterator
from dataclasses import dataclass

MOST_VIEWERS = 8
"""Of one camera at a time: each takes its bit rate from the camera's own link."""
GONE_AFTER_S = 15.0
"""A player fetches every few seconds, a page a thumbnail every five."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person who watches, by name."""

    name: str
    through: str = ""
    """The name of the token with which another system fetches for them; empty when it is their own."""


class Viewers:
    """The viewers of one camera, each with the time of the first and of the newest look. Pure."""

    def __init__(self) -> None:
        self._looks: dict[Viewer, tuple[float, float]] = {}

    def __len__(self) -> int:
        return len(self._looks)

    def __contains__(self, viewer: Viewer) -> bool:
        return viewer in self._looks

    def look(self, viewer: Viewer, now_s: float) -> bool:
        """A look. Returns whether there is room for this viewer."""
        began_s, _ = self._looks.get(viewer, (now_s, now_s))
        if viewer not in self._looks and len(self._looks) >= MOST_VIEWERS:
            return False
        self._looks[viewer] = began_s, now_s
        return True

    def take_gone(self, now_s: float) -> Iterator[tuple[Viewer, float]]:
        """Remove the viewers that are gone; each with the seconds that they watched."""
        for viewer, (began_s, newest_s) in list(self._looks.items()):
            if now_s - newest_s >= GONE_AFTER_S:
                del self._looks[viewer]
                yield viewer, newest_s - began_s

    def take_all(self, now_s: float) -> Iterator[tuple[Viewer, float]]:
        """Remove every viewer, since there is nothing more to see."""
        for viewer, (began_s, _) in self._looks.items():
            yield viewer, now_s - began_s
        self._looks = {}
