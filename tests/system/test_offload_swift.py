"""Offload to a real OpenStack Swift on loopback: its own API, which is what the Axis API is a subset of, and S3."""

import asyncio
import dataclasses
import json
import random
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from evidence.recordings import SEALING, trust
from lapel.clock import SystemClock, iso
from lapel.evidence.cli import main as lapel_evidence
from lapel.evidence.outgoing import OutgoingFolder
from lapel.evidence.receipt import make_receipt
from lapel.evidence.receipt_files import READ_BACK, RECEIPT, closed_recording
from lapel.evidence.store import EvidenceStore
from lapel.evidence.vault import Vault
from lapel.evidence.verify import Verdict, verify_recording
from lapel.link.backoff import Backoff
from lapel.offload import axis_names
from lapel.offload.axis import AxisDestination
from lapel.offload.axis_session import AxisSettings
from lapel.offload.engine import Offloader
from lapel.offload.interface import Destination
from lapel.offload.listener import Gate
from lapel.offload.progress import FolderNotes
from lapel.offload.s3 import S3Destination, S3Settings
from lapel.own_files import DamageReports
from lapel.worker import ThreadWorker
from offload.back_ends import Recorder
from receipts import BACK_END
from sealed_recordings import AGENCY
from system.offloaded import Client, Container, md5, write_recordings
from system.process import PATIENCE_S, SMALL_SCENE, camera, camera_on, terminal, until
from system.swift_server import SECRET, USER, SwiftServer, swift_server

SEALED = dataclasses.replace(
    SEALING, sealer=Vault([AGENCY.public_key()], "aes-256-gcm", lambda count: bytes(range(count))).clip_key
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwiftServer]:
    with swift_server(tmp_path_factory.mktemp("swift")) as swift:
        yield swift


@pytest.fixture
def client(server: SwiftServer) -> Iterator[Client]:
    own = Client(server)
    yield own
    own.close()


def axis(server: SwiftServer, **settings: Any) -> AxisDestination:
    return AxisDestination(AxisSettings(addresses=(server.address,), user=USER, secret=SECRET, **settings))


@asynccontextmanager
async def offloading(root: Path, destination: Destination, **options: Any) -> AsyncIterator[tuple[Offloader, Recorder]]:
    """An engine on the evidence in `root`, until the end of the block."""
    store, worker, listener = EvidenceStore(root, 0, sealing=lambda: SEALING), ThreadWorker(), Recorder()
    engine = Offloader(
        destination,
        OutgoingFolder(store, [BACK_END.public_key()], lambda: SEALING),
        FolderNotes(root / ".lapel" / "offload", DamageReports()),
        clock=SystemClock(),
        worker=worker,
        waits=Backoff(random.Random(1)),
        listener=listener,
        gate=Gate,
        uploads=2,
        **options,
    )
    await engine.load()
    running = asyncio.create_task(engine.run())
    try:
        yield engine, listener
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        worker.close()
        store.close()


async def all_arrived(engine: Offloader, listener: Recorder, count: int) -> None:
    await until(lambda: len(listener.of("offloaded")) == count, lambda: f"{engine.status()}, {listener.reports}")


def mine(client: Client, root: Path) -> dict[str, Container]:
    """The containers with the recordings of this evidence folder."""
    here = {path.name for path in root.iterdir()}
    return {
        name: container
        for name, container in client.recordings().items()
        if container.metadata.get("lapelrecording") in here
    }


def require_equal(client: Client, root: Path) -> None:
    """Every recording has its container, complete, and every file is in it: by listing, metadata, MD5 and content."""
    containers = mine(client, root)
    folders = [path for path in sorted(root.iterdir()) if not path.name.startswith(".")]
    assert sorted(one.metadata["lapelrecording"] for one in containers.values()) == [path.name for path in folders]
    for name, container in containers.items():
        folder = root / container.metadata["lapelrecording"]
        assert container.metadata["status"] == "Complete"
        assert container.metadata["containername"] == name
        arrived = {
            one["metadata"]["lapelfile"]: (listed, one)
            for listed, one in container.objects.items()
            if "lapelfile" in one["metadata"]
        }
        files = {path.name for path in folder.iterdir()} - {RECEIPT, READ_BACK}
        assert set(arrived) - {"clip.key"} == files
        for file in files:
            listed, one = arrived[file]
            assert one["bytes"] == (folder / file).stat().st_size
            if one["hash"] != md5(folder / file):  # of segments the listing has another hash
                assert client.get(f"{name}/{listed}") == (folder / file).read_bytes()


@pytest.mark.parametrize("count", [3, pytest.param(50, marks=pytest.mark.soak)])
async def test_recordings_arrive_whole_and_their_receipts_come_back(
    tmp_path: Path, server: SwiftServer, client: Client, count: int
) -> None:
    root, base, trusted = tmp_path / "evidence", 1_000 * count, trust(tmp_path)
    root.mkdir()
    write_recordings(root, count, first=base)
    write_recordings(root, count, first=base + count, sealing=SEALED)
    async with offloading(root, axis(server, segment_bytes=3_000)) as (engine, listener):
        await all_arrived(engine, listener, 2 * count)
        require_equal(client, root)
        for name, container in mine(client, root).items():
            metadata = container.metadata
            assert metadata["timezone"] == "America%2FNew_York"
            assert metadata["triggeronlocation"].startswith("+39.290000-7")
            kinds = {one.rpartition(".")[2] for one in container.objects}
            assert {"mp4", "jsonl", "json"} <= kinds
            assert len([one for one in container.objects if one.startswith("bookmark_")]) == 1
            (trail,) = (one for one in container.objects if one.endswith("_gpstrail.json"))
            assert len(json.loads(client.get(f"{name}/{trail}"))["CoordinateEntries"]) == 2
            (folder,) = client.rebuild(name, tmp_path / "imported")
            assert verify_recording(folder, trusted).verdict is Verdict.INTACT
            line = make_receipt(closed_recording(folder), "Store", iso(datetime.now(UTC)), BACK_END)  # noqa: TID251
            client.put("Receipts")
            client.put(f"Receipts/{axis_names.receipt_name('baltimore', 'cam-0001', folder.name)}", line)
        sealed = [one for one in mine(client, root).values() if any(name.endswith(".key") for name in one.objects)]
        assert len(sealed) == count
        engine.start()
        await until(lambda: len(listener.of("confirmed")) == 2 * count, lambda: f"{listener.reports}")
    assert len(list(root.glob(f"2*/{RECEIPT}"))) == 2 * count


async def test_through_its_s3_api_with_parts_and_read_back(tmp_path: Path, server: SwiftServer, client: Client) -> None:
    root = tmp_path / "evidence"
    root.mkdir()
    write_recordings(root, 2, first=900, media_bytes=900_000)
    client.put("lapel-s3")
    settings = S3Settings(
        address=server.s3_address, bucket="lapel-s3", user=USER, secret=SECRET, part_bytes=1_200_000, prefix="cams/"
    )
    destination = S3Destination(settings, lambda: SystemClock().now().utc)
    async with offloading(root, destination, reads_back=True) as (engine, listener):
        await all_arrived(engine, listener, 2)
    for folder in sorted(root.glob("2*")):
        base = f"lapel-s3/cams/demo/baltimore/cam-0001/{folder.name}"
        for file in ("video.mp4", "manifest.jsonl", "recording.json"):
            assert client.get(f"{base}/{folder.name}/{file}") == (folder / file).read_bytes()
        assert json.loads(client.get(f"{base}/complete.json"))["recording"] == folder.name
        assert (folder / READ_BACK).exists()
        assert not (folder / RECEIPT).exists()


async def test_a_wrong_secret_is_an_alarm_in_words(tmp_path: Path, server: SwiftServer) -> None:
    root = tmp_path / "evidence"
    root.mkdir()
    write_recordings(root, 1, first=800)
    wrong = AxisSettings(addresses=(server.address,), user=USER, secret="wrong")
    async with offloading(root, AxisDestination(wrong)) as (engine, listener):
        await until(lambda: engine.is_blocked, lambda: f"{listener.reports}")
    assert "check [offload] user and secret_file" in listener.of("failed")[0][1]


async def test_a_back_end_out_of_reach_is_waited_for(tmp_path: Path, server: SwiftServer) -> None:
    root = tmp_path / "evidence"
    root.mkdir()
    write_recordings(root, 1, first=700)
    settings = AxisSettings(addresses=("http://127.0.0.1:1/auth/v1.0",), user=USER, secret=SECRET)
    async with offloading(root, AxisDestination(settings)) as (_, listener):
        await until(lambda: len(listener.of("note")) > 1, lambda: f"{listener.reports}")
    assert "127.0.0.1:1: no answer: All connection attempts failed" in listener.of("note")[0][0]


# -- a real camera -----------------------------------------------------------------------------------------------------


def configured(folder: Path, server: SwiftServer, **more: object) -> Path:
    """A camera's configuration that offloads at once."""
    secret = folder / "secret"
    secret.write_text(SECRET)
    keys = {"destination": "axis", "address": server.address, "user": USER, "secret_file": secret, "when": "always"}
    lines = [
        f"{key} = {json.dumps(value if isinstance(value, int) else str(value))}"
        for key, value in {**keys, **more}.items()
    ]
    path = folder / "camera.toml"
    path.write_text(
        '[camera]\nsite = "baltimore"\n[audio]\nsource = "tone"\n[recording]\nmin_free_bytes = 0\n'
        f'[evidence]\nback_ends = "{folder / "backend.pub"}"\n[offload]\n' + "\n".join(lines) + "\n"
    )
    return path


def write_back_end_key(folder: Path) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    public = BACK_END.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "backend.pub").write_bytes(public)
    (folder / "backend.key").write_bytes(BACK_END.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


async def test_a_camera_records_offloads_and_is_confirmed(
    tmp_path: Path, server: SwiftServer, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    """As an evidence back end in the guide does it: rebuild the folder, `lapel-evidence receipt make`, put it there."""
    write_back_end_key(tmp_path)
    config = configured(tmp_path, server)
    with terminal(columns=120) as keys:
        with camera_on(keys, tmp_path, *SMALL_SCENE, "--config", config, "--prebuffer", "2") as cam:
            await keys.shows("BUFFERING")
            keys.type(" ")
            await keys.shows("RECORDING  1 s since the press")
            keys.type("m")
            await keys.shows("RECORDING  2 s since the press")
            keys.type(" ")
            await keys.shows("offloaded ")
            root = tmp_path / "evidence"
            (container,) = mine(client, root)
            require_equal(client, root)
            (folder,) = client.rebuild(container, tmp_path / "imported")
            made = tmp_path / "receipt.json"
            trust = root / ".lapel" / "identity" / "certificate.pem"
            arguments = ["--key", str(tmp_path / "backend.key"), "--back-end", "Store", "--trust", str(trust)]
            assert lapel_evidence(["receipt", "make", str(folder), *arguments, "--out", str(made)]) == 0
            client.put("Receipts")
            client.put(f"Receipts/{axis_names.receipt_name('baltimore', 'cam-0001', folder.name)}", made.read_bytes())
            await keys.shows("confirmed ")
            keys.type("q")
            assert await cam.ends() == 0
    assert (root / folder.name / RECEIPT).read_bytes() == made.read_bytes()


@pytest.mark.parametrize("kills", [3, pytest.param(200, marks=pytest.mark.soak)])
@pytest.mark.timeout(3600)
async def test_kills_in_mid_offload_lose_double_and_delete_nothing(
    tmp_path: Path, server: SwiftServer, client: Client, kills: int
) -> None:
    """Camera and destination in turn, by SIGKILL, at random moments while recordings leave."""
    root, rng = tmp_path / "evidence", random.Random(kills)
    root.mkdir()
    write_recordings(root, 4 + kills // 2, first=100_000 + 1_000 * kills, media_bytes=600_000)
    write_back_end_key(tmp_path)
    config = configured(tmp_path, server, limit_bps=6_000_000, segment_bytes=1_048_576)
    folders = recordings_in(root)
    for number in range(0, kills, 2):
        with camera(tmp_path, *SMALL_SCENE, "--config", config, "--prebuffer", "0", name=f"killed-{number}") as cam:
            await cam.prints("buffering")
            await asyncio.sleep(rng.uniform(0.0, 2.0))
            if number + 1 < kills:
                server.kill()
                server.start()
                await asyncio.sleep(rng.uniform(0.0, 3.0))
            cam.kill()
    assert len(completed(client, root)) < len(folders)  # the last kill, too, was in mid-offload
    config = configured(tmp_path, server, segment_bytes=1_048_576)
    with camera(tmp_path, *SMALL_SCENE, "--config", config, "--prebuffer", "0", name="last") as cam:
        deadline_s = SystemClock().mono_s() + PATIENCE_S + kills
        while len(completed(client, root)) < len(folders) and SystemClock().mono_s() < deadline_s:
            await asyncio.sleep(0.5)
        cam.send_signal(signal.SIGTERM)
        assert await cam.ends() == 0
    server.update_listings()
    assert recordings_in(root) == folders
    require_equal(client, root)


def recordings_in(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if not path.name.startswith("."))


def completed(client: Client, root: Path) -> list[Container]:
    return [one for one in mine(client, root).values() if one.metadata.get("status") == "Complete"]
