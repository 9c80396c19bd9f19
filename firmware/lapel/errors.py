"""Everything that Lapel raises on purpose.

    LapelError
    ├── ConfigError       a file, flag or variable says something that cannot be     exit 2
    ├── VideoError        a picture source cannot deliver                            exit 2
    │   └── VideoEnded    … because it is over: a file came to its end               exit 0
    ├── StorageError      the evidence folder cannot take or give what it must       exit 3
    ├── LinkError         the fleet broker cannot be reached or refuses              exit 4
    ├── MessageError      somebody sent what the contract does not allow             exit 2
    └── ConsoleError      the console cannot do what was typed                       exit 2

Each is also the builtin that fits best, so that code which knows nothing of Lapel can catch it.
A message names the thing (file, key, topic, device) and says what to do about it; it is shown to users as it is.
"""

from typing import Literal


class LapelError(Exception):
    """Any failure that Lapel foresaw. `exit_code` is what a command ends with when it meets one."""

    exit_code = 1


class ConfigError(LapelError, ValueError):
    """A configuration file, flag or environment variable holds an unknown key or an impossible value."""

    exit_code = 2


class VideoError(LapelError, OSError):
    """A picture source cannot be opened, or stopped delivering."""

    exit_code = 2


class VideoEnded(VideoError, EOFError):
    """A file played to its end and was not asked to loop."""

    exit_code = 0


class StorageError(LapelError, OSError):
    """The evidence folder is missing, read-only, full, in use by another camera, or failed a write."""

    exit_code = 3


class LinkError(LapelError, ConnectionError):
    """The fleet broker cannot be reached, or refused this camera."""

    exit_code = 4


class MessageError(LapelError, ValueError):
    """A message that came in does not fit the contract: not JSON, too large, a key missing or of the wrong kind.

    `command_id` and `command` are what could be read of a command, so that its sender can be answered; else empty.
    """

    exit_code = 2

    def __init__(self, message: str, command_id: str = "", command: str = "") -> None:
        super().__init__(message)
        self.command_id = command_id
        self.command = command


class ConsoleError(LapelError, ValueError):
    """Something typed at the console cannot be done; `result` says of what kind that is, for programs."""

    exit_code = 2

    def __init__(self, message: str, result: Literal["usage", "refused", "failed", "denied"] = "failed") -> None:
        super().__init__(message)
        self.result: Literal["usage", "refused", "failed", "denied"] = result
