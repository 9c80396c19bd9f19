"""One camera put together from a configuration, on the hardware of this machine."""

import random
import secrets
from dataclasses import dataclass
from pathlib import Path
from time import sleep  # blocks the capture thread alone

from lapel.camera import Camera
from lapel.clock import Clock, SystemClock
from lapel.config import Config
from lapel.errors import StorageError
from lapel.evidence.store import EvidenceStore
from lapel.hardware.interfaces import Buttons, FrameSource, Indicators, PictureFormat
from lapel.link.contract import LapelV1
from lapel.link.interface import Link, NoLink
from lapel.link.session import MqttSession, broker_at
from lapel.media.capture import FileSource, Wanted, open_source
from lapel.media.encoder import Encoder, EncoderSettings
from lapel.media.footage import LiveFootage
from lapel.media.overlay import burn_in
from lapel.media.prebuffer import PreEventBuffer
from lapel.worker import ThreadWorker


@dataclass(frozen=True, slots=True)
class App:
    """A camera and what must be closed after it."""

    camera: Camera
    storage: EvidenceStore
    worker: ThreadWorker

    def close(self) -> None:
        """Leave the evidence folder to another camera and end the worker's threads."""
        self.worker.close()
        self.storage.close()


def assemble(
    config: Config, *, indicators: Indicators, buttons: Buttons | None = None, source: FrameSource | None = None
) -> App:
    """Everything that `config` names. Raises ConfigError, VideoError or StorageError before anything runs.

    `source` stands in for the one that the configuration names.
    """
    clock, chance = SystemClock(), random.Random(secrets.randbits(64))
    session = f"{chance.getrandbits(64):016x}"
    storage = EvidenceStore(evidence_folder(Path(config.recording.evidence)), config.recording.min_free_bytes)
    worker = ThreadWorker()
    video, prebuffer = config.video, config.prebuffer
    footage = LiveFootage(
        source or _source(config, clock),
        lambda form: _encoder(config, form),
        PreEventBuffer(prebuffer.length_s, prebuffer.max_bytes),
        clock,
        chance,
        stall_s=video.stall_s,
        overlay=(lambda frame: burn_in(frame, config.camera.name, clock.quality())) if video.overlay else None,
    )
    camera = Camera(
        config,
        clock=clock,
        footage=footage,
        storage=storage,
        worker=worker,
        link=_link(config, clock, session, chance),
        chance=chance,
        session=session,
        indicators=indicators,
        buttons=buttons,
    )
    return App(camera, storage, worker)


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


def _source(config: Config, clock: SystemClock) -> FrameSource:
    video = config.video
    wanted = Wanted(video.width, video.height, video.rate_fps)
    source = open_source(video.source, clock, wait=sleep, wanted=wanted, loop=video.loop, camera=config.camera.name)
    if isinstance(source, FileSource):  # a file that is no video now will be none later
        source.open()
        source.read()
        source.close()
    return source


def _encoder(config: Config, form: PictureFormat) -> Encoder:
    video = config.video
    return Encoder(EncoderSettings(form.rate_fps, video.bitrate_bps, video.gop_s, video.codec, video.preset))


def _link(config: Config, clock: Clock, session: str, chance: random.Random) -> Link:
    link, who = config.link, config.camera
    contract = LapelV1(who.agency, who.site, who.name)
    if not link.broker:
        return NoLink()
    ca, cert, key = (Path(name) if name else None for name in (link.ca, link.cert, link.key))
    broker = broker_at(link.broker, ca=ca, cert=cert, key=key, allow_plain=link.allow_plain)
    return MqttSession(broker, contract, clock, session=session, chance=chance, keepalive_s=link.keepalive_s)
