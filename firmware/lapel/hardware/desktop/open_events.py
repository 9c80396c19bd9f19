"""Who opens a device that is in use? The kernel tells, for a pseudo terminal as for any file (inotify, Linux)."""

import ctypes
import os

_IN_OPEN = 0x20
_EVENTS_BYTES = 4096
_libc = ctypes.CDLL(None, use_errno=True)


class OpenEvents:
    """A watch on one device. Every opening counts, our own too."""

    def __init__(self, device: str) -> None:
        """Raises OSError where the kernel gives no watch: `fs.inotify.max_user_instances` limits them."""
        self._descriptor = _checked(_libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        try:
            _checked(_libc.inotify_add_watch(self._descriptor, device.encode(), _IN_OPEN))
        except OSError:
            self.close()
            raise

    def fileno(self) -> int:
        """Readable once there was one."""
        return self._descriptor

    def were_any(self) -> bool:
        """Whether there were any since this was last asked."""
        try:
            return bool(os.read(self._descriptor, _EVENTS_BYTES))
        except BlockingIOError:
            return False

    def close(self) -> None:
        """Let go of the watch."""
        os.close(self._descriptor)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
