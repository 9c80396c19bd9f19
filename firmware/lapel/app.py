"""One camera put together from a configuration, on the hardware of this machine."""

import asyncio
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import sleep  # blocks the capture thread alone
from typing import TYPE_CHECKING

from lapel.camera import Camera
from lapel.clock import Clock, SystemClock, system_time_zone
from lapel.config import Config, state_folder
from lapel.errors import LapelError, StorageError
from lapel.evidence.store import EvidenceStore
from lapel.hardware.interfaces import Buttons, FrameFormat, FrameSource, Indicators
from lapel.link.broker_address import brokers_of
from lapel.link.contract import Contract, LapelV1
from lapel.link.interface import Link, NoLink
from lapel.link.journal import SqliteJournal
from lapel.link.mqtt import MqttTransport
from lapel.link.outbox import Outbox
from lapel.link.session import Session
from lapel.media.capture import FileSource, Wanted, open_source
from lapel.media.encoder import Encoder, EncoderSettings
from lapel.media.footage import LiveFootage
from lapel.media.overlay import burn_in
from lapel.media.prebuffer import PreEventBuffer
from lapel.randomness import RandomSource
from lapel.settings import Settings
from lapel.worker import ThreadWorker

if TYPE_CHECKING:
    from lapel.console_access import CameraAccess


@dataclass(frozen=True, slots=True)
class App:
    """A camera and what must be closed after it."""

    camera: Camera
    storage: EvidenceStore
    journal: SqliteJournal
    worker: ThreadWorker

    def close(self) -> None:
        """Leave the evidence folder to another camera and end the worker's threads."""
        self.worker.close()
        self.journal.close()
        self.storage.close()


def settings_of(config: Config) -> Settings:
    """`config` with what was changed remotely since. Raises StorageError when a damaged file is in the way."""
    settings = Settings(config, state_folder(config) / "configuration.json")
    settings.load()
    return settings


async def run_for_good(
    settings: Settings, make: Callable[[Settings], App], started: Callable[[Camera], None] = lambda _: None
) -> str:
    """Run cameras one after the other, each with the settings then in force, until one ends without a restart.

    Returns why it ended. Settings on trial that no camera can be assembled with are rolled back. `started` is called
    with each camera.
    """
    reason = ""
    while True:
        await asyncio.to_thread(settings.begin)
        try:
            app = make(settings)
        except LapelError as error:
            if not settings.on_trial:
                raise
            await asyncio.to_thread(settings.roll_back, str(error))
            continue
        started(app.camera)
        try:
            await app.camera.run(reason)
        finally:
            app.close()
        reason = app.camera.ended
        if not app.camera.restarts:
            return reason


def assemble(
    settings: Settings | Config,
    *,
    indicators: Indicators,
    buttons: Buttons | None = None,
    source: FrameSource | None = None,
    contract: Callable[[Config], Contract] | None = None,
    desk: "CameraAccess | None" = None,
) -> App:
    """Everything that the settings in force name. Raises ConfigError, VideoError or StorageError before anything runs.

    `source` stands in for the one that the configuration names; `contract` for `lapel/v1`, where a back end speaks
    topics and payloads of its own (examples/foreign_contract.py). `desk` is where a technician's console sits.
    """
    settings = settings if isinstance(settings, Settings) else Settings(settings)
    config = settings.current
    clock, rng = SystemClock(), random.Random(secrets.randbits(64))
    session = f"{rng.getrandbits(64):016x}"
    storage = EvidenceStore(evidence_folder(Path(config.recording.evidence)), config.recording.min_free_bytes)
    worker = ThreadWorker()
    journal = SqliteJournal(state_folder(config) / "outbox.sqlite")
    footage = live_footage(config, source or source_of(config, clock), clock, rng)
    link = _link(config, (contract or lapel_v1)(config), clock, session, rng, Outbox(journal, worker), indicators)
    camera = Camera(
        config,
        clock=clock,
        footage=footage,
        storage=storage,
        worker=worker,
        link=desk.tapped(link) if desk else link,
        rng=rng,
        session=session,
        indicators=indicators,
        buttons=buttons,
        settings=settings,
        log=desk.log if desk else None,
        time_zone=system_time_zone(),
    )
    if desk is not None:
        desk.sit(camera, settings, storage, worker)
    return App(camera, storage, journal, worker)


def evidence_folder(path: Path) -> Path:
    """The folder, made if only it is missing. A missing parent is more likely a card that is not mounted."""
    if not path.parent.is_dir():
        raise StorageError(f"{path}: its parent folder does not exist; is the card mounted, the path right?")
    try:
        path.mkdir(exist_ok=True)
    except FileExistsError as error:
        raise StorageError(f"{path}: is a file, not a folder; name a folder for the recordings") from error
    except OSError as error:
        raise StorageError(f"{path}: cannot be made: {error.strerror}") from error
    return path


def live_footage(config: Config, source: FrameSource, clock: Clock, rng: RandomSource) -> LiveFootage:
    """Lens, encoder and pre-event buffer as the configuration wants them."""
    video, prebuffer = config.video, config.prebuffer
    return LiveFootage(
        source,
        lambda form: _encoder(config, form),
        PreEventBuffer(prebuffer.length_s, prebuffer.max_bytes),
        clock,
        rng,
        stall_s=video.stall_s,
        overlay=(lambda frame: burn_in(frame, config.camera.name, clock.quality())) if video.overlay else None,
    )


def source_of(config: Config, clock: Clock) -> FrameSource:
    """The lens that the configuration names. Raises VideoError when there can be no such one."""
    video = config.video
    wanted = Wanted(video.width, video.height, video.rate_fps)
    source = open_source(video.source, clock, wait=sleep, wanted=wanted, loop=video.loop, camera=config.camera.name)
    if isinstance(source, FileSource):  # a file that is no video now will be none later
        source.open()
        source.read()
        source.close()
    return source


def _encoder(config: Config, form: FrameFormat) -> Encoder:
    video = config.video
    return Encoder(EncoderSettings(form.rate_fps, video.bitrate_bps, video.gop_s, video.codec, video.preset))


def lapel_v1(config: Config) -> Contract:
    """Our own contract, for the camera that `config` names. Raises ConfigError when a name cannot stand in a topic."""
    return LapelV1(config.camera.agency, config.camera.site, config.camera.name)


def _link(
    config: Config,
    contract: Contract,
    clock: Clock,
    session: str,
    rng: RandomSource,
    outbox: Outbox,
    indicators: Indicators,
) -> Link:
    link = config.link
    brokers = brokers_of(link)
    if not brokers:
        return NoLink()
    for broker in (one for one in brokers if one.is_plain):
        indicators.show_line(f"warning: {broker} is not encrypted: others on the network can read and command")
    return Session(
        MqttTransport(brokers, keepalive_s=link.keepalive_s),
        contract,
        clock,
        outbox,
        session=session,
        rng=rng,
        spread_s=link.spread_s,
        drain_per_s=link.drain_per_s,
    )
