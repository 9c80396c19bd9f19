"""Recovers clips that an earlier session left unfinished, or whose account is damaged: the account is made to describe
what the files hold.

With a manifest: what follows the last whole fragment that a record describes, and an unfinished record, are moved into
files beside, and a signed record says what was found. Without one, as earlier firmware wrote, the video is not altered.
"""

import contextlib
import logging
import os
import struct
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from lapel import mp4_boxes as boxes
from lapel.clock import iso
from lapel.errors import EvidenceError
from lapel.evidence.disk import (
    ACCOUNT,
    UNKNOWN,
    UnreadableAccount,
    name_video,
    read_account,
    release_reserve,
    video_of,
    write_account,
)
from lapel.evidence.interruption import LOST, close_interrupted
from lapel.evidence.manifest import MANIFEST, Sealing
from lapel.evidence.manifest_account import account_of, extent_of
from lapel.evidence.manifest_reader import last_ending, read_manifest
from lapel.files import is_regular_file, reading
from lapel.fragment import TICKS_PER_S
from lapel.own_files import DamageReports, set_aside
from lapel.recording import Account, Cause

_LOST = Cause("camera", LOST)
_log = logging.getLogger(__name__)


def recovered(folder: Path, damage: DamageReports, sealing: Sealing | None = None) -> Account | None:
    """Mark the clip in `folder` *interrupted* if it needs it, and return its account then.

    A folder that cannot be read is logged and left as it is for the next start: it must not keep a camera from
    recording. A clip whose account cannot be written is returned all the same.
    """
    try:
        if is_regular_file(folder / MANIFEST) and sealing is not None:
            with contextlib.suppress(
                EvidenceError
            ):  # lost with its first record: then there is no more than an account
                return _with_manifest(folder, damage, sealing)
        unfinished = _unfinished(folder, damage)
        return None if unfinished is None else _mark(folder, interrupted(unfinished, _extent(folder)))
    except (OSError, ValueError, LookupError, OverflowError, struct.error) as error:
        _log.warning("%s: cannot be recovered and is left as it is: %s", folder, error)
        return None


def _with_manifest(folder: Path, damage: DamageReports, sealing: Sealing) -> Account | None:
    """By the manifest. One that is not closed beside an account that has ended was changed afterwards: no lost session
    leaves that, so it stays as it is for verification to find. Only a disk that failed can.
    """
    status = _status(folder)
    if status in ("complete", "interrupted"):
        return None  # at a start, this is all that is read of most clips
    if (ending := last_ending(folder / MANIFEST)) is not None:
        return None if status not in (None, "recording") else _restored(folder, ending.account, damage)
    release_reserve(folder)  # the lost session could not; a full disk needs the space now
    manifest = read_manifest(folder / MANIFEST)
    video = video_of(folder)
    account = interrupted(account_of(manifest), extent_of(manifest, video.stat().st_size if video else 0))
    return _restored(folder, close_interrupted(folder, manifest, account, sealing), damage)


def _status(folder: Path) -> str | None:
    """Status by `recording.json`; None when that cannot be used."""
    try:
        account = read_account(folder)
    except UnreadableAccount:
        return None
    return account.status if account is not None else "unknown"


def _restored(folder: Path, account: Account, damage: DamageReports) -> Account:
    """Write the account that the manifest ends with; one that cannot be used is kept beside."""
    if os.path.lexists(folder / ACCOUNT):
        try:
            read_account(folder)
        except UnreadableAccount as error:
            damage.add(set_aside(folder / ACCOUNT, str(error)))
    return _mark(folder, account)


def interrupted(account: Account, found: boxes.Extent) -> Account:
    """`account` of an interrupted clip: it describes what the file really holds."""
    duration_s = round(found.end_ticks / TICKS_PER_S, 3)
    begun = account.start_time if found.fragments else None
    described = msgspec.structs.replace(
        account,
        status="interrupted",
        stop=account.stop or _LOST,
        start_time=begun,
        end_time=None if begun is None else iso(datetime.fromisoformat(begun) + timedelta(seconds=duration_s)),
        duration_s=duration_s,
        frames=found.frames,
        fragments=found.fragments,
        video_bytes=found.whole_bytes,
        torn_bytes=found.torn_bytes,
    )
    return described if account.prebuffer_saved else _with_part_of_the_pre_event(described)


def _with_part_of_the_pre_event(account: Account) -> Account:
    """Compute the pre-event part of a clip whose session ended before it could record it."""
    actual_s = 0.0
    if account.start_time is not None:
        before_s = _seconds_between(account.start_time, account.trigger_time)
        gaps_s = sum(min(gap.duration_s, before_s - gap.start_s) for gap in account.gaps if gap.start_s < before_s)
        actual_s = round(max(0.0, min(before_s, account.duration_s) - gaps_s), 3)
    short = actual_s < account.prebuffer_configured_s
    reason = "interrupted before the pre-event part was on disk" if short else None
    return msgspec.structs.replace(account, prebuffer_actual_s=actual_s, prebuffer_shortfall=reason)


def _seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def _unfinished(folder: Path, damage: DamageReports) -> Account | None:
    """The account that has to be marked, or None when this folder needs nothing."""
    try:
        account = read_account(folder)
    except UnreadableAccount as error:
        if video_of(folder) is None:
            return None
        if os.path.lexists(folder / ACCOUNT):
            damage.add(set_aside(folder / ACCOUNT, str(error)))
        return _rebuilt(folder.name)
    return account if account is not None and account.status == "recording" else None


def _rebuilt(recording: str) -> Account:
    """A new account for a video without a readable one: only the folder's name is known."""
    unknown = Cause(UNKNOWN, f"{ACCOUNT} was missing or damaged")
    return Account(
        recording=recording,
        agency=UNKNOWN,
        site=UNKNOWN,
        camera=UNKNOWN,
        session=UNKNOWN,
        firmware=UNKNOWN,
        clock_quality=UNKNOWN,
        trigger_time=UNKNOWN,
        start=unknown,
        stop=unknown,
        prebuffer_configured_s=0.0,
    )


def whole_extent(folder: Path) -> boxes.Extent:
    """How much of a clip is whole: by its manifest, or without one by its video."""
    if is_regular_file(folder / MANIFEST):
        path = video_of(folder)
        return extent_of(read_manifest(folder / MANIFEST), path.stat().st_size if path is not None else 0)
    return _extent(folder)


def _extent(folder: Path) -> boxes.Extent:
    path = video_of(folder)
    if path is None:
        return boxes.NOTHING
    with reading(path) as file:
        return boxes.extent(file)


def _mark(folder: Path, described: Account) -> Account:
    release_reserve(folder)  # the lost session could not; a full disk needs the space now
    try:
        name_video(folder, described)
        write_account(folder, described)
    except OSError as error:
        _log.warning("%s: was interrupted, and its account could not be written: %s", folder, error)
    return described
