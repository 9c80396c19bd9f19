"""An anchor: the newest lines of all cameras' audit logs on one day, as one hash that a third party has time-stamped.

Camera, broker and logs may all belong to one owner, who could remove a day from each of them. A time-stamping authority
(RFC 3161) of a third party has then signed what they contained. One folder holds

    heads.json     {"agency/site/camera": {"count": 512, "hash": "9f0c…"}, …}
    anchor.txt     the statement that was time-stamped: format, day, number of cameras, root of the Merkle tree
    token.tsr      the authority's answer

The tree is that of `merkle.py`; its leaves are `camera`, `count` and `hash`, each followed by a line feed, in the order
of the cameras' names. Knows no files and no network: see `anchor_files.py` and `time_stamp.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated

import msgspec

from lapel.errors import EvidenceError
from lapel.evidence.merkle import audit_path, root_hash, root_of_path

FORMAT = "lapel-anchor-1"
_STATEMENT = re.compile(rf"{FORMAT}\n(\d{{4}}-\d\d-\d\d)\n([1-9]\d*)\n([0-9a-f]{{64}})\n")


class Head(msgspec.Struct, frozen=True):
    """The newest line of an audit log, as in telemetry's `audit_head`."""

    count: Annotated[int, msgspec.Meta(ge=1)]
    """Number of the line."""
    hash: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the line with its line feed."""


CameraName = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f]+$")]
"""`agency/site/camera`."""
Heads = Mapping[str, Head]
"""By camera."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What is time-stamped."""

    day: date
    cameras: int
    root: str
    """Of the Merkle tree over all heads, in hex."""

    def text(self) -> str:
        """Exactly what `anchor.txt` contains."""
        return f"{FORMAT}\n{self.day.isoformat()}\n{self.cameras}\n{self.root}\n"


class Proof(msgspec.Struct, frozen=True):
    """Shows that a single camera's head is part of an anchor, without the heads of the others."""

    camera: CameraName
    head: Head
    index: int
    """Position of the camera among all, from 0."""
    path: list[str]
    """The hashes that lead from the camera's leaf to the root, from below, in hex."""


def statement_of(heads: Heads, day: date) -> Statement:
    """The statement for these heads. Raises EvidenceError when there are none."""
    if not heads:
        raise EvidenceError("there is no camera to anchor")
    return Statement(day, len(heads), root_hash(_leaves(heads)).hex())


def parse_statement(text: str) -> Statement:
    """Read `anchor.txt`. Raises EvidenceError."""
    found = _STATEMENT.fullmatch(text)
    try:
        if found is not None:
            return Statement(date.fromisoformat(found[1]), int(found[2]), found[3])
    except ValueError:
        pass
    raise EvidenceError(f"is no statement of the format {FORMAT}")


def parse_heads(data: bytes) -> Heads:
    """Read `heads.json`, or a back end's own list from telemetry. Raises EvidenceError."""
    try:
        return msgspec.json.decode(data, type=dict[CameraName, Head])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EvidenceError(f"is no list of heads: {error}") from error


def encode_heads(heads: Heads) -> bytes:
    """`heads.json`: one line for each camera, in the order of the tree."""
    lines = [f"{_json(camera)}: {_json(heads[camera])}" for camera in sorted(heads)]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def prove(heads: Heads, camera: str) -> Proof:
    """Show that `camera` is part of the anchor of these heads. Raises EvidenceError when it is not."""
    if camera not in heads:
        raise EvidenceError(f"{camera} is not among the {len(heads)} cameras of this anchor")
    index = sorted(heads).index(camera)
    return Proof(camera, heads[camera], index, [one.hex() for one in audit_path(index, _leaves(heads))])


def is_proved(proof: Proof, statement: Statement) -> bool:
    """Whether the proof leads to the root in the statement."""
    try:
        path = [bytes.fromhex(one) for one in proof.path]
    except ValueError:
        return False
    root = root_of_path(_leaf(proof.camera, proof.head), proof.index, statement.cameras, path)
    return root is not None and root.hex() == statement.root


def _leaves(heads: Heads) -> list[bytes]:
    return [_leaf(camera, heads[camera]) for camera in sorted(heads)]


def _leaf(camera: str, head: Head) -> bytes:
    return f"{camera}\n{head.count}\n{head.hash}\n".encode()


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
