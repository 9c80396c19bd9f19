"""What has not left the cameras yet, as numbers that can be merged from several worker processes."""

from collections.abc import Iterable

import msgspec

from lapel.offload.listener import OffloadStatus


class Backlog(msgspec.Struct, frozen=True):
    """Recordings on the cameras that no evidence back end has confirmed."""

    recordings: int = 0
    size_bytes: int = 0
    """Of those that have not arrived."""

    @staticmethod
    def of(status: OffloadStatus | None) -> "Backlog | None":
        """That of one camera."""
        if status is None:
            return None
        return Backlog(status.recordings_left + status.awaiting_receipt + len(status.refused), status.bytes_left)

    @staticmethod
    def merged(parts: Iterable["Backlog | None"]) -> "Backlog | None":
        """All of them as one; None where no camera offloads."""
        known = [one for one in parts if one is not None]
        if not known:
            return None
        return Backlog(sum(one.recordings for one in known), sum(one.size_bytes for one in known))
