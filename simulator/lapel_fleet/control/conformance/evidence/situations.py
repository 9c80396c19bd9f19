"""The situations in which an evidence back end is examined. A new function with `@situation` is a new one."""

from collections.abc import Callable
from urllib.parse import unquote

from lapel.checksums import md5_hex
from lapel.offload import axis_names as names
from lapel_fleet.control.conformance.evidence.stage import EvidenceStage
from lapel_fleet.control.conformance.situation import NamedScript, named

EvidenceScript = Callable[[EvidenceStage], None]
_REFUSED = (400, 422)
_DENIED = (401,)


EvidenceSituation = NamedScript[EvidenceScript]
EVIDENCE_SITUATIONS: dict[str, EvidenceSituation] = {}
"""By id, in the order of the report."""


def situation(script: EvidenceScript) -> EvidenceScript:
    """Register a script."""
    one = named(script)
    EVIDENCE_SITUATIONS[one.id] = one
    return script


# -- a recording arrives -----------------------------------------------------------------------------------------------


@situation
def recording_arrives(stage: EvidenceStage) -> None:
    """A recording is uploaded, object by object, and declared complete.

    The ordinary case. Only when the receipt is there, for exactly this recording, may the camera delete its own.
    """
    one = stage.recordings[0]
    stage.deliver(one)
    stage.expect_stored(one, complete=True)
    stage.expect_receipt(one)


@situation
def recording_is_on_its_way(stage: EvidenceStage) -> None:
    """Some objects of a recording have arrived, and it has not been declared complete.

    A receipt now would let the camera delete what the back end does not have. Nor is the recording ready for anyone.
    """
    one = stage.recordings[0]
    stage.upload_all(one, one.items[:2])
    stage.expect_stored(
        one, complete=False, objects={one.object_name(i): md5_hex(one.content(i)) for i in one.items[:2]}
    )
    stage.expect_no_receipt(one)


@situation
def recording_of_one_object_is_on_its_way(stage: EvidenceStage) -> None:
    """Only the first object of a recording has arrived: the video.

    It is the longest object, but not the recording: its manifest and its markers follow.
    """
    one = stage.recordings[0]
    stage.upload_all(one, one.items[:1])
    stage.expect_stored(
        one, complete=False, objects={one.object_name(i): md5_hex(one.content(i)) for i in one.items[:1]}
    )
    stage.expect_no_receipt(one)


@situation
def recordings_arrive_side_by_side(stage: EvidenceStage) -> None:
    """Two cameras upload at the same time, object by object in turn.

    A dock has dozens of bays. What is open belongs to the container in the path, not to the last one that was created.
    """
    one, other = stage.recordings[:2]
    stage.begin(one)
    stage.begin(other)
    for mine, theirs in zip(one.items, other.items, strict=True):
        stage.upload(one, mine)
        stage.upload(other, theirs)
    stage.complete(other)
    stage.expect_stored(one, complete=False)
    stage.expect_no_receipt(one)
    stage.complete(one)
    for each in (one, other):
        stage.expect_stored(each, complete=True)
        stage.expect_receipt(each)


# -- names -------------------------------------------------------------------------------------------------------------


@situation
def same_short_id(stage: EvidenceStage) -> None:
    """Two recordings of different cameras have the same short id in the names of their clips.

    The API: "a short, random number that shouldn't be relied upon for identification". A back end that takes it for the
    identity of a recording throws one of the two away.
    """
    one, other = stage.recordings[0], stage.recordings[1].with_short_id_of(stage.recordings[0])
    for each in (one, other):
        stage.deliver(each)
    for each in (one, other):
        stage.expect_stored(each, complete=True)


@situation
def several_recordings_of_one_camera(stage: EvidenceStage) -> None:
    """A camera uploads two recordings, one after the other.

    Each has a container of its own. The second one must not replace the first.
    """
    one, other = stage.recordings[0], stage.recordings[2]
    for each in (one, other):
        stage.deliver(each)
    for each in (one, other):
        stage.expect_stored(each, complete=True)
        stage.expect_receipt(each)


@situation
def unusual_names(stage: EvidenceStage) -> None:
    """A wearer is called `Åse Öberg; 100% "night"`, and is renamed later.

    Strings are URL-encoded UTF-8 and may have any character but control characters. A new name replaces the old one.
    """
    one = stage.recordings[0]
    stage.register(one)
    for name in ('Åse Öberg; 100% "night"', "Åse Lind"):
        stage.request("POST", f"{names.USERS}/{one.user}", names.headers("Object", {"Active": "True", "Name": name}))
    answer = stage.request("HEAD", f"{names.USERS}/{one.user}")
    known = unquote(answer.headers.get("x-object-meta-name", ""))
    if answer.status in (200, 204) and known != "Åse Lind":
        stage.expect_status(
            one, answer, (), f"the wearer is now called Åse Lind, the back end says {known or 'nothing'}"
        )
    stage.deliver(one)
    stage.expect_stored(one, complete=True)


# -- what is repeated --------------------------------------------------------------------------------------------------


@situation
def object_is_sent_again(stage: EvidenceStage) -> None:
    """The answer to an upload is lost: the camera sends the same object again.

    It is one object. A second copy, or an error, costs the recording its place in court or in the queue.
    """
    one = stage.recordings[0]
    stage.upload_all(one)
    answer = stage.upload(one, one.items[0], note="the answer to the first one was lost")
    stage.expect_status(one, answer, (201,), "the same object again is no error")
    stage.complete(one)
    stage.expect_stored(one, complete=True)
    stage.expect_receipt(one)


@situation
def container_is_created_again(stage: EvidenceStage) -> None:
    """A camera lost its power in mid-upload: it creates the container again, and goes on.

    202 instead of 201. What has arrived is still there: a camera that resumes does not send it again.
    """
    one = stage.recordings[0]
    stage.upload_all(one, one.items[:2])
    answer = stage.begin(one)
    stage.expect_status(one, answer, (201, 202), "the container is there already, from before the power cut")
    for item in one.items[2:]:
        stage.upload(one, item)
    stage.complete(one)
    stage.expect_stored(one, complete=True)
    stage.expect_receipt(one)


@situation
def complete_is_declared_again(stage: EvidenceStage) -> None:
    """The answer to Complete is lost: the camera declares the recording complete once more.

    It is one recording, complete once, and the receipt is still there.
    """
    one = stage.recordings[0]
    stage.deliver(one)
    answer = stage.complete(one, note="the answer to the first one was lost")
    stage.expect_status(one, answer, (200, 201, 202, 204), "the same again is no error")
    stage.expect_stored(one, complete=True)
    stage.expect_receipt(one)


@situation
def receipt_is_asked_for_again(stage: EvidenceStage) -> None:
    """The camera asks for the receipt twice: the first answer did not reach it.

    A receipt that can be had only once is lost with one broken connection, and the camera keeps the recording for good.
    """
    one = stage.recordings[0]
    stage.deliver(one)
    stage.expect_receipt(one)
    stage.expect_receipt(one)


# -- what did not arrive as it was sent --------------------------------------------------------------------------------


@situation
def object_is_damaged_on_the_way(stage: EvidenceStage) -> None:
    """An object arrives with other bytes than the camera sent; then it is sent again.

    The camera compares the Etag of the answer, the MD5 of what has arrived, with what it sent. An Etag that repeats the
    camera's claim hides the damage for ever.
    """
    one = stage.recordings[0]
    stage.upload_all(one, one.items[1:])
    right = one.content(one.items[0])
    damaged = right[:-1] + bytes([right[-1] ^ 1])
    answer = stage.upload(one, one.items[0], damaged, etag=md5_hex(right), note="a bit was flipped on the way")
    stage.expect_etag(one, answer, damaged)
    stage.upload(one, one.items[0])
    stage.complete(one)
    stage.expect_stored(one, complete=True)
    stage.expect_receipt(one)


@situation
def video_is_cut_short(stage: EvidenceStage) -> None:
    """The video of a recording arrives without its end, and the recording is declared complete all the same.

    Its manifest says how long it is. A receipt would let the camera delete the only whole copy.
    """
    one = stage.recordings[0]
    stage.upload_all(one)
    half = one.content(one.items[0])
    stage.upload(one, one.items[0], half[: len(half) // 2], note="cut short")
    stage.complete(one)
    stage.expect_no_receipt(one)


@situation
def manifest_was_changed(stage: EvidenceStage) -> None:
    """One record of a manifest is not as the camera signed it.

    The receipt would confirm a recording that can no longer be proved.
    """
    one = stage.recordings[0]
    stage.upload_all(one)
    item = next(one_item for one_item in one.items if one_item.kind == "manifest")
    changed = one.content(item).replace(b'"fragment":2', b'"fragment":3', 1)
    stage.upload(one, item, changed, note="changed on the way")
    stage.complete(one)
    stage.expect_no_receipt(one)


@situation
def manifest_is_missing(stage: EvidenceStage) -> None:
    """A recording is declared complete without its manifest.

    Without it nothing says what the video should be. The camera may still have it, as long as there is no receipt.
    """
    one = stage.recordings[0]
    stage.upload_all(one, [item for item in one.items if item.kind != "manifest"])
    stage.complete(one)
    stage.expect_no_receipt(one)


# -- who may ----------------------------------------------------------------------------------------------------------


@situation
def wrong_token(stage: EvidenceStage) -> None:
    """An upload comes with a token that the back end never issued; the right one follows.

    401 makes the camera get a new token. A back end that takes it anyway lets anyone write evidence.
    """
    one = stage.recordings[0]
    stage.begin(one)
    item = one.items[0]
    path = f"{one.container}/{one.object_name(item)}"
    headers = names.headers("Object", names.object_metadata(item))
    answer = stage.request("PUT", path, headers, one.content(item), token="forged", note="a forged token")
    stage.expect_status(one, answer, _DENIED, "the token was never issued")
    stage.expect_stored(one, complete=False, objects={})


@situation
def unregistered_wearer(stage: EvidenceStage) -> None:
    """A recording names a wearer and a device that were never registered.

    The API: 400. Evidence without an owner is never found.
    """
    one = stage.recordings[0]
    answer = stage.begin(one, register=False)
    stage.expect_status(one, answer, _REFUSED, "no wearer of that id is known")
    stage.expect_unknown(one)


@situation
def bookmark_without_a_text(stage: EvidenceStage) -> None:
    """A marker is uploaded: an empty object, whose metadata is its time alone.

    The API: "the content and all metadata is empty, except for the timestamp". It is where the
    wearer pointed at.
    """
    one = stage.recordings[0]
    bookmarks = [item for item in one.items if item.kind == "bookmark"]
    stage.upload_all(one, [item for item in one.items if item.kind != "bookmark"])
    for item in bookmarks:
        answer = stage.upload(one, item)
        stage.expect_status(one, answer, (201,), "a bookmark may be empty")
    stage.complete(one)
    stage.expect_stored(one, complete=True)
