"""What every `Footage` does: computed here, captured by threads in `tests/system/test_pixel_footage.py`."""

import pytest

from footage_contract import BUFFER_S, CASES, SOUND_CASES, Case, SoundCase, run_case, run_sound_case
from lapel_fleet.hardware.clip_encoding import scene_clip
from lapel_fleet.hardware.footage import ComputedFootage
from lapel_fleet.hardware.microphone import SimulatedMicrophone
from lapel_fleet.hardware.shared_clip import BlankSource, FragmentSource
from lapel_fleet.scenario.scenario import Media
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual
from shared_clips import numbered_clip


@pytest.fixture(params=["blank", "blank with sound", "clip", "clip with sound"])
def source(request: pytest.FixtureRequest) -> FragmentSource:
    has_sound = "sound" in request.param
    if "blank" in request.param:
        return BlankSource(has_sound=has_sound)
    return scene_clip(3, has_sound=True) if has_sound else numbered_clip()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_computed_footage(case: Case, source: FragmentSource) -> None:
    async def program(clock: VirtualClock) -> None:
        microphone = SimulatedMicrophone(clock)
        await run_case(case, ComputedFootage(clock, BUFFER_S, 8_000_000, source, microphone), clock)


@pytest.mark.parametrize("case", SOUND_CASES, ids=lambda case: case.__name__)
@pytest.mark.parametrize("media", ["none", "clip"])
def test_computed_sound(case: SoundCase, media: Media) -> None:
    source = BlankSource(has_sound=True) if media == "none" else scene_clip(3, has_sound=True)

    async def program(clock: VirtualClock) -> None:
        microphone = SimulatedMicrophone(clock)
        await run_sound_case(case, ComputedFootage(clock, BUFFER_S, 8_000_000, source, microphone), microphone, clock)

    run_virtual(program)
