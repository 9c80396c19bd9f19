"""Detects that a device is opened again while it is in use, by inotify (Linux); works for pseudo terminals, too."""

import ctypes
import os

_IN_OPEN = 0x20
_EVENTS_BYTES = 4096
_libc = ctypes.CDLL(None, use_errno=True)


class OpenEvents:
    """A watch on one device. It counts every opening, also by this process."""

    def __init__(self, device: str) -> None:
        """Raises OSError where the kernel has no watch left: `fs.inotify.max_user_instances` limits them."""
        self._descriptor = _checked(_libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        try:
            _checked(_libc.inotify_add_watch(self._descriptor, device.encode(), _IN_OPEN))
        except OSError:
            self.close()
            raise

    def fileno(self) -> int:
        """A descriptor that is readable once the device was opened."""
        return self._descriptor

    def were_any(self) -> bool:
        """Whether the device was opened since the last call."""
        try:
            return bool(os.read(self._descriptor, _EVENTS_BYTES))
        except BlockingIOError:
            return False

    def close(self) -> None:
        """End the watch."""
        os.close(self._descriptor)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
