"""Merkle trees as in Certificate Transparency (RFC 6962, 2.1): one hash for a list, of which a single entry can be
shown to be part without the others.
"""

import hashlib
from collections.abc import Sequence


def root_hash(leaves: Sequence[bytes]) -> bytes:
    """SHA-256 over all leaves, in their order. Leaves and inner nodes are hashed with different prefixes."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    half = _half(len(leaves))
    return _node(root_hash(leaves[:half]), root_hash(leaves[half:]))


def audit_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The hashes that lead from the leaf at `index` to the root, from below."""
    if len(leaves) == 1:
        return []
    half = _half(len(leaves))
    if index < half:
        return [*audit_path(index, leaves[:half]), root_hash(leaves[half:])]
    return [*audit_path(index - half, leaves[half:]), root_hash(leaves[:half])]


def root_of_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root of a list of `size` leaves that has `leaf` at `index`; None when the path does not fit."""
    if not 0 <= index < size:
        return None
    if size == 1:
        return None if path else root_hash([leaf])
    if not path:
        return None
    half, (*below, sibling) = _half(size), path
    if index < half:
        left = root_of_path(leaf, index, half, below)
        return None if left is None else _node(left, sibling)
    right = root_of_path(leaf, index - half, size - half, below)
    return None if right is None else _node(sibling, right)


def _half(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()
