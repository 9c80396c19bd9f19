"""The Axis way against a small Swift in memory: what is sent, and what each refusal leads to."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from lapel.errors import BlockedError, BusyError, ConfigError, RejectedError
from lapel.offload.axis import AxisDestination
from lapel.offload.axis_session import AxisSettings
from lapel.offload.progress import MemoryNotes
from lapel.offload.refusals import refusal
from lapel.recording import Cause, Location, PositionNote
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from offload.back_ends import MemoryCard, Rig, a_while, clip, content, drive, make_rig
from offload.stub_swift import ADDRESS, Override, StubSwift

USER = "d0e5e6a4-b4f7-523d-8417-9fa9189100cd"
"""Of a camera of the agency `demo` without a wearer."""
CONTAINER = f"{USER}_baltimore.cam-0001_20261124T070000Z"
CLIP = "20261124T070000Z-5a0f32c1"
VIDEO = f"{CONTAINER}/20261124_070000_5a0f32c1.mp4"
Steps = Callable[[Rig], Awaitable[None]]


def offload(
    stub: StubSwift, *clips: Any, steps: Any = a_while, notes: MemoryNotes | None = None, **settings: Any
) -> Rig:
    """Offload clips to the stub in virtual time."""

    async def program(clock: VirtualClock) -> Rig:
        own = AxisSettings(**{"addresses": (ADDRESS,), "user": "uploader", "secret": "secret", **settings})
        destination: Any = AxisDestination(own, stub.transport())
        rig = make_rig(clock, MemoryCard(*(clips or [clip(CLIP)])), destination, notes or MemoryNotes(), {})
        await drive(rig, steps)
        return rig

    return run_virtual(program)


def test_the_requests_of_a_recording_in_order() -> None:
    stub = StubSwift()
    offload(stub)
    assert stub.requests == [
        "GET /auth/v1.0",
        "PUT Devices",
        "HEAD Devices/baltimore.cam-0001",
        "PUT Devices/baltimore.cam-0001",
        "PUT Users",
        f"HEAD Users/{USER}",
        f"PUT Users/{USER}",
        f"HEAD {CONTAINER}",
        f"PUT {CONTAINER}",
        f"PUT {VIDEO}",
        f"PUT {CONTAINER}/20261124_070000_5a0f32c1.manifest.jsonl",
        f"PUT {CONTAINER}/20261124_070000_5a0f32c1.recording.json",
        f"POST {CONTAINER}",
        f"GET Receipts/baltimore.cam-0001_{CLIP}",
        f"GET Receipts/baltimore.cam-0001_{CLIP}",
    ]
    assert stub.objects[VIDEO] == content(CLIP, "video.mp4", 1000)


def test_the_metadata_of_the_api() -> None:
    stub = StubSwift()
    place = Location(latitude=39.29, longitude=-76.61, accuracy_m=4.4, age_s=2.0)
    changes: dict[str, Any] = {
        "start": Cause("trigger", "light bar"),
        "position_start": place,
        "position_end": place,
        "time_zone": "America/New_York",
        "model": "Läpel 1",
        "start_time": "2026-11-24T06:59:30.500Z",
        "end_time": "2026-11-24T07:10:00.250Z",
        "markers_s": [90.0],
    }
    offload(stub, clip(CLIP, **changes))
    container = {key.removeprefix("x-container-meta-"): value for key, value in stub.metadata[CONTAINER].items()}
    assert container == {
        "containername": CONTAINER,
        "bwcserialnumber": "baltimore.cam-0001",
        "scuserialnumber": "baltimore.cam-0001",
        "firmwareversion": "0.1.0",
        "userid": USER,
        "triggeron": "trigger:%20light%20bar",
        "triggeroff": "button",
        "triggerontime": "1795503600.000",
        "triggerontimeiso": "2026-11-24T07:00:00.000Z",
        "triggeronlocation": "+39.290000-76.610000+4+1795503598",
        "triggerofftime": "1795504200.250",
        "triggerofftimeiso": "2026-11-24T07:10:00.250Z",
        "triggerofflocation": "+39.290000-76.610000+4+1795504198",
        "starttime": "1795503570.500",
        "starttimeiso": "2026-11-24T06:59:30.500Z",
        "stoptime": "1795504200.250",
        "stoptimeiso": "2026-11-24T07:10:00.250Z",
        "timezone": "America%2FNew_York",
        "bwcmodel": "L%C3%A4pel%201",
        "status": "Complete",
        "lapelrecording": CLIP,
        "lapelcamera": "demo%2Fbaltimore%2Fcam-0001",
    }
    video = stub.metadata[f"{CONTAINER}/20261124_065930_5a0f32c1.mp4"]
    assert video["x-object-meta-containertype"] == "mp4"
    assert video["x-object-meta-lapelfile"] == "video.mp4"
    bookmark = stub.metadata[f"{CONTAINER}/bookmark_20261124T070100500Z_1"]
    assert bookmark == {"x-object-meta-starttime": "2026-11-24T07:01:00.500Z"}
    trail = json.loads(stub.objects[f"{CONTAINER}/20261124_065930_5a0f32c1_baltimore.cam-0001_gpstrail.json"])
    assert trail["CoordinateEntries"][0] == {
        "LocationWKT": "POINT(-76.610000 39.290000)",
        "SecondsFromStart": 27.5,
        "Timestamp": "2026-11-24T06:59:58.000Z",
    }


def test_a_receipt_from_the_container_receipts_confirms() -> None:
    stub = StubSwift()
    stub.objects[f"Receipts/baltimore.cam-0001_{CLIP}"] = CLIP.encode()
    assert set(offload(stub).card.confirmed) == {CLIP}


def test_two_recordings_of_one_second_get_containers_of_their_own() -> None:
    stub = StubSwift()
    offload(stub, clip("20261124T070000Z-00000001"), clip("20261124T070000Z-00000002"))
    containers = [name for name in stub.metadata if name.startswith(USER) and "/" not in name]
    assert containers == [CONTAINER, CONTAINER.replace("000Z", "001Z")]
    assert all(stub.metadata[name]["x-container-meta-triggerontime"] == "1795503600.000" for name in containers)


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_400_is_on_record_and_never_again() -> None:
    stub = StubSwift([Override("PUT", ".mp4", 400, {"content-type": "text/plain"}, "no duration\nmore")])
    notes = MemoryNotes()
    rig = offload(stub, notes=notes)
    (failed,) = rig.listener.of("failed")
    assert failed[0] == CLIP
    assert "400 (no duration) at PUT" in failed[1]
    offload(stub, notes=notes)
    assert stub.requests.count(f"PUT {VIDEO}") == 1
    assert f"POST {CONTAINER}" not in stub.requests


def test_401_in_mid_upload_is_answered_with_a_new_token() -> None:
    stub = StubSwift([Override("PUT", ".mp4", 401, times=1)])
    offload(stub)
    assert stub.tokens == 2
    assert stub.objects[VIDEO] == content(CLIP, "video.mp4", 1000)
    assert stub.metadata[CONTAINER]["x-container-meta-status"] == "Complete"


def test_401_with_a_new_token_too_stops() -> None:
    rig = offload(StubSwift([Override("PUT", ".mp4", 401)]))
    assert "check [offload] user and secret_file" in rig.engine.status().blocked


def test_a_wrong_secret_stops_and_is_not_in_the_words() -> None:
    rig = offload(StubSwift(), secret="wrong-secret")
    assert "401 at GET http://127.0.0.1:8080/auth/v1.0" in rig.engine.status().blocked
    assert "wrong-secret" not in repr(rig.listener.reports)


@pytest.mark.parametrize(("status", "path"), [(402, "Devices/"), (402, "Users/"), (402, ".mp4"), (507, ".mp4")])
def test_402_and_507_stop_and_keep(status: int, path: str) -> None:
    rig = offload(StubSwift([Override("PUT", path, status)]), clip(CLIP), clip("20261124T080000Z-5a0f32c2"))
    assert rig.engine.is_blocked
    (failed,) = rig.listener.of("failed")
    assert f"{status} at PUT" in failed[1]
    assert rig.engine.status().recordings_left == 2


def test_503_backs_off_for_as_long_as_it_says() -> None:
    stub = StubSwift([Override("PUT", ".mp4", 503, {"Retry-After": "300"}, times=1)])

    async def steps(rig: Rig) -> None:
        await rig.clock.sleep(290)
        assert stub.requests.count(f"PUT {VIDEO}") == 1
        await rig.clock.sleep(400)
        assert stub.metadata[CONTAINER]["x-container-meta-status"] == "Complete"

    offload(stub, steps=steps)


def test_404_makes_the_container_again() -> None:
    stub = StubSwift([Override("PUT", "manifest", 404, times=1)])

    async def steps(rig: Rig) -> None:
        await a_while(rig)
        assert stub.metadata[CONTAINER]["x-container-meta-status"] == "Complete"

    offload(stub, steps=steps)


def test_a_wrong_checksum_is_noticed_and_sent_again() -> None:
    stub = StubSwift([Override("PUT", ".mp4", 201, {"Etag": "0" * 32}, times=1)])
    rig = offload(stub)
    assert "arrived changed: its MD5 is 00000000000000000000000000000000" in rig.listener.of("note")[0][0]
    assert stub.requests.count(f"PUT {VIDEO}") == 2
    assert stub.metadata[CONTAINER]["x-container-meta-status"] == "Complete"


def test_a_back_end_that_names_no_checksum_is_asked_and_then_believed() -> None:
    stub = StubSwift(names_etag=False)
    offload(stub)
    assert f"HEAD {VIDEO}" in stub.requests
    assert stub.metadata[CONTAINER]["x-container-meta-status"] == "Complete"


def test_complete_is_not_sent_again_by_a_camera_that_lost_its_notes() -> None:
    stub = StubSwift()
    offload(stub)
    offload(stub, notes=MemoryNotes())
    assert stub.requests.count(f"POST {CONTAINER}") == 1
    assert stub.requests.count(f"PUT {VIDEO}") == 1


def test_a_server_that_cannot_be_asked_gets_everything_all_the_same() -> None:
    stub = StubSwift([Override("HEAD", "", 403)])
    offload(stub)
    assert stub.metadata[CONTAINER]["x-container-meta-status"] == "Complete"


def test_only_supported_kinds_are_sent_where_the_back_end_says_so() -> None:
    stub = StubSwift()
    stub.objects["System/Capabilities.json"] = json.dumps({"Store": {"StoreBookmarks": True}}).encode()
    offload(stub, clip(CLIP, markers_s=[1.0]), full_support=False)
    sent = [request.partition("/")[2] for request in stub.requests if request.startswith(f"PUT {CONTAINER}/")]
    assert sent == ["20261124_070000_5a0f32c1.mp4", "bookmark_20261124T070001000Z_1"]


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b'{"Store": 1}', b"\xff"])
def test_capabilities_that_cannot_be_read_mean_none(text: bytes) -> None:
    stub = StubSwift()
    stub.objects["System/Capabilities.json"] = text
    offload(stub, full_support=False)
    assert stub.metadata[CONTAINER]["x-container-meta-status"] == "Complete"


# -- segments ----------------------------------------------------------------------------------------------------------


def test_a_long_file_goes_in_segments_where_the_server_offers_it() -> None:
    stub = StubSwift(info={"slo": {}})
    stub.overrides.append(Override("PUT", f"Segments/{VIDEO}/00002", 503, times=1))
    offload(stub, clip(CLIP, 1000), segment_bytes=300)
    assert stub.objects[VIDEO] == content(CLIP, "video.mp4", 1000)
    assert stub.requests.count(f"PUT Segments/{VIDEO}/00000") == 1
    assert stub.requests.count(f"PUT Segments/{VIDEO}/00002") == 2


# -- addresses ---------------------------------------------------------------------------------------------------------


def test_of_several_addresses_the_next_one_is_tried() -> None:
    stub = StubSwift([Override("GET", "/auth/v1.0", 503, times=1)])
    offload(stub, addresses=(ADDRESS, ADDRESS))
    assert stub.metadata[CONTAINER]["x-container-meta-status"] == "Complete"


def test_a_storage_address_that_is_not_encrypted_is_refused() -> None:
    rig = offload(StubSwift(storage="http://evidence.example.org/v1/a"))
    assert "which is not encrypted" in rig.engine.status().blocked


def test_an_answer_without_a_token_is_no_token_service() -> None:
    rig = offload(StubSwift([Override("GET", "/auth/v1.0", 200)]))
    assert "is it the address of the token service?" in rig.engine.status().blocked


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://evidence.example.org/auth/v1.0", "is not encrypted"),
        ("ftp://evidence.example.org/", "is no address"),
        ("https://u:p@evidence.example.org/", "contains a user or password"),
        ("evidence.example.org", "is no address"),
        ("https://[::1", "Invalid IPv6"),
    ],
)
def test_addresses_that_are_refused_at_the_start(address: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        AxisDestination(AxisSettings(addresses=(address,), user="u", secret="s"))


def test_the_kinds_of_refusal_are_those_of_the_table() -> None:
    assert isinstance(refusal(400, "x"), RejectedError)
    assert isinstance(refusal(507, "x"), BlockedError)
    assert isinstance(refusal(503, "x"), BusyError)


@pytest.mark.parametrize("path", ["/auth/v1.0", "Devices", "Devices/baltimore.cam-0001", "Users", f"Users/{USER}"])
def test_a_busy_registration_does_not_cost_the_oldest_recording_its_turn(path: str) -> None:
    stub = StubSwift([Override("GET" if "auth" in path else "PUT", path, 503, times=1)])
    later = clip("20261124T080000Z-00000002", trigger_time="2026-11-24T08:00:00.000Z")
    offload(stub, clip(CLIP), later)
    made = [one for one in stub.requests if one.startswith("PUT ") and one.endswith("00Z")]
    assert made == [f"PUT {CONTAINER}", f"PUT {CONTAINER.replace('T07', 'T08')}"]


def test_the_trail_has_each_fix_once_in_the_order_of_time() -> None:
    stub = StubSwift()
    place = Location(latitude=39.29, longitude=-76.61, accuracy_m=4.0, age_s=0.0)
    positions = [PositionNote(at_s, 39.2 + at_s / 1000, -76.61, 4.0) for at_s in (0.1, 10.0, 20.0)]
    ends = {"position_start": place, "position_end": place, "end_time": "2026-11-24T07:00:20.300Z"}
    offload(stub, clip(CLIP, start_time="2026-11-24T07:00:00.000Z", positions=positions, **ends))
    (trail,) = (json.loads(content) for name, content in stub.objects.items() if name.endswith("gpstrail.json"))
    assert [one["SecondsFromStart"] for one in trail["CoordinateEntries"]] == [0.0, 10.0, 20.0]
