"""Signed recordings in a folder, written by the store as a camera writes them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from accounts import account
from evidence_keys import CERTIFICATES_PEM, SIGNER
from fragments import clip_fragments, instant
from lapel.evidence.manifest import Sealing
from lapel.evidence.store import EvidenceStore
from lapel.evidence.trust import Trust
from lapel.fragment import ClipFragment
from lapel.recording import Account, Cause, GapNote

SEALING = Sealing(SIGNER, lambda: instant(100.0), "demo/baltimore/cam-0001", configuration="0" * 64)


def trust(folder: Path) -> Trust:
    """Trust in the authority that vouches for the test camera's key."""
    path = folder / "ca.pem"
    path.write_bytes(CERTIFICATES_PEM)
    return Trust.read([path])


def open_store(root: Path, sealing: Sealing = SEALING, **options: Any) -> EvidenceStore:
    """A store that signs, in a folder that is made if it is missing."""
    root.mkdir(parents=True, exist_ok=True)
    return EvidenceStore(root, 0, sealing=lambda: sealing, **options)


def write_recording(
    root: Path,
    recording: str = "clip-1",
    *,
    fragments: list[ClipFragment] | None = None,
    status: str = "complete",
    said: dict[str, Any] | None = None,
    **options: Any,
) -> Path:
    """A recording of four seconds with a marker and a gap. With another `status` than *complete* it is not closed.
    `said`: more fields of its account.
    """
    store = open_store(root, **options)
    try:
        files = store.create(account(recording))
        clip = clip_fragments(4) if fragments is None else fragments
        for first in range(0, len(clip), 2):
            files.append(clip[first : first + 2])
        described = msgspec.structs.replace(ended(account(recording), clip, "recording"), **(said or {}))
        files.describe(described)
        if status == "complete":
            files.describe(ended(described, clip, "complete"))
        files.close()
    finally:
        store.close()
    return root / recording


def ended(begun: Account, fragments: list[ClipFragment], status: Any) -> Account:
    """The account of a clip with these fragments, a marker and a gap."""
    last = fragments[-1] if fragments else None
    return msgspec.structs.replace(
        begun,
        status=status,
        stop=None if status == "recording" else Cause("button"),
        fragments=len(fragments),
        frames=sum(one.frames for one in fragments),
        duration_s=(last.start_ticks + last.duration_ticks) / 90_000 if last else 0.0,
        video_bytes=sum(one.size_bytes for one in fragments),
        markers_s=[1.25],
        gaps=[GapNote(2.0, 0.5, "source lost")],
    )


def flipped(path: Path, position: int, bit: int = 0) -> Callable[[], None]:
    """Flip a bit of a file. Returns what flips it back."""
    original = path.read_bytes()
    changed = bytearray(original)
    changed[position] ^= 1 << bit
    path.write_bytes(changed)

    def restore() -> None:
        path.write_bytes(original)

    return restore
