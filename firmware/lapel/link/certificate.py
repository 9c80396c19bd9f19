"""Reads when a camera's certificate expires."""

from datetime import datetime
from pathlib import Path


def good_until(path: Path) -> datetime | None:
    """When the certificate expires, in UTC; None when it cannot be read: no file, no certificate, no `cryptography`."""
    try:
        from cryptography import x509  # not on every camera; slow to import
    except ImportError:
        return None
    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return None
