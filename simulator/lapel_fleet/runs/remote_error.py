"""An error of another process, raised here as the same kind."""

from lapel.errors import ConfigError, LapelError, LinkError, StorageError

_KINDS: dict[int, type[LapelError]] = {one.exit_code: one for one in (ConfigError, StorageError, LinkError)}


def remote_error(message: str, exit_code: int) -> LapelError:
    """The error to raise: of the kind whose exit code this is."""
    return _KINDS.get(exit_code, LapelError)(message)
