"""MD5, by which object stores name what has arrived. It detects damage on the way, not forgery."""

import hashlib


def md5_hex(data: bytes) -> str:
    """MD5 of `data` in hex: what a store names as the ETag of an object."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
