"""One finding: of a self-test, or of a step on the way to a broker."""

import msgspec


class Check(msgspec.Struct, frozen=True):
    """What was looked at, whether it is well, and what was found, in words."""

    name: str
    ok: bool
    finding: str
