"""The checkers of offload find bugs: each is planted as a patch of the firmware, and found within `SEEDS`."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from lapel.evidence.retention import RetentionRules
from lapel.offload import delivery, plan
from lapel.offload.axis import AxisDestination
from lapel.offload.delivery import ItemUpload
from lapel.offload.engine import Offloader
from lapel_fleet.checkers.registry import judge
from lapel_fleet.runs import virtual
from lapel_fleet.runs.evidence_back_end import back_end
from lapel_fleet.scenario.faults import Fault
from lapel_fleet.scenario.offload import DockingStations, Offload
from lapel_fleet.scenario.scenario import Scenario, Shift
from lapel_fleet.scenario.wearer import Wearer

Patch = pytest.MonkeyPatch
SEEDS = range(1, 4)
DOCKED_S = 1800.0
CALM = Scenario(
    title="A short shift, and an hour in the dock", sites={"baltimore": 6}, duration_s=5400, telemetry_s=60,
    wearer=Wearer(activations=6, length_s=(30, 120), marks=0.5), shifts=[Shift(end_s=DOCKED_S, late_s=60)],
    docks=[DockingStations(line_bps=100_000)], offload=Offload(uploads=1),
)  # fmt: skip
DISTURBED = replace(
    CALM, title="The same with a back end that is busy, cuts, and loses receipts",
    faults=[
        Fault(kind="evidence.busy", at_s=DOCKED_S + 10, for_s=5),
        Fault(kind="evidence.cut", at_s=DOCKED_S + 20, for_s=5),
        Fault(kind="evidence.lost-receipt", at_s=DOCKED_S + 30, for_s=60),
        Fault(kind="evidence.wrong-checksum", at_s=DOCKED_S + 40, for_s=5),
        Fault(kind="evidence.token-expired", at_s=DOCKED_S + 50, for_s=30),
        Fault(kind="power.cut", at_s=DOCKED_S + 60, for_s=20, share=0.5),
    ],
)  # fmt: skip
REJECTED = replace(CALM, title="A back end that rejects", faults=[Fault(kind="evidence.rejected", at_s=0, for_s=5000)])
LONG = replace(
    CALM, title="A recording in two linked clips", sites={"baltimore": 1}, duration_s=20_000,
    wearer=Wearer(activations=1, length_s=(16_000, 16_100)), shifts=[Shift(end_s=18_500, late_s=1)],
)  # fmt: skip


def failed(scenario: Scenario, seed: int) -> set[str]:
    return {finding.checker for finding in judge(virtual.run(scenario, seed).cases) if finding.failures}


def what_has_arrived_is_not_noted(patch: Patch) -> None:
    async def save(self: ItemUpload, arrived: Any) -> None:
        """Nothing is noted."""

    patch.setattr(ItemUpload, "save", save)


def manifests_stay_on_the_card(patch: Patch) -> None:
    original = delivery.items_of
    patch.setattr(delivery, "items_of", lambda one: [item for item in original(one) if item.kind != "manifest"])
    patch.setattr(back_end, "imported_clips", lambda *_: {})  # the back end does not look


def the_end_of_each_video_is_cut_off(patch: Patch) -> None:
    original = AxisDestination._put

    async def put(self: Any, path: str, metadata: Any, upload: Any, start: int, length: int) -> Any:
        return await original(self, path, metadata, upload, start, length - length // 10)

    patch.setattr(AxisDestination, "_put", put)
    patch.setattr(back_end, "imported_clips", lambda *_: {})


def clips_leave_last_first(patch: Patch) -> None:
    original = delivery.items_of
    patch.setattr(delivery, "items_of", lambda one: original(one)[::-1])


def only_the_first_clip_of_a_recording_leaves(patch: Patch) -> None:
    original = plan._chain
    patch.setattr(plan, "_chain", lambda *args: original(*args)[:1])


def complete_is_declared_twice(patch: Patch) -> None:
    original = AxisDestination.finish

    async def finish(self: AxisDestination, *args: Any) -> None:
        await original(self, *args)
        await original(self, *args)

    patch.setattr(AxisDestination, "finish", finish)


def a_recording_is_deleted_once_it_has_left(patch: Patch) -> None:
    patch.setattr(RetentionRules, "reason_to_keep", lambda self, receipt, now: None)


def the_newest_recording_leaves_first(patch: Patch) -> None:
    original = plan.make_plan

    def newest_first(*args: Any, **keys: Any) -> Any:
        made = original(*args, **keys)
        return plan.Plan(made.to_send[::-1], made.to_confirm, made.refused, made.bytes_left)

    patch.setattr("lapel.offload.engine.make_plan", newest_first)


def what_was_rejected_is_tried_again(patch: Patch) -> None:
    async def reject(self: Offloader, recording: Any, reason: str, requested_by: str) -> None:
        self._postpone(recording, reason)

    patch.setattr(Offloader, "_reject", reject)


PLANTED: list[tuple[Callable[[Patch], None], Scenario, str]] = [
    (what_has_arrived_is_not_noted, DISTURBED, "clips-are-offloaded-once"),
    (manifests_stay_on_the_card, CALM, "offloaded-clips-are-whole"),
    (the_end_of_each_video_is_cut_off, CALM, "offloaded-clips-are-whole"),
    (clips_leave_last_first, LONG, "linked-clips-are-offloaded-in-order"),
    (only_the_first_clip_of_a_recording_leaves, LONG, "linked-clips-are-offloaded-in-order"),
    (complete_is_declared_twice, CALM, "complete-is-declared-once-and-last"),
    (a_recording_is_deleted_once_it_has_left, DISTURBED, "nothing-is-deleted-early"),
    (the_newest_recording_leaves_first, CALM, "critical-recordings-leave-first"),
    (what_was_rejected_is_tried_again, REJECTED, "rejected-recordings-are-not-sent-again"),
]
"""None for keys: the clips of a simulated fleet are not encrypted."""


@pytest.mark.parametrize("scenario", [CALM, DISTURBED, REJECTED, LONG], ids=lambda one: one.title)
def test_the_unpatched_firmware_passes(scenario: Scenario) -> None:
    for seed in SEEDS if scenario is not LONG else (1,):
        assert failed(scenario, seed) == set()


@pytest.mark.parametrize(("plant", "scenario", "checker"), PLANTED, ids=[one[0].__name__ for one in PLANTED])
def test_each_planted_bug_is_found(
    plant: Callable[[Patch], None], scenario: Scenario, checker: str, monkeypatch: Patch
) -> None:
    plant(monkeypatch)
    assert any(checker in failed(scenario, seed) for seed in SEEDS)
