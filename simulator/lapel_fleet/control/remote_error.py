"""A failure that another process foresaw, raised here as what it was there."""

from lapel.errors import ConfigError, LapelError, LinkError, StorageError

_KINDS: dict[int, type[LapelError]] = {one.exit_code: one for one in (ConfigError, StorageError, LinkError)}


def remote_error(message: str, exit_code: int) -> LapelError:
    """To be raised: the kind that ends a command with that code."""
    return _KINDS.get(exit_code, LapelError)(message)
