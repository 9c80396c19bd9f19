"""One check of a self-test, or of a probe of the broker."""

import msgspec


class Check(msgspec.Struct, frozen=True):
    """What was checked, whether it passed, and what was found, in words."""

    name: str
    ok: bool
    finding: str
