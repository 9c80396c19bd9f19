from datetime import date

import msgspec
import pytest

from lapel.errors import EvidenceError
from lapel.evidence.anchor import (
    Head,
    encode_heads,
    is_proved,
    parse_heads,
    parse_statement,
    prove,
    statement_of,
)

DAY = date(2026, 11, 27)
HEADS = {f"demo/site-{number % 3}/cam-{number:04}": Head(number + 1, f"{number:064x}") for number in range(11)}
CAMERA = "demo/site-0/cam-0006"


def test_the_order_in_which_cameras_were_listed_does_not_matter() -> None:
    assert statement_of(dict(reversed(HEADS.items())), DAY) == statement_of(HEADS, DAY)


def test_statement_and_heads_are_read_back() -> None:
    statement = statement_of(HEADS, DAY)
    assert parse_statement(statement.text()) == statement
    assert parse_heads(encode_heads(HEADS)) == HEADS


@pytest.mark.parametrize("change", [{"count": 99}, {"hash": "f" * 64}])
def test_any_other_head_gives_another_root(change: dict[str, object]) -> None:
    changed = HEADS | {CAMERA: msgspec.structs.replace(HEADS[CAMERA], **change)}
    assert statement_of(changed, DAY).root != statement_of(HEADS, DAY).root


def test_a_camera_that_is_left_out_gives_another_root() -> None:
    fewer = {camera: head for camera, head in HEADS.items() if camera != CAMERA}
    assert statement_of(fewer, DAY).root != statement_of(HEADS, DAY).root


def test_no_cameras_are_no_anchor() -> None:
    with pytest.raises(EvidenceError, match="no camera"):
        statement_of({}, DAY)


@pytest.mark.parametrize("text", ["", "lapel-anchor-1\n2026-13-01\n1\n" + "0" * 64 + "\n", "lapel-anchor-2\n"])
def test_a_text_in_another_form_is_no_statement(text: str) -> None:
    with pytest.raises(EvidenceError, match="no statement"):
        parse_statement(text)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"cam":{"count":0,"hash":"' + b"0" * 64 + b'"}}',
        b'{"cam":{"count":1,"hash":"abc"}}',
        b'{"a\\nb":{"count":1,"hash":"' + b"0" * 64 + b'"}}',
        b"\xff",
    ],
)
def test_what_is_no_list_of_heads_is_refused(data: bytes) -> None:
    with pytest.raises(EvidenceError, match="no list of heads"):
        parse_heads(data)


@pytest.mark.parametrize("camera", HEADS)
def test_a_proof_shows_one_camera_without_the_others(camera: str) -> None:
    proof = prove(HEADS, camera)
    assert is_proved(proof, statement_of(HEADS, DAY))
    others = b"".join(one.hash.encode() for name, one in HEADS.items() if name != camera)
    assert not any(part.encode() in others for part in proof.path)


@pytest.mark.parametrize(
    "change",
    [
        {"camera": "demo/site-0/cam-0003"},
        {"head": HEADS["demo/site-0/cam-0003"]},
        {"index": 0},
        {"path": []},
        {"path": ["zz"]},
    ],
)
def test_a_changed_proof_is_refused(change: dict[str, object]) -> None:
    proof = msgspec.structs.replace(prove(HEADS, CAMERA), **change)
    assert not is_proved(proof, statement_of(HEADS, DAY))


def test_a_camera_that_was_not_anchored_cannot_be_proved() -> None:
    with pytest.raises(EvidenceError, match="cam-9 is not among the 11 cameras"):
        prove(HEADS, "cam-9")
