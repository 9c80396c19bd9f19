"""Checkers of offload: recordings reach the evidence back end once, whole and in order, and stay until it has confirmed
them.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from lapel.evidence.receipt import Receipt
from lapel.recording import Account
from lapel_fleet.checkers.records import ActualRecord, Case
from lapel_fleet.checkers.uploads import Upload, kind_of

_JUST_ENDED_S = 5.0
"""A recording that ended so shortly before another one began to leave need not have been considered."""
_TOGETHER_S = 1.0
"""Several recordings may leave at once: those that begin so shortly after each other have no order."""
_CHANGES = ("begun", "stored", "described", "completed", "refused")


def clips_are_offloaded_once(case: Case) -> Iterator[str | None]:
    """The video of a clip arrives once: again only if it arrived changed, or if power was lost meanwhile; never in two
    containers.
    """
    actual, received = case
    for clip, videos in _videos(received.uploads or ()).items():
        containers = {one.container for one in videos}
        content = actual.contents.get(clip)
        whole = [one for one in videos if content is None or _is_whole(one, content.size_bytes, content.md5)]
        if len(containers) > 1:
            yield f"{clip}: is in {len(containers)} containers: {', '.join(sorted(containers))}"
        else:
            doubled = len(whole) > 1 + actual.power_cuts
            yield f"{clip}: arrived whole {len(whole)} times" if doubled else None


def offloaded_clips_are_whole(case: Case) -> Iterator[str | None]:
    """When a recording is declared complete, each of its clips is there: all bytes of its video, and its manifest."""
    actual, received = case
    for container, steps in _completed(received.uploads or ()).items():
        for clip in dict.fromkeys(one.clip for one in steps if one.clip):
            content = actual.contents.get(clip)
            if content is None:
                yield f"{clip}: is in {container}, and the camera never made it"
                continue
            videos = [one for one in steps if one.clip == clip and kind_of(one.name) == "clip"]
            if not videos and content.size_bytes:
                yield f"{clip}: {container} is complete without its video"
            elif videos and not _is_whole(videos[-1], content.size_bytes, content.md5):
                arrived, has = videos[-1].size_bytes, content.size_bytes
                yield f"{clip}: {arrived} bytes of its video arrived, it has {has}, or they differ"
            else:
                has_manifest = any(one.clip == clip and one.name.endswith(".manifest.jsonl") for one in steps)
                yield None if has_manifest else f"{clip}: {container} is complete without its manifest"


def linked_clips_are_offloaded_in_order(case: Case) -> Iterator[str | None]:
    """The clips of a recording arrive all, and in the order of time."""
    actual, received = case
    starts = {one.recording: one.start_time or one.trigger_time for one in actual.accounts}
    for container, steps in _completed(received.uploads or ()).items():
        videos = [one.clip for one in steps if kind_of(one.name) == "clip" and one.clip in starts]
        firsts = list(dict.fromkeys(videos))
        if len(firsts) > 1:
            in_order = firsts == sorted(firsts, key=lambda clip: starts[clip])
            yield None if in_order else f"{container}: its clips arrived in the order {', '.join(firsts)}"
        for account in actual.accounts:
            if account.continues in firsts and _is_linked(actual, account):
                there = account.recording in firsts
                yield None if there else f"{container}: is complete without {account.recording}, which continues it"


def keys_are_offloaded(case: Case) -> Iterator[str | None]:
    """An encrypted clip is not declared complete without its key."""
    actual, received = case
    for container, steps in _completed(received.uploads or ()).items():
        for clip in dict.fromkeys(one.clip for one in steps if one.clip):
            content = actual.contents.get(clip)
            if content is not None and content.is_encrypted:
                has_key = any(one.clip == clip and kind_of(one.name) == "key" for one in steps)
                yield None if has_key else f"{clip}: {container} is complete without its key"


def complete_is_declared_once_and_last(case: Case) -> Iterator[str | None]:
    """After *Complete* nothing more is sent into a container. *Complete* is repeated only where its answer was lost, or
    the camera lost its power meanwhile.
    """
    actual, received = case
    for container, steps in _by_container(received.uploads or ()).items():
        places = [place for place, one in enumerate(steps) if one.step == "completed"]
        if not places:
            continue
        later = next((one for one in steps[places[0] + 1 :] if one.step in _CHANGES and one.step != "completed"), None)
        answered = sum(not steps[place].is_lost for place in places)
        if later is not None:
            yield f"{container}: {later.name or 'the container'} was {later.step} after Complete"
        else:
            repeated = answered > 1 + actual.power_cuts
            yield f"{container}: Complete was declared {answered} times" if repeated else None


def nothing_is_deleted_early(case: Case) -> Iterator[str | None]:
    """A clip is deleted only after the camera was given the receipt for exactly this clip."""
    actual, received = case
    if received.uploads is None:
        return
    for deletion in actual.deletions:
        receipts = [one for one in received.uploads if one.step == "receipt" and one.clip == deletion.clip]
        earlier = [one for one in receipts if one.at_s <= deletion.at_s]
        if not earlier:
            yield f"{deletion.clip}: was deleted at {deletion.at_s:.1f} s without a receipt"
        else:
            fits = any(_names(one, deletion.close) for one in earlier)
            yield None if fits else f"{deletion.clip}: was deleted with a receipt for something else"


def critical_recordings_leave_first(case: Case) -> Iterator[str | None]:
    """Of the recordings on the card, critical ones leave first, then the oldest; some leave together. One that was
    tried and put off may be overtaken.
    """
    actual, received = case
    ranks = {one.recording: _rank(actual, one) for one in actual.accounts if one.continues is None}
    ended_s, together_s = _ends(actual), _TOGETHER_S + 4 * actual.precision_s
    tried_s: dict[str, float] = {}
    for one in received.uploads or ():
        if one.recording in ranks:
            tried_s.setdefault(one.recording, one.at_s)
    for recording, at_s in tried_s.items():
        overtaken = [
            other
            for other, rank in ranks.items()
            if rank < ranks[recording]
            and ended_s.get(other, at_s) < at_s - _JUST_ENDED_S
            and tried_s.get(other, math.inf) > at_s + together_s
        ]
        yield f"{recording} left before {overtaken[0]}, which goes first" if overtaken else None


def rejected_recordings_are_not_sent_again(case: Case) -> Iterator[str | None]:
    """Nothing more is sent of a recording that the back end has rejected for good (400)."""
    for container, steps in _by_container(case[1].uploads or ()).items():
        places = [place for place, one in enumerate(steps) if one.step == "refused" and one.status == 400]
        if places:
            later = next((one for one in steps[places[0] + 1 :] if one.step in _CHANGES), None)
            yield None if later is None else f"{container}: was rejected, and {later.name or 'more'} was sent later"


def _by_container(uploads: Sequence[Upload]) -> dict[str, list[Upload]]:
    """The steps of each recording's container. Receipts are elsewhere."""
    found: dict[str, list[Upload]] = defaultdict(list)
    for one in uploads:
        if one.step != "receipt":
            found[one.container].append(one)
    return found


def _completed(uploads: Sequence[Upload]) -> dict[str, list[Upload]]:
    """What was stored in each container before it was first declared complete; only of those that were."""
    found = {}
    for container, steps in _by_container(uploads).items():
        end = next((place for place, one in enumerate(steps) if one.step == "completed"), None)
        if end is not None:
            found[container] = [one for one in steps[:end] if one.step == "stored"]
    return found


def _videos(uploads: Sequence[Upload]) -> dict[str, list[Upload]]:
    """The videos that were stored, by clip."""
    found: dict[str, list[Upload]] = defaultdict(list)
    for one in uploads:
        if one.step == "stored" and one.clip and kind_of(one.name) == "clip":
            found[one.clip].append(one)
    return found


def _is_whole(video: Upload, length: int, md5: str) -> bool:
    return video.size_bytes == length and md5 in ("", video.md5)


def _names(receipt: Upload, close: str) -> bool:
    """Whether a receipt names the close record of a clip."""
    try:
        return msgspec.json.decode(receipt.receipt, type=_SignedReceipt).receipt.close == close
    except msgspec.DecodeError:
        return False


class _SignedReceipt(msgspec.Struct):
    receipt: Receipt


def _is_linked(actual: ActualRecord, account: Account) -> bool:
    """Whether a clip that continues another one had ended, so that it could leave with it."""
    return account.recording in actual.contents


def _rank(actual: ActualRecord, account: Account) -> tuple[bool, str, str]:
    sources = {account.start.source, account.start.reason, account.decision.source if account.decision else ""}
    is_critical = account.is_critical or not sources.isdisjoint(actual.critical)
    return not is_critical, account.trigger_time, account.recording


def _ends(actual: ActualRecord) -> dict[str, float]:
    """When each recording ended, on the time line: its last clip's end, counted from the press that began it."""
    pressed_s = {one.utc: one.at_s for one in actual.activations}
    following = {one.continues: one for one in actual.accounts if one.continues}
    found = {}
    for account in actual.accounts:
        last = account
        while (later := following.get(last.recording)) is not None:
            last = later
        if account.trigger_time in pressed_s and last.end_time is not None:
            began = datetime.fromisoformat(account.trigger_time)
            length_s = (datetime.fromisoformat(last.end_time) - began).total_seconds()
            found[account.recording] = pressed_s[account.trigger_time] + length_s
    return found
