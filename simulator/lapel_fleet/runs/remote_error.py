"""An error that was raised in another process, to be raised here as the same kind."""

from lapel.errors import ConfigError, LapelError, LinkError, StorageError

_KINDS: dict[int, type[LapelError]] = {one.exit_code: one for one in (ConfigError, StorageError, LinkError)}


def remote_error(message: str, exit_code: int) -> LapelError:
    """The error to raise: of the kind that has this exit code."""
    return _KINDS.get(exit_code, LapelError)(message)
