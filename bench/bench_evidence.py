"""Cost of evidence: signing and encrypting fragments beside encoding them; verifying a recording beside `sha256sum`."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bench.bench_encoder import FPS as _FPS
from bench.bench_encoder import SETTINGS as _SETTINGS
from bench.figure import Figure
from lapel.clock import SystemClock
from lapel.evidence.identity import load_or_make
from lapel.evidence.manifest import Manifest, Sealing
from lapel.evidence.store import EvidenceStore
from lapel.evidence.trust import Trust
from lapel.evidence.vault import Vault
from lapel.evidence.vault_keys import cipher_of_processor
from lapel.evidence.verify import verify_recording
from lapel.fragment import TICKS_PER_S, ClipFragment, Fragment
from lapel.hardware.interfaces import Frame
from lapel.media.encoder import Encoder
from lapel.media.scene import Scene
from lapel.recording import Account, Cause

_SHARE = 0.02
_TIMES_SHA256SUM = 2.0
_CLOCK = SystemClock()


def main(length_s: int = 5, size: tuple[int, int] = (1920, 1080), fragments: int = 300) -> list[Figure]:
    """CPU of sealing at 1080p30, as a share of encoding; and the time to verify 300 MB. Drawing is not counted."""
    with TemporaryDirectory() as folder:
        return [_share(Path(folder), length_s, size), _verification(Path(folder), fragments)]


def _share(folder: Path, length_s: int, size: tuple[int, int]) -> Figure:
    encoded, encoding_s = _encoded(length_s, size)
    sealing = _sealing(folder, is_encrypted=True)
    sealing_s = min(_sealing_s(sealing, encoded) for _ in range(3))
    return Figure("CPU of signing and encrypting at 1080p30", sealing_s / encoding_s, "of encoding", bound=_SHARE)


def _encoded(length_s: int, size: tuple[int, int]) -> tuple[list[Fragment], float]:
    scene, begin = Scene(*size, "bench"), _CLOCK.now()
    moments = [begin.shifted(number / _FPS) for number in range(length_s * _FPS)]
    frames = [Frame(at, scene.draw(number, number / _FPS, at.utc)) for number, at in enumerate(moments)]
    encoder, began = Encoder(_SETTINGS), process_time()
    encoded = [encoder.encode(frame) for frame in frames]
    encoded.append(encoder.cut())
    return [one for one in encoded if one is not None], process_time() - began


def _sealing_s(sealing: Sealing, encoded: list[Fragment]) -> float:
    """CPU of what is done with fragments before they are written; the write itself goes nowhere."""
    clip = [
        _placed(number, one.header + one.body if number == 1 else one.body) for number, one in enumerate(encoded, 1)
    ]
    manifest = Manifest(sealing, lambda _: None, _account("bench"))
    began = process_time()
    for fragment in clip:
        manifest.stage(fragment)
        manifest.commit()
    return process_time() - began


def _verification(folder: Path, fragments: int) -> Figure:
    recording = _written(folder / "evidence", _sealing(folder, is_encrypted=False), fragments)
    trust = Trust.read([folder / "identity" / "certificate.pem"])
    ours = _best_s(lambda: verify_recording(recording, trust))
    theirs = _best_s(lambda: subprocess.run(["sha256sum", recording / "video.mp4"], check=True, capture_output=True))
    name = f"verifying a recording of {fragments} MB"
    return Figure(name, ours, "s", "sha256sum", theirs, bound=_TIMES_SHA256SUM * theirs)


def _written(root: Path, sealing: Sealing, fragments: int) -> Path:
    root.mkdir()
    store = EvidenceStore(root, 0, sealing=lambda: sealing)
    files = store.create(_account("large"))
    for number in range(1, fragments + 1):
        files.append([_placed(number, number.to_bytes(4, "big") * 250_000)])
    account = _account("large")
    account.status = "complete"
    files.describe(account)
    files.close()
    store.close()
    return root / "large"


def _sealing(folder: Path, *, is_encrypted: bool) -> Sealing:
    signer = load_or_make(folder / "identity", "bench/bench/cam-1").signer
    vault = Vault([X25519PrivateKey.generate().public_key()], cipher_of_processor())
    return Sealing(signer, _CLOCK.now, sealer=vault.clip_key if is_encrypted else None)


def _placed(number: int, content: bytes) -> ClipFragment:
    return ClipFragment(number, (number - 1) * TICKS_PER_S, TICKS_PER_S, _FPS, _CLOCK.now(), [content])


def _account(recording: str) -> Account:
    return Account(
        recording=recording,
        agency="bench",
        site="bench",
        camera="cam-1",
        session="bench",
        firmware="bench",
        clock_quality="synced",
        trigger_time="2026-11-27T00:00:00.000Z",
        start=Cause("button"),
        prebuffer_configured_s=0.0,
    )


def _best_s(job: Callable[[], object]) -> float:
    """The fastest of three runs: the others were disturbed."""
    best = float("inf")
    for _ in range(3):
        began = perf_counter()
        job()
        best = min(best, perf_counter() - began)
    return best
