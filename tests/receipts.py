"""Receipts of a back end for tests."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lapel.evidence.receipt import make_receipt
from lapel.evidence.receipt_files import RECEIPT, closed_recording

BACK_END = Ed25519PrivateKey.from_private_bytes(b"\1" * 32)


def confirm(recording: Path, received_at: str, category: str = "", key: Ed25519PrivateKey = BACK_END) -> None:
    """Put a receipt beside a recording."""
    line = make_receipt(closed_recording(recording), "Store", received_at, key, category)
    (recording / RECEIPT).write_bytes(line)
