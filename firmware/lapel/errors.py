"""The errors that Lapel raises on purpose.

    LapelError
    ├── ConfigError       a file, flag or variable holds an invalid key or value     exit 2
    ├── VideoError        a video source cannot deliver frames                       exit 2
    │   └── VideoEnded    … because a file has ended                                 exit 0
    ├── AudioError        a microphone cannot deliver sound                          exit 2
    ├── StorageError      the evidence folder cannot be read or written              exit 3
    │   ├── DamagedFileError  … because a file that the camera wrote is damaged      exit 3
    │   └── ClipLostError     … because a clip was removed or changed by others      exit 3
    ├── EvidenceError     a key, certificate, manifest or receipt cannot be used         exit 2
    ├── TraceError        a hardware trace cannot be written or read                 exit 2
    ├── LinkError         the fleet broker cannot be reached or refuses              exit 4
    ├── OffloadError      an evidence back end cannot be reached or refuses          exit 4
    │   ├── RejectedError     … this recording, for good                             exit 4
    │   ├── BlockedError      … every recording, until a person acts                 exit 4
    │   └── BusyError         … for the moment                                       exit 4
    │       └── UnavailableError  … whatever is sent: the trouble is not the recording   exit 4
    ├── MessageError      a received message does not fit the contract               exit 2
    └── ConsoleError      the console cannot carry out what was typed                exit 2

Each also derives from the builtin error that fits best, so that code which knows nothing of Lapel can catch it.
A message names the thing (file, key, topic, device) and what to do about it; users see it unchanged.
"""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lapel.mp4_boxes import Extent


class LapelError(Exception):
    """Any expected failure. `exit_code` is the exit code of a command that ends with it."""

    exit_code = 1


class ConfigError(LapelError, ValueError):
    """A configuration file, flag or environment variable holds an unknown key or an invalid value."""

    exit_code = 2


class VideoError(LapelError, OSError):
    """A video source cannot be opened, or has stopped delivering frames."""

    exit_code = 2


class VideoEnded(VideoError, EOFError):
    """A video file has ended and is not configured to loop."""

    exit_code = 0


class AudioError(LapelError, OSError):
    """A microphone cannot be opened, or has stopped delivering sound."""

    exit_code = 2


class StorageError(LapelError, OSError):
    """The evidence folder is missing, read-only, full, in use by another camera, or failed a write."""

    exit_code = 3


class DamagedFileError(StorageError):
    """A file that the camera wrote itself cannot be used: it is damaged, was edited, or is not a regular file."""


class ClipLostError(StorageError):
    """The video of a clip was removed, replaced or changed while it was written. The storage itself may be sound."""

    def __init__(self, message: str, left: "Extent") -> None:
        super().__init__(message)
        self.left = left
        """What is left of the video under its name."""


class EvidenceError(LapelError, ValueError):
    """A key, a certificate, a manifest or a receipt is missing, unreadable, or not what it should be."""

    exit_code = 2


class TraceError(LapelError, ValueError):
    """A hardware trace cannot be written, or what should be one is damaged."""

    exit_code = 2


class LinkError(LapelError, ConnectionError):
    """The fleet broker cannot be reached, or refused this camera."""

    exit_code = 4


class OffloadError(LapelError, ConnectionError):
    """An evidence back end cannot be reached, or refused what the camera sent."""

    exit_code = 4


class RejectedError(OffloadError):
    """The back end will never take this recording as it is: it is not offered again until a person asks for it."""


class BlockedError(OffloadError):
    """The back end takes nothing until a person acts: no licence, no room, no permission, wrong secret or address."""


class BusyError(OffloadError):
    """The back end cannot take it at the moment: unreachable, overloaded, or what arrived differs from what was sent.

    `wait_s`: for how long it asked the camera to wait; None where it did not say.
    """

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class UnavailableError(BusyError):
    """The back end as a whole takes nothing at the moment: no connection, no token, no registration. That says nothing
    about the recording that was tried, which keeps its turn.
    """


class MessageError(LapelError, ValueError):
    """A received message does not fit the contract: not JSON, too large, a key missing or of the wrong type.

    `command_id` and `command` are what could be read of a command, so that it can be answered; else empty.
    """

    exit_code = 2

    def __init__(self, message: str, command_id: str = "", command: str = "") -> None:
        super().__init__(message)
        self.command_id = command_id
        self.command = command


class ConsoleError(LapelError, ValueError):
    """A console command cannot be carried out; `result` is the kind of failure, for programs."""

    exit_code = 2

    def __init__(self, message: str, result: Literal["usage", "refused", "failed", "denied"] = "failed") -> None:
        super().__init__(message)
        self.result: Literal["usage", "refused", "failed", "denied"] = result
