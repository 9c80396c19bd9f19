"""What each HTTP status of a back end means, with its words."""

import pytest

from lapel.errors import BlockedError, BusyError, OffloadError, RejectedError
from lapel.offload.refusals import refusal, wait_s

DOCUMENTED: list[tuple[int, type[OffloadError], str]] = [
    (400, RejectedError, "will never take this recording"),
    (401, BlockedError, "check [offload] user and secret_file"),
    (402, BlockedError, "no licence left"),
    (403, BlockedError, "may not write there"),
    (404, BusyError, "is gone; it is made again"),
    (408, BusyError, "waited too long"),
    (413, RejectedError, "longer than the back end takes"),
    (422, BusyError, "differs from what was sent"),
    (429, BusyError, "fewer requests"),
    (498, BusyError, "fewer requests"),
    (500, BusyError, "the back end failed"),
    (503, BusyError, "the back end is busy"),
    (507, BlockedError, "the back end is full"),
]


@pytest.mark.parametrize(("status", "kind", "words"), DOCUMENTED)
def test_each_refusal_of_the_protocol(status: int, kind: type[OffloadError], words: str) -> None:
    error = refusal(status, "PUT c/clip.mp4", "no such user")
    assert type(error) is kind
    assert words in str(error)
    assert "PUT c/clip.mp4" in str(error)
    assert "no such user" in str(error)


@pytest.mark.parametrize("status", [*range(300, 400), *range(405, 408), 410, 411, 412, 414, 451])
def test_what_no_protocol_knows_gives_no_recording_up(status: int) -> None:
    assert isinstance(refusal(status, "PUT c"), BlockedError)


@pytest.mark.parametrize("status", range(500, 600))
def test_a_failing_back_end_is_tried_again_unless_it_is_full(status: int) -> None:
    assert isinstance(refusal(status, "PUT c"), BlockedError if status == 507 else BusyError)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0", 0.0), ("", None), ("soon", None), ("-1", None), ("999999", 3600.0), ("nan", None)],
)
def test_how_long_it_asks_to_wait(header: str, seconds: float | None) -> None:
    assert wait_s(header) == seconds
    error = refusal(503, "PUT c", retry_after=header)
    assert isinstance(error, BusyError)
    assert error.wait_s == seconds
