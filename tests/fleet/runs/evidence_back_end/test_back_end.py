"""The built-in evidence back end, by the text of the API."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.runs.evidence_back_end.axis_client import (
    BOOKMARK,
    CLIP,
    CLIP_ID,
    CLIP_KEY,
    DEVICE,
    MANIFEST,
    OF_CONTAINER,
    OF_KEY,
    OF_MANIFEST,
    RECORDING,
    SIGNER,
    TRAIL,
    VIDEO,
    WEARER,
    file_of,
    in_memory,
    whole_clip,
)
from lapel.errors import EvidenceError
from lapel.evidence.receipt import Closed, check_receipt
from lapel_fleet.runs.evidence_back_end.exchange import Request, content_of
from lapel_fleet.runs.evidence_back_end.receipts import last_line_of_manifest, verified_manifest
from lapel_fleet.runs.evidence_back_end.tokens import TOKEN_LIFE_S
from waited_clock import WaitedClock


def closed() -> Closed:
    _, manifest = whole_clip()
    return verified_manifest(CLIP_ID, manifest)


def test_a_recording_is_uploaded_whole_and_confirmed() -> None:
    back_end, client = in_memory()
    assert client.begin() == 201
    client.upload_lapel_clip()
    assert client.upload(CLIP_KEY, b"{}", OF_KEY).status == 201
    assert client.upload(BOOKMARK, b"note", {"X-Object-Meta-Starttime": "2026-11-27T10:31:12Z"}).status == 201
    assert client.upload(TRAIL, b"{}", {"X-Object-Meta-Filetype": "json"}).status == 201
    assert client.receipt().status == 404
    assert client.complete().status == 204
    receipt = check_receipt(client.receipt().body, closed(), [SIGNER.public_key()])
    assert (receipt.back_end, receipt.recording) == ("Store", CLIP_ID)
    steps = [(one.step, one.name) for one in back_end.uploads]
    assert steps == [
        ("begun", ""), *(("stored", name) for name in (CLIP, MANIFEST, CLIP_KEY, BOOKMARK, TRAIL)), ("completed", ""),
        ("receipt", f"{DEVICE}_{CLIP_ID}"),
    ]  # fmt: skip
    assert [one.clip for one in back_end.uploads] == ["", CLIP_ID, CLIP_ID, "", "", "", "", CLIP_ID]
    assert {one.recording for one in back_end.uploads[:-1]} == {"clip-1"}


def test_an_answer_names_the_md5_of_what_arrived() -> None:
    _, client = in_memory()
    client.begin()
    assert client.upload().headers["Etag"] == content_of(VIDEO).md5


@pytest.mark.parametrize(
    ("upload", "what"),
    [
        ({"without": "manifest.jsonl"}, "manifest.jsonl is missing"),
        ({"without": "video.mp4"}, "has no clip"),
        ({"video": b"cut"}, "its video has 3 bytes"),
        ({"more": file_of("video.sealed")}, "its key is missing"),
        ({"more": file_of("video.mp4", "clip-2")}, "clip-2: its manifest.jsonl is missing"),
    ],
)
def test_no_receipt_for_a_clip_that_is_not_whole(upload: dict[str, Any], what: str) -> None:
    _, client = in_memory()
    client.begin()
    client.upload_lapel_clip(**upload)
    answer = client.complete()
    assert (answer.status, client.receipt().status) == (400, 404)
    assert what in answer.body.decode()


def test_a_manifest_that_was_changed_is_rejected() -> None:
    _, client = in_memory()
    client.begin()
    client.upload_lapel_clip()
    _, manifest = whole_clip()
    changed = manifest.replace(b'"kind":"marker"', b'"kind":"morker"')
    client.upload(MANIFEST, changed, {**OF_MANIFEST, **file_of("manifest.jsonl")})
    assert client.complete().status == 400


def test_the_last_line_of_a_manifest_says_what_a_receipt_names() -> None:
    _, manifest = whole_clip()
    end = manifest.splitlines(keepends=True)[-1]
    assert last_line_of_manifest(CLIP_ID, b"\n" * 500 + end).close == closed().close
    with pytest.raises(EvidenceError, match="does not end it"):
        last_line_of_manifest(CLIP_ID, manifest[:-1])


def test_metadata_is_decoded_and_given_back_encoded() -> None:
    _, client = in_memory()
    assert client.request("HEAD", "Users", WEARER).headers["X-Object-Meta-Name"] == "%C3%85se%20%C3%96berg"


def test_a_listing_has_what_is_needed_to_resume() -> None:
    _, client = in_memory()
    client.begin()
    client.upload()
    answer = client.request("GET", RECORDING)
    assert [(one["name"], one["bytes"], one["hash"]) for one in json.loads(answer.body)] == [
        (CLIP, len(VIDEO), content_of(VIDEO).md5)
    ]
    assert answer.headers["X-Container-Meta-Status"] == "Transferring"


def test_another_camera_system_gets_no_receipt() -> None:
    _, client = in_memory()
    client.begin()
    client.upload()
    assert client.complete().status == 204
    assert client.receipt().status == 404


def test_a_complete_recording_is_closed() -> None:
    _, client = in_memory()
    client.begin()
    client.upload()
    client.complete()
    assert client.upload("20261127_103000_7A3F.mp4").status == 403
    assert client.begin() == 403
    assert client.request("POST", RECORDING, headers={"X-Container-Meta-Triggeroff": "Button"}).status == 403
    assert client.complete().status == 204  # its answer may have been lost


@pytest.mark.parametrize(
    ("headers", "what"),
    [
        ({"X-Container-Meta-Userid": ""}, "Users/"),
        ({"X-Container-Meta-Userid": "nobody"}, "Users/nobody"),
        ({"X-Container-Meta-Bwcserialnumber": "cam-0008"}, "Devices/cam-0008"),
        ({"X-Container-Meta-Status": "Done"}, "'Done'"),
    ],
)
def test_a_recording_of_what_is_not_registered_is_rejected(headers: dict[str, str], what: str) -> None:
    _, client = in_memory()
    answer = client.request("PUT", RECORDING, headers={**OF_CONTAINER, **headers})
    assert answer.status == 400
    assert what in answer.body.decode()


def test_a_name_that_does_not_fit_its_metadata_is_rejected() -> None:
    _, client = in_memory()
    assert client.begin(RECORDING.replace("20261127T", "yesterday")) == 400
    assert client.begin("other_cam-0007_20261127T103000Z") == 400


def test_rejected_content_is_taken() -> None:
    _, client = in_memory()
    assert client.request("PUT", "RejectedContent_UnknownTime_1").status == 201
    assert client.request("PUT", "RejectedContent_UnknownTime_1", CLIP).status == 201


def test_an_object_needs_its_metadata_its_checksum_and_its_container() -> None:
    _, client = in_memory()
    assert client.upload().status == 404
    client.begin()
    assert client.upload(headers={}).status == 400
    assert client.upload(body=b"").status == 400
    assert client.request("PUT", RECORDING, CLIP, {"Etag": "0" * 32}, VIDEO).status == 422
    assert client.complete().status == 400  # it has no clip


def test_tokens_expire_and_wrong_ones_are_refused() -> None:
    clock = WaitedClock()
    _, client = in_memory(now=clock)
    assert client.begin() == 201
    clock.seconds += TOKEN_LIFE_S
    assert client.upload().status == 401
    assert client.log_in(key="wrong") == 401
    assert client.upload().status == 401
    assert client.log_in() == 200
    assert client.upload().status == 201


def test_the_published_capabilities_have_their_checksum() -> None:
    _, client = in_memory()
    answer = client.request("GET", "System", "Capabilities.json")
    assert json.loads(answer.body)["Store"]["StoreBookmarks"]
    assert answer.headers["Etag"] == content_of(answer.body).md5


def test_nothing_is_deleted() -> None:
    _, client = in_memory()
    client.begin()
    client.upload()
    assert client.request("DELETE", RECORDING, CLIP).status == 400
    assert client.request("HEAD", RECORDING, CLIP).status == 200


_TEXT = st.text(max_size=20)


@given(
    st.sampled_from(["GET", "PUT", "POST", "HEAD", "BREW", ""]), _TEXT, _TEXT, st.dictionaries(_TEXT, _TEXT, max_size=4)
)
def test_any_request_gets_an_answer(method: str, container: str, name: str, headers: dict[str, Any]) -> None:
    back_end, client = in_memory()
    answer = back_end.answer(
        Request(method, f"/v1/AUTH_lapel/{container}/{name}", {**headers, "x-auth-token": client.token})
    )
    assert 200 <= answer.status < 500
