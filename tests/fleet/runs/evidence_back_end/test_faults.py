"""Each fault of the evidence back end shows as it is described."""

import pytest

from fleet.runs.evidence_back_end.axis_client import CLIP, RECORDING, VIDEO, in_memory
from lapel.errors import ConfigError
from lapel_fleet.runs.evidence_back_end.back_end import OTHER_RECORDING, path_of
from lapel_fleet.runs.evidence_back_end.exchange import Reception, Request, content_of
from lapel_fleet.runs.evidence_back_end.faults import SLOW_BYTES_PER_S, Faults
from lapel_fleet.scenario.evidence_faults import EVIDENCE_FAULTS

UPLOAD = Request("PUT", path_of(RECORDING, CLIP))


@pytest.mark.parametrize(("fault", "status"), [("full", 507), ("busy", 503), ("licence-gone", 402), ("rejected", 400)])
def test_uploads_are_refused_as_often_as_said(fault: str, status: int) -> None:
    back_end, client = in_memory()
    client.begin()
    back_end.faults.begin(f"{fault}=2")
    assert [client.upload().status for _ in range(3)] == [status, status, 201]
    assert [one.status for one in back_end.uploads if one.step == "refused"] == [status, status]


def test_without_a_number_a_fault_strikes_until_it_ends() -> None:
    back_end, client = in_memory()
    client.begin()
    back_end.faults.begin("full")
    assert [client.upload().status for _ in range(3)] == [507] * 3
    back_end.faults.end("full")
    assert client.upload().status == 201


def test_busy_refuses_new_recordings_too() -> None:
    _, client = in_memory("busy=1")
    assert [client.begin(), client.begin()] == [503, 201]


def test_each_token_is_good_for_ten_requests() -> None:
    _, client = in_memory("token-expired")
    client.log_in()
    statuses = [client.begin(), *(client.upload().status for _ in range(10))]
    assert statuses == [201] * 10 + [401]
    client.log_in()
    assert client.upload().status == 201


def test_a_wrong_checksum_is_answered_and_kept() -> None:
    _, client = in_memory("wrong-checksum=1")
    client.begin()
    wrong = client.upload().headers["Etag"]
    assert wrong != content_of(VIDEO).md5
    assert client.request("HEAD", RECORDING, CLIP).headers["Etag"] == wrong
    assert client.upload().headers["Etag"] == content_of(VIDEO).md5


def test_an_upload_is_cut_and_received_slowly() -> None:
    back_end, _ = in_memory("cut=1", "slow")
    assert back_end.reception(UPLOAD) == Reception(SLOW_BYTES_PER_S, is_cut=True)
    assert back_end.reception(UPLOAD) == Reception(SLOW_BYTES_PER_S)
    assert not back_end.reception(Request("PUT", path_of("Users", "7"))).is_cut


def test_an_early_complete_closes_a_recording_after_its_first_object() -> None:
    back_end, client = in_memory("early-complete=1")
    client.begin()
    assert client.upload().status == 201
    assert client.upload("20261127_103000_7A3F.mp4").status == 403
    assert back_end.containers[RECORDING].is_complete


def test_a_lost_receipt_is_lost_with_its_answer() -> None:
    _, client = in_memory("lost-receipt=2")
    client.begin()
    client.upload_lapel_clip()
    assert client.complete().is_lost
    assert [client.receipt().status, client.receipt().status] == [404, 200]
    assert not client.complete().is_lost


def test_a_duplicate_container_is_there_already() -> None:
    _, client = in_memory("duplicate-container=1")
    assert client.request("HEAD", RECORDING).headers["X-Container-Meta-Lapelrecording"] == OTHER_RECORDING
    assert client.begin() == 403


@pytest.mark.parametrize("name", ["ful", "full=0", "full=-1", "full=many", ""])
def test_an_impossible_fault_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="--fault"):
        Faults([name])


def test_every_fault_is_described() -> None:
    assert all(Faults([name]).is_present(name) and text for name, text in EVIDENCE_FAULTS.items())
