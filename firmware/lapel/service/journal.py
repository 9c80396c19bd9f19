"""Lines for the systemd journal, with fields: `journalctl LAPEL_STATE=fault`."""

import contextlib
import socket
from collections.abc import Mapping

SOCKET = "/run/systemd/journal/socket"


class Journal:
    """Writes to the journal's socket, by its native protocol."""

    def __init__(self, fields: Mapping[str, str], address: str = SOCKET) -> None:
        """`fields` are in every entry."""
        self._fields, self._address = dict(fields), address

    def write(self, message: str, **fields: str) -> bool:
        """Write an entry. False when the journal does not take it; never blocks."""
        entry = {"MESSAGE": message, **self._fields, **fields}
        data = b"".join(_field(name, value) for name, value in entry.items())
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
            sending.setblocking(False)
            sending.sendto(data, self._address)
            return True
        return False


def _field(name: str, value: str) -> bytes:
    """A value with line breaks has its length before it."""
    data = value.encode(errors="replace")
    if b"\n" not in data:
        return name.encode() + b"=" + data + b"\n"
    return name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"
