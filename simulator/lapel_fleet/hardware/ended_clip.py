"""What is kept of a clip that has ended, on a card in memory: enough to let it leave."""

import hashlib

import msgspec

from lapel.checksums import md5_hex
from lapel.evidence.chain import line_hash
from lapel_fleet.checkers.records import ClipContent

_BLOCK = 4096


class EndedClip(msgspec.Struct, frozen=True):
    """The sizes of a clip's files, and the last line of its manifest, by which a receipt is made and checked."""

    recording: str
    video_bytes: int
    manifest_bytes: int
    last_line: bytes
    """The close record."""
    whole: tuple[bytes, bytes] | None = None
    """Video and manifest, on a card that keeps everything."""

    @property
    def video(self) -> bytes:
        """The video, or bytes that stand in for it: as many, and different for each clip."""
        if self.whole is not None:
            return self.whole[0]
        block = hashlib.shake_256(self.recording.encode()).digest(_BLOCK)
        return (block * (self.video_bytes // _BLOCK + 1))[: self.video_bytes]

    @property
    def manifest(self) -> bytes:
        """The manifest; or line feeds that stand in for its lines, and the last one."""
        if self.whole is not None:
            return self.whole[1]
        return self.last_line.rjust(self.manifest_bytes, b"\n")

    @property
    def close(self) -> str:
        """SHA-256 of the last line."""
        return line_hash(self.last_line)

    @property
    def content(self) -> ClipContent:
        """For the checkers."""
        return ClipContent(self.video_bytes, self.close, md5_hex(self.video))
