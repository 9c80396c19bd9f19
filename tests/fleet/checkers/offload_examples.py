"""Uploads made by hand: what the checkers of offload pass, and what they fail. One clip, `clip`, of 1,000 bytes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fleet.checkers.records import account, case, press
from lapel.recording import Cause
from lapel_fleet.checkers.records import Case, ClipContent, Deletion
from lapel_fleet.checkers.uploads import Upload

CLIP, CLIP_2 = ClipContent(1000, "9f", "d4"), ClipContent(500, "2b")
SEALED = ClipContent(1000, "9f", "d4", is_encrypted=True)


def begun(at_s: float = 200.0, container: str = "c1", recording: str = "clip") -> Upload:
    return Upload(at_s, "begun", container, recording=recording)


def stored(name: str, container: str = "c1", clip: str = "clip", size_bytes: int = 10, md5: str = "aa") -> Upload:
    return Upload(201.0, "stored", container, name, "clip", clip, md5, size_bytes)


def refused(status: int, container: str = "c1", name: str = "a.mp4") -> Upload:
    return Upload(201.0, "refused", container, name, "clip", "", status=status)


def receipt(close: str = "9f", at_s: float = 203.0, clip: str = "clip") -> Upload:
    content = {
        "recording": clip, "camera": "a/s/c", "close": close, "fragments": 4, "bytes": 1000, "received_at": "",
        "back_end": "Store", "key_id": "",
    }  # fmt: skip
    line = json.dumps({"receipt": content, "signature": ""}).encode()
    return Upload(at_s, "receipt", "Receipts", "c_clip", "", clip, receipt=line)


VIDEO, MANIFEST = stored("a.mp4", size_bytes=1000, md5="d4"), stored("a.manifest.jsonl")
VIDEO_2, MANIFEST_2 = stored("b.mp4", clip="clip-2", size_bytes=500), stored("b.manifest.jsonl", clip="clip-2")
COMPLETE = Upload(202.0, "completed", "c1", recording="clip")
WHOLE = [begun(), VIDEO, MANIFEST, COMPLETE]
LINKED = [account(continued_by="clip-2"), account("clip-2", 110.0, continues="clip")]


def uploaded(*uploads: Upload, contents: Mapping[str, ClipContent] | None = None, **actual: Any) -> Case:
    return case(uploads=uploads, **{"contents": contents or {"clip": CLIP}, "accounts": [account()], **actual})


BOTH = {"clip": CLIP, "clip-2": CLIP_2}
EARLY, LATE = account("early", 100.0), account("late", 120.0)
WARRANT = account("warrant", 120.0, start=Cause("command", "warrant"))
PRESSES = [press(100.0), press(120.0)]

PASSES: Mapping[str, Sequence[Case]] = {
    "clips-are-offloaded-once": [
        uploaded(*WHOLE),
        uploaded(begun(), replace(VIDEO, md5="00"), *WHOLE),  # arrived changed, and again
        uploaded(begun(), VIDEO, *WHOLE, power_cuts=1),
    ],
    "offloaded-clips-are-whole": [uploaded(*WHOLE), uploaded(begun(), replace(VIDEO, size_bytes=1), *WHOLE)],
    "linked-clips-are-offloaded-in-order": [
        uploaded(begun(), VIDEO, VIDEO_2, COMPLETE, accounts=LINKED, contents=BOTH),
    ],
    "keys-are-offloaded": [uploaded(begun(), stored("a.key"), *WHOLE, contents={"clip": SEALED})],
    "complete-is-declared-once-and-last": [
        uploaded(*WHOLE),
        uploaded(*WHOLE, receipt()),
        uploaded(begun(), VIDEO, replace(COMPLETE, is_lost=True), COMPLETE),
        uploaded(*WHOLE, COMPLETE, power_cuts=1),
    ],
    "nothing-is-deleted-early": [uploaded(*WHOLE, receipt(), deletions=[Deletion(204.0, "clip", "9f")])],
    "critical-recordings-leave-first": [
        uploaded(begun(recording="early"), begun(203.0, recording="late"), accounts=[EARLY, LATE], activations=PRESSES),
        uploaded(
            begun(recording="warrant"), begun(203.0, recording="early"), accounts=[EARLY, WARRANT], activations=PRESSES,
            critical=("warrant",),
        ),
        uploaded(begun(recording="late"), begun(200.5, recording="early"), accounts=[EARLY, LATE], activations=PRESSES),
        uploaded(begun(112.0, recording="late"), accounts=[EARLY, LATE], activations=PRESSES),  # it had just ended
        uploaded(
            replace(refused(503), recording="early"), begun(204.0, recording="late"), begun(208.0, recording="early"),
            accounts=[EARLY, LATE], activations=PRESSES,
        ),
    ],
    "rejected-recordings-are-not-sent-again": [uploaded(begun(), refused(400), begun(container="c2"))],
}  # fmt: skip

FAILS: Mapping[str, Sequence[tuple[Case, str]]] = {
    "clips-are-offloaded-once": [
        (uploaded(begun(), VIDEO, *WHOLE), "clip: arrived whole 2 times"),
        (uploaded(*WHOLE, replace(VIDEO, container="c2")), "clip: is in 2 containers: c1, c2"),
    ],
    "offloaded-clips-are-whole": [
        (uploaded(begun(), replace(VIDEO, size_bytes=999), MANIFEST, COMPLETE), "999 bytes of its video arrived"),
        (uploaded(begun(), replace(VIDEO, md5="00"), MANIFEST, COMPLETE), "or they differ"),
        (uploaded(begun(), MANIFEST, COMPLETE), "c1 is complete without its video"),
        (uploaded(begun(), VIDEO, COMPLETE), "c1 is complete without its manifest"),
        (uploaded(begun(), VIDEO_2, COMPLETE), "clip-2: is in c1, and the camera never made it"),
    ],
    "linked-clips-are-offloaded-in-order": [
        (
            uploaded(begun(), VIDEO_2, VIDEO, COMPLETE, accounts=LINKED, contents=BOTH),
            "its clips arrived in the order clip-2, clip",
        ),
        (uploaded(*WHOLE, accounts=LINKED, contents=BOTH), "c1: is complete without clip-2, which continues it"),
    ],
    "keys-are-offloaded": [(uploaded(*WHOLE, contents={"clip": SEALED}), "clip: c1 is complete without its key")],
    "complete-is-declared-once-and-last": [
        (uploaded(*WHOLE, COMPLETE), "c1: Complete was declared 2 times"),
        (uploaded(*WHOLE, MANIFEST), "a.manifest.jsonl was stored after Complete"),
        (uploaded(*WHOLE, refused(403)), "a.mp4 was refused after Complete"),
    ],
    "nothing-is-deleted-early": [
        (uploaded(*WHOLE, deletions=[Deletion(204.0, "clip", "9f")]), "clip: was deleted at 204.0 s without a receipt"),
        (uploaded(*WHOLE, receipt(), deletions=[Deletion(202.5, "clip", "9f")]), "without a receipt"),
        (
            uploaded(*WHOLE, receipt("2b"), deletions=[Deletion(204.0, "clip", "9f")]),
            "clip: was deleted with a receipt for something else",
        ),
    ],
    "critical-recordings-leave-first": [
        (
            uploaded(begun(recording="late"), accounts=[EARLY, LATE], activations=PRESSES),
            "late left before early, which goes first",
        ),
        (
            uploaded(
                begun(recording="early"), begun(203.0, recording="warrant"), accounts=[EARLY, WARRANT],
                activations=PRESSES, critical=("warrant",),
            ),
            "early left before warrant, which goes first",
        ),
    ],
    "rejected-recordings-are-not-sent-again": [
        (uploaded(begun(), refused(400), VIDEO), "c1: was rejected, and a.mp4 was sent later"),
        (uploaded(refused(400, name=""), begun()), "c1: was rejected, and more was sent later"),
    ],
}  # fmt: skip
