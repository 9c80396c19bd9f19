"""The names of this machine for itself: what goes there needs no encryption."""

LOOPBACK = "127.0.0.1"
LOOPBACK_NAMES = frozenset((LOOPBACK, "localhost", "::1"))
