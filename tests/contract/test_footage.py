"""What every `Footage` does: computed here, in virtual time; captured from a lens in `tests/system/test_lens.py`."""

import pytest

from lapel_fleet.hardware.footage import ComputedFootage
from lapel_fleet.hardware.shared_clip import BlankSource, FragmentSource
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from shared_clips import numbered_reel
from stories import SHORT_S, STORIES, Story, tell


@pytest.fixture(params=["blank", "clip"])
def reel(request: pytest.FixtureRequest) -> FragmentSource:
    return BlankSource() if request.param == "blank" else numbered_reel()


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_computed_footage(story: Story, reel: FragmentSource) -> None:
    async def program(clock: VirtualClock) -> None:
        await tell(story, ComputedFootage(clock, SHORT_S, 8_000_000, reel), clock)

    run_virtual(program)
