"""Recordings to upload: made by the real firmware on simulated cameras, with whole videos and signed manifests."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec

from lapel.checksums import md5_hex
from lapel.evidence.manifest_reader import read_lines
from lapel.evidence.receipt import Closed
from lapel.evidence.receipt_files import closed_by
from lapel.offload import axis_names as names
from lapel.offload.contents import items_of
from lapel.offload.interface import Item, OutgoingRecording
from lapel.outgoing import OutgoingClip, StoredFile
from lapel_fleet.cameras.camera import SimulatedCamera
from lapel_fleet.hardware.fleet_signer import fleet_sealing
from lapel_fleet.hardware.memory_storage import MemoryStorage
from lapel_fleet.runs.virtual import VirtualEnvironment
from lapel_fleet.scenario.random_streams import RandomStreams
from lapel_fleet.scenario.scenario import Scenario
from lapel_fleet.time.virtual_time import VirtualClock, run_virtual

_FILES = ("video.mp4", "manifest.jsonl", "recording.json")
_RECORDINGS, _LENGTH_S = 3, 12.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording of one clip, as a camera uploads it."""

    outgoing: OutgoingRecording
    contents: Mapping[str, bytes]
    """By the name of the file in the clip's folder."""
    user: str
    short_id: str = ""
    """In the names of its objects, instead of its own."""

    @property
    def clip(self) -> str:
        """The id of its clip."""
        return self.outgoing.id

    @property
    def container(self) -> str:
        """The name of its container."""
        return names.container_name(self.outgoing, self.user)

    @property
    def device(self) -> str:
        """The serial number of its camera."""
        account = self.outgoing.clips[0].account
        return names.serial_number(account.site, account.camera)

    @property
    def closed(self) -> Closed:
        """What a receipt for it must name."""
        lines = self.contents["manifest.jsonl"].splitlines(keepends=True)
        return closed_by(read_lines(self.clip, lines), self.clip)

    @property
    def items(self) -> list[Item]:
        """Its objects, in the order in which they leave."""
        return items_of(self.outgoing)

    def content(self, item: Item) -> bytes:
        """The body of an object."""
        return item.content if item.content is not None else self.contents[item.name]

    def md5s(self) -> dict[str, str]:
        """The MD5 of each of its objects, by name."""
        return {self.object_name(item): md5_hex(self.content(item)) for item in self.items}

    def object_name(self, item: Item) -> str:
        """The name of an object."""
        name = names.object_name(item)
        return name.replace(_short_id(self.clip), self.short_id) if self.short_id else name

    def with_short_id_of(self, other: "Recorded") -> "Recorded":
        """The same with the short random id of another recording in its names: the API says not to rely on it."""
        return replace(self, short_id=_short_id(other.clip))


def _short_id(clip: str) -> str:
    return clip.rpartition("-")[2]


def recorded(seed: int, site: str) -> list[Recorded]:
    """Recordings of two cameras of one wearer, with a marker each. The same seed and site give the same ones."""
    scenario = Scenario(sites={site: 2}, telemetry_s=600.0)

    async def program(clock: VirtualClock) -> list[Recorded]:
        environment = _KeepingEnvironment(scenario, asyncio.get_running_loop())
        cameras = [SimulatedCamera(name, scenario, RandomStreams(seed), environment) for name in scenario.cameras]
        for camera in cameras:
            camera.power_on()
        await clock.sleep(60)
        for _ in range(_RECORDINGS):
            for camera in cameras:
                await _record(camera, clock)
        found = [one for camera in cameras for one in _of_card(environment.cards[camera.name], names.user_id(site, ""))]
        for camera in cameras:
            await camera.close()
        return sorted(found, key=lambda one: one.outgoing.clips[0].account.trigger_time)

    return run_virtual(program)


async def _record(camera: SimulatedCamera, clock: VirtualClock) -> None:
    camera.press("event", 2)
    await clock.sleep(_LENGTH_S / 2)
    camera.press()
    await clock.sleep(_LENGTH_S / 2)
    await camera.hold()
    await camera.settled()
    await clock.sleep(7)


def _of_card(card: MemoryStorage, user: str) -> list[Recorded]:
    found = []
    for account in card.listing():
        own = {
            "video.mp4": card.video(account.recording),
            "manifest.jsonl": card.manifest(account.recording),
            "recording.json": msgspec.json.encode(account),
        }
        files = [StoredFile(name, len(own[name])) for name in _FILES]
        outgoing = OutgoingRecording([OutgoingClip(account, files)])
        found.append(Recorded(outgoing, own, user))
    return found


class _KeepingEnvironment(VirtualEnvironment):
    """Cards that keep everything."""

    def __init__(self, scenario: Scenario, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(scenario, loop)
        self.cards: dict[str, MemoryStorage] = {}

    def storage_card(self, name: str) -> MemoryStorage:
        sealing = fleet_sealing(f"{self.agency}/{name}", self.clock().now)
        self.cards[name] = MemoryStorage(sealing=sealing)
        return self.cards[name]
