"""Accounts of clips, as a recorder writes them first."""

from typing import Any

import msgspec

from fragments import EPOCH
from lapel.clock import iso
from lapel.recording import Account, Cause

_BLANK = Account(
    recording="clip-1",
    agency="demo",
    site="baltimore",
    camera="cam-0001",
    session="session-1",
    firmware="0.1.0",
    clock_quality="synced",
    trigger_time=iso(EPOCH),
    start_time=iso(EPOCH),
    start=Cause("button"),
    prebuffer_configured_s=0.0,
    prebuffer_saved=True,
)


def account(recording: str = "clip-1", **changes: Any) -> Account:
    """The account of a clip that has just been started."""
    return msgspec.structs.replace(_BLANK, recording=recording, **changes)
