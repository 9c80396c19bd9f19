"""What every `Footage` does: computed here, captured by threads in `tests/system/test_pixel_footage.py`."""

import pytest

from footage_contract import BUFFER_S, CASES, Case, run_case
from lapel_fleet.hardware.footage import ComputedFootage
from lapel_fleet.hardware.shared_clip import BlankSource, FragmentSource
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from shared_clips import numbered_clip


@pytest.fixture(params=["blank", "clip"])
def source(request: pytest.FixtureRequest) -> FragmentSource:
    return BlankSource() if request.param == "blank" else numbered_clip()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_computed_footage(case: Case, source: FragmentSource) -> None:
    async def program(clock: VirtualClock) -> None:
        await run_case(case, ComputedFootage(clock, BUFFER_S, 8_000_000, source), clock)

    run_virtual(program)
