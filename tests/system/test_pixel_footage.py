"""Footage that draws and encodes frames, in real time: the cases of computed footage, and a check of a recording."""

import asyncio
import random
from pathlib import Path

from footage_contract import BUFFER_S, CASES, SOUND_CASES, run_case, run_sound_case
from lapel.camera import Camera
from lapel.clock import SystemClock
from lapel.config import Config, load
from lapel.evidence.store import EvidenceStore
from lapel.hardware.devices import Devices
from lapel.link.interface import NoLink
from lapel.worker import ThreadWorker
from lapel_fleet.checkers.clip import judge
from lapel_fleet.hardware.microphone import SimulatedMicrophone
from lapel_fleet.hardware.pixel_footage import PixelFootage
from simulated_parts import RecordedIndicators
from system.process import until


def config(sound: str = "none") -> Config:
    return load(
        flags={
            ("audio", "source"): sound,
            ("video", "source"): "scene", ("video", "width"): 160, ("video", "height"): 90, ("video", "rate_fps"): 20,
            ("video", "bitrate_bps"): 200_000, ("video", "preset"): "ultrafast", ("video", "overlay"): False,
            ("prebuffer", "length_s"): BUFFER_S, ("recording", "min_free_bytes"): 0,
        }
    )  # fmt: skip


async def test_pixel_footage_passes_the_footage_contract() -> None:
    clock = SystemClock()
    footages = [PixelFootage(config(), clock, random.Random(1)) for _ in CASES]
    runs = [run_case(case, footage, clock) for case, footage in zip(CASES, footages, strict=True)]
    async with asyncio.timeout(60):
        await asyncio.gather(*runs)


async def test_pixel_footage_with_sound_passes_the_contract_of_sound() -> None:
    clock = SystemClock()
    runs = []
    for case in SOUND_CASES:
        microphone = SimulatedMicrophone(clock)
        footage = PixelFootage(config("tone"), clock, random.Random(1), microphone=microphone)
        runs.append(run_sound_case(case, footage, microphone, clock))
    async with asyncio.timeout(60):
        await asyncio.gather(*runs)


async def test_a_recording_with_a_pulled_cable_is_playable_and_its_account_is_true(tmp_path: Path) -> None:
    footage, store, worker = (
        PixelFootage(config(), SystemClock(), random.Random(1)),
        EvidenceStore(tmp_path),
        ThreadWorker(),
    )
    camera = Camera(
        config(), clock=SystemClock(), footage=footage, storage=store, worker=worker, link=NoLink(),
        rng=random.Random(1), session="s", devices=Devices(RecordedIndicators()),
    )  # fmt: skip
    life = asyncio.create_task(camera.run())
    await asyncio.sleep(2.5)
    camera.press()
    await asyncio.sleep(1.0)
    footage.unplug("pulled")
    await asyncio.sleep(1.0)
    footage.plug_in()
    await until(lambda: footage.status().lost is None, lambda: "no frames after the cable was plugged in")
    await asyncio.sleep(1.0)
    camera.press()
    camera.shut_down("over")
    await life
    worker.close()
    store.close()
    (folder,) = [path.parent for path in tmp_path.glob("*/recording.json")]
    verdict = judge(folder)
    assert verdict.problems == []
    assert verdict.account is not None
    assert ["pulled" in gap.reason for gap in verdict.account.gaps] == [True]
    assert verdict.account.prebuffer_actual_s >= BUFFER_S
