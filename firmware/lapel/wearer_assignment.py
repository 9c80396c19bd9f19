"""Who wears a camera: the wearer to whom it is assigned, and another one who uses it, by their badge ids."""

from collections.abc import Callable, Sequence

from lapel.errors import ConfigError
from lapel.link.event_details import WearerChanged
from lapel.reporter import Reporter
from lapel.sanitize import plain
from lapel.wearer_store import WearerNotes

BADGE_CHARS = 64


def checked_badge(text: str) -> str:
    """A badge id, without blanks around it. Raises ConfigError for one that cannot be."""
    badge = text.strip()
    if not badge or len(badge) > BADGE_CHARS or not badge.isprintable():
        shown = plain(badge)[:BADGE_CHARS]
        raise ConfigError(f"{shown!r} is no badge id: write 1 to {BADGE_CHARS} printable characters")
    return badge


class WearerAssignment:
    """The wearer of one camera."""

    __slots__ = ("_is_required", "_keep", "_notes", "_on_change", "_reporter")

    def __init__(
        self,
        notes: Callable[[], WearerNotes],
        keep: Callable[..., None],
        reporter: Reporter,
        on_change: Callable[[], None],
        *,
        is_required: bool,
    ) -> None:
        """`keep` changes the notes, and saves them. `is_required`: without a wearer there is a flag, and a warning."""
        self._notes, self._keep, self._reporter = notes, keep, reporter
        self._on_change, self._is_required = on_change, is_required

    def flags(self) -> Sequence[str]:
        """Flags of the state message."""
        notes = self._notes()
        is_missing = self._is_required and not (notes.assigned or notes.present)
        return ["no-wearer"] * is_missing + ["other-wearer"] * bool(notes.present)

    def assign(self, badge: str, source: str) -> None:
        """The camera is this wearer's from now on. Raises ConfigError for a badge id that cannot be."""
        self._change(source, assigned=checked_badge(badge), present="")

    def clear(self, source: str) -> None:
        """The camera is assigned to no wearer."""
        self._change(source, assigned="", present="")

    def set_present(self, badge: str, source: str) -> None:
        """This wearer uses it, who may be another than the one to whom it is assigned. Raises ConfigError."""
        badge = checked_badge(badge)
        self._change(source, present="" if badge == self._notes().assigned else badge)

    def _change(self, source: str, **changes: str) -> None:
        self._keep(**changes)
        notes = self._notes()
        self._reporter.announce(f"wearer: {description(notes)}")
        self._reporter.emit(WearerChanged(assigned=notes.assigned, present=notes.present, source=source))
        self._on_change()


def description(notes: WearerNotes) -> str:
    """Who wears the camera, in words."""
    assigned = f"assigned to {notes.assigned}" if notes.assigned else "assigned to no wearer"
    return f"{notes.present}, who is not the assignee; {assigned}" if notes.present else assigned
