"""The manifest of a clip while it is written: which records follow from fragments and from the account."""

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import msgspec

from lapel.clock import Instant, iso
from lapel.evidence.chain import ChainWriter, Link, Record
from lapel.evidence.records import (
    FORMAT,
    Categorised,
    ClockStepped,
    Close,
    Continued,
    Encryption,
    FragmentStored,
    GapNoted,
    MarkerSet,
    Muted,
    Open,
    PreEventStored,
)
from lapel.evidence.signing import Signer
from lapel.fragment import TICKS_PER_S, ClipFragment
from lapel.recording import Account, GapNote

MANIFEST = "manifest.jsonl"
CLOCK_STEP_S = 0.5
"""A wall clock that moves by less against the monotonic clock, between two fragments, is being slewed, not set."""


class ClipSealer(Protocol):
    """Encrypts the fragments of one clip."""

    @property
    def encryption(self) -> Encryption:
        """What a reader needs beside its private key."""

    def seal(self, fragment: bytes, number: int, previous: str) -> bytes:
        """The fragment encrypted and bound to its number, and to the manifest by the hash of the line before."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """What all clips of a camera are signed with, and what their first records say."""

    signer: Signer
    now: Callable[[], Instant]
    camera: str = ""
    """`agency/site/camera`."""
    configuration: str = ""
    """SHA-256 of the configuration in force, in hex."""
    sealer: Callable[[str], ClipSealer] | None = None
    """Makes what encrypts a new clip, given its id; None where clips are stored in the clear."""


class Manifest:
    """Writes the manifest of one clip. Not thread-safe; raises what `append` raises."""

    def __init__(self, sealing: Sealing, append: Callable[[bytes], None], account: Account) -> None:
        """Begins it with its first record. `append` writes and syncs."""
        self._account = msgspec.structs.replace(account)
        self._sealer = sealing.sealer(account.recording) if sealing.sealer else None
        self._chain = ChainWriter(sealing.signer, append)
        self._fragments = self._bytes = 0
        self._offset_s: float | None = None
        self._is_closed = False
        self._chain.add(self._opened(sealing))

    @property
    def is_encrypted(self) -> bool:
        """Whether the clip's fragments are encrypted."""
        return self._sealer is not None

    @property
    def position(self) -> Link:
        """Where its chain stands."""
        return self._chain.position

    def stage(self, fragment: ClipFragment) -> bytes:
        """The bytes to store for `fragment`. Its record is staged until `commit`, or given up with `discard`."""
        for step in self._clock_step(fragment):
            self._chain.stage(step)
        content = b"".join(fragment.chunks)
        if self._sealer is not None:
            content = self._sealer.seal(content, fragment.number, self._chain.position.head or "")
        self._chain.stage(self._stored(fragment, content))
        self._fragments, self._bytes = self._fragments + 1, self._bytes + len(content)
        return content

    def commit(self) -> None:
        """The staged fragments are on disk: write their records."""
        self._chain.commit()

    def discard(self, fragments: int, size_bytes: int) -> None:
        """The staged fragments, so many with so many bytes, are not on disk."""
        self._chain.discard()
        self._fragments, self._bytes = self._fragments - fragments, self._bytes - size_bytes

    def describe(self, account: Account) -> None:
        """Record what is new in `account`. One that has ended closes the manifest; after that nothing is recorded."""
        if self._is_closed:
            return
        records = list(news(self._account, account))
        if account.status != "recording":
            records.append(Close(account=account, fragments=self._fragments, bytes=self._bytes))
        self._chain.add(*records)
        self._account, self._is_closed = msgspec.structs.replace(account), account.status != "recording"

    def _opened(self, sealing: Sealing) -> Open:
        now = sealing.now()
        return Open(
            format=FORMAT,
            account=self._account,
            configuration=sealing.configuration,
            wearer=self._account.wearer or None,
            certificates=encoded(sealing.signer.certificates),
            encryption=self._sealer.encryption if self._sealer is not None else None,
            utc=iso(now.utc),
            mono_s=round(now.mono_s, 6),
        )

    def _stored(self, fragment: ClipFragment, content: bytes) -> FragmentStored:
        return FragmentStored(
            fragment=fragment.number,
            offset=self._bytes,
            length=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            start_ticks=fragment.start_ticks,
            duration_ticks=fragment.duration_ticks,
            frames=fragment.frames,
            dropped_frames=fragment.dropped_frames,
            sound=fragment.has_sound,
            utc=iso(fragment.captured.utc),
            mono_s=round(fragment.captured.mono_s, 6),
        )

    def _clock_step(self, fragment: ClipFragment) -> Iterator[ClockStepped]:
        offset_s = fragment.captured.utc.timestamp() - fragment.captured.mono_s
        before_s, self._offset_s = self._offset_s, offset_s
        if before_s is not None and abs(offset_s - before_s) > CLOCK_STEP_S:
            yield ClockStepped(at_s=seconds(fragment.start_ticks), by_s=round(offset_s - before_s, 3))


def news(before: Account, after: Account) -> Iterator[Record]:
    """The records of what has happened between two accounts of a clip."""
    labels = dict(enumerate(after.marker_labels))  # empty in an account by an earlier firmware
    for number in range(len(before.markers_s), len(after.markers_s)):
        yield MarkerSet(at_s=after.markers_s[number], label=labels.get(number, ""))
    if (after.category, after.is_critical) != (before.category, before.is_critical):
        yield Categorised(category=after.category, is_critical=after.is_critical)
    yield from _gaps("video", before.gaps, after.gaps)
    yield from _gaps("sound", before.audio_gaps, after.audio_gaps)
    for mute in after.mutes:
        if mute not in before.mutes:
            yield Muted(start_s=mute.start_s, end_s=mute.end_s, source=mute.source, reason=mute.reason)
    if after.prebuffer_saved and not before.prebuffer_saved:
        yield PreEventStored(
            configured_s=after.prebuffer_configured_s,
            actual_s=after.prebuffer_actual_s,
            shortfall=after.prebuffer_shortfall,
        )
    if after.continued_by and after.continued_by != before.continued_by:
        yield Continued(recording=after.continued_by)


def _gaps(of: str, before: list[GapNote], after: list[GapNote]) -> Iterator[GapNoted]:
    for gap in after:
        if gap not in before:
            yield GapNoted(
                of="sound" if of == "sound" else "video",
                start_s=gap.start_s,
                duration_s=gap.duration_s,
                reason=gap.reason,
            )


def seconds(ticks: int) -> float:
    """Ticks of 1/90000 s as seconds, to a millisecond."""
    return round(ticks / TICKS_PER_S, 3)


def encoded(certificates: Iterable[bytes]) -> list[str]:
    """DER certificates as records contain them: in base64."""
    return [base64.b64encode(one).decode() for one in certificates]
