"""Lines of one moment: their order does not depend on which cameras run side by side."""

import io

from hypothesis import given
from hypothesis import strategies as st

from lapel_fleet.runs.trace import BROKER, OrderedTrace, merged_lines

CAMERAS = ("buffalo/cam-0001", "baltimore/cam-0001", "baltimore/cam-0002")
Happening = tuple[int, str, str]
"""Second, subject, text."""
_SUBJECTS = st.sampled_from([BROKER, *CAMERAS, *(f"lapel/v1/fleet/{name}/state" for name in CAMERAS)])
happenings = st.lists(st.tuples(st.integers(0, 3), _SUBJECTS, st.text("ab {}", max_size=3)), max_size=30).map(
    lambda some: sorted(some, key=lambda one: one[0])
)


class _Kept(io.StringIO):
    def close(self) -> None:
        """A StringIO that is closed has no text."""


def traced(some: list[Happening], concerns: str = "") -> list[str]:
    """The trace of what happens to a camera, or to all."""
    file = _Kept()
    trace = OrderedTrace(file)
    for second, subject, text in some:
        if subject == BROKER or concerns in subject:
            trace.add(float(second), subject, text)
    trace.close()
    return file.getvalue().splitlines(keepends=True)


@given(happenings)
def test_the_traces_of_single_cameras_merge_into_that_of_all(some: list[Happening]) -> None:
    assert list(merged_lines([traced(some, name) for name in CAMERAS])) == traced(some)


@given(happenings)
def test_a_cameras_own_lines_and_the_brokers_keep_their_order(some: list[Happening]) -> None:
    whole = traced(some)
    for name in CAMERAS:
        wanted = [
            f"{second:.6f} {subject} {text}\n" for second, subject, text in some if name in subject or subject == BROKER
        ]
        assert [line for line in whole if name in line or f" {BROKER} " in line] == wanted
