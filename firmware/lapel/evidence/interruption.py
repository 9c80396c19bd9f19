"""Closes the manifest of a clip whose session was lost. What no record describes is moved beside, which is signed."""

from pathlib import Path

import msgspec

from lapel.clock import iso
from lapel.evidence.append_file import AppendFile
from lapel.evidence.chain import ChainWriter
from lapel.evidence.disk import video_of
from lapel.evidence.manifest import MANIFEST, Sealing
from lapel.evidence.manifest_reader import ReadManifest
from lapel.evidence.records import Recovered, Tail
from lapel.evidence.signing import key_id, public_key
from lapel.evidence.tail import cut_tail
from lapel.recording import Account

LOST = "power or process was lost while recording"


def close_interrupted(folder: Path, manifest: ReadManifest, account: Account, sealing: Sealing) -> Account:
    """Cut the tails off and sign what was found. Returns the account that the manifest then ends with.

    A manifest of another identity stays as it is: only its own key can close it. Raises OSError.
    """
    if key_id(manifest.key) != key_id(public_key(sealing.signer.certificates[0])):
        return account
    video = video_of(folder)
    video_tail = cut_tail(video, account.video_bytes) if video is not None else None
    manifest_tail = cut_tail(folder / MANIFEST, manifest.intact_bytes)
    account = msgspec.structs.replace(account, torn_bytes=video_tail.length if video_tail else 0)
    file = AppendFile(folder / MANIFEST)
    try:
        recovered = recovered_record(account, sealing, video_tail, manifest_tail)
        ChainWriter(sealing.signer, file.append, manifest.position).add(recovered)
    finally:
        file.close()
    return account


def recovered_record(
    account: Account, sealing: Sealing, video_tail: Tail | None = None, manifest_tail: Tail | None = None
) -> Recovered:
    """The last record of an interrupted clip; the tails are what was moved beside."""
    return Recovered(
        account=account,
        fragments=account.fragments,
        bytes=account.video_bytes,
        video_tail=video_tail,
        manifest_tail=manifest_tail,
        reason=LOST,
        utc=iso(sealing.now().utc),
    )
