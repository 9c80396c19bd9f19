"""Decides which recordings leave the camera, and in which order. Pure: reads no card and no clock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lapel.offload.interface import OutgoingRecording
from lapel.offload.progress import RecordingProgress
from lapel.outgoing import OutgoingClip
from lapel.recording import Account


class Waits(Protocol):
    """Back-off: waits that grow."""

    def next_s(self) -> float:
        """Seconds to wait now."""

    def reset(self) -> None:
        """It worked: begin with the shortest again."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be done with the recordings on the card."""

    to_send: Sequence[OutgoingRecording] = ()
    """In the order in which they leave."""
    to_confirm: Sequence[OutgoingRecording] = ()
    """Complete at the back end; some clips have no receipt yet."""
    refused: Sequence[OutgoingRecording] = ()
    """Rejected by the back end, and not offered again until a person asks."""
    bytes_left: int = 0
    """Of `to_send`: what has not arrived."""


def recordings_of(clips: Sequence[OutgoingClip]) -> list[OutgoingRecording]:
    """The recordings that have ended, oldest first: linked clips belong together. A clip whose predecessor is no longer
    on the card begins a recording.
    """
    by_id = {clip.account.recording: clip for clip in clips}
    followers: dict[str | None, OutgoingClip] = {
        clip.account.continues: clip for clip in clips if clip.account.continues in by_id
    }
    found = []
    for clip in clips:
        if clip.account.continues in by_id:
            continue
        chain = _chain(clip, followers)
        if not any(one.account.status == "recording" for one in chain):
            found.append(OutgoingRecording(chain))
    return found


def make_plan(
    clips: Sequence[OutgoingClip],
    progress_of: Callable[[OutgoingRecording], RecordingProgress],
    *,
    critical: frozenset[str],
    requested_only: bool = False,
) -> Plan:
    """What to do. `critical`: triggers whose recordings go first, as those of a critical category do.
    `requested_only`: nothing but what a command requested.
    """
    to_send, to_confirm, refused, bytes_left = [], [], [], 0
    for recording in recordings_of(clips):
        done = progress_of(recording)
        if requested_only and not done.requested_by:
            continue
        if all(clip.is_confirmed for clip in recording.clips):
            continue
        if done.refused:
            refused.append(recording)
        elif done.complete:
            to_confirm.append(recording)
        else:
            to_send.append(recording)
            bytes_left += max(0, recording.size_bytes - done.arrived_bytes(recording))
    to_send.sort(key=lambda one: _rank(one, progress_of(one), critical))
    return Plan(tuple(to_send), tuple(to_confirm), tuple(refused), bytes_left)


def is_critical(recording: OutgoingRecording, critical: frozenset[str]) -> bool:
    """Whether one of its clips has a critical category, by the camera's list or by the words in `critical`, or was
    started by a trigger among these words.
    """
    return any(clip.account.is_critical or not critical.isdisjoint(_words(clip.account)) for clip in recording.clips)


def _words(account: Account) -> set[str]:
    """What `critical` may contain: the category, and who or what started the recording."""
    source = account.decision.source if account.decision else ""
    return {account.category, account.start.source, account.start.reason, source}


def _rank(
    recording: OutgoingRecording, progress: RecordingProgress, critical: frozenset[str]
) -> tuple[bool, bool, str, str]:
    return (
        not progress.requested_by,
        not is_critical(recording, critical),
        recording.clips[0].account.trigger_time,
        recording.id,
    )


def _chain(first: OutgoingClip, followers: Mapping[str | None, OutgoingClip]) -> list[OutgoingClip]:
    chain, seen = [first], {first.account.recording}
    while (after := followers.get(chain[-1].account.recording)) is not None and after.account.recording not in seen:
        chain.append(after)
        seen.add(after.account.recording)
    return chain
