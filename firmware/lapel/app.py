"""Assembles a camera from its configuration, on the hardware of this machine."""

import asyncio
import random
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import sleep  # blocks the capture thread alone
from typing import TYPE_CHECKING

from lapel.camera import Camera
from lapel.clock import Clock, SystemClock, system_time_zone
from lapel.config import Config, fingerprint, identity_folder, state_folder
from lapel.errors import ConfigError, LapelError, StorageError
from lapel.evidence.deletion import RecordingDeleter
from lapel.evidence.identity import load_or_make
from lapel.evidence.manifest import Sealing
from lapel.evidence.outgoing import OutgoingFolder
from lapel.evidence.receipt import PublicKey
from lapel.evidence.receipt_files import read_back_ends
from lapel.evidence.retention import RetentionRules, parse_categories
from lapel.evidence.signing import certified_key
from lapel.evidence.store import EvidenceStore
from lapel.evidence.vault import Vault
from lapel.evidence.vault_keys import cipher_of_processor, read_recipients
from lapel.files import PRIVATE_FOLDER
from lapel.hardware.interfaces import Buttons, CodedSource, FrameFormat, FrameSource, Indicators
from lapel.hardware.pi.board import Board, open_board
from lapel.hardware.trace.writer import TraceWriter
from lapel.link.broker_address import brokers_of
from lapel.link.contract import Contract, LapelV1
from lapel.link.home_assistant import device_configuration
from lapel.link.interface import Link, NoLink
from lapel.link.mqtt import MqttTransport
from lapel.link.outbox import Outbox
from lapel.link.session import Session
from lapel.link.sqlite_journal import SqliteJournal
from lapel.live_view.live_view import LiveView
from lapel.media.aac import SoundFormat
from lapel.media.capture import open_coded_source, open_source
from lapel.media.coded_sources import CodedFileSource, Requested
from lapel.media.encoder import Encoder, EncoderSettings
from lapel.media.file_source import FileSource
from lapel.media.footage import LiveFootage
from lapel.media.fragment_copier import FragmentCopier
from lapel.media.frame_fitting import Wanted
from lapel.media.frame_reducer import FrameReducer
from lapel.media.live_sources import UrlSource
from lapel.media.overlay import burn_in
from lapel.media.prebuffer import PreEventBuffer
from lapel.media.sound_sources import SoundSource, open_sound
from lapel.media.sound_track import SoundTrack
from lapel.media.traced_sources import TracedFrames, TracedSound
from lapel.offload.configured import destination_of
from lapel.offload.progress import FolderNotes
from lapel.offload.throttle import RateLimit
from lapel.offload_watch import OffloadParts
from lapel.own_files import DamageReports
from lapel.policy.declarations import Declarations
from lapel.policy.profile import load_profile
from lapel.randomness import RandomSource
from lapel.service.watchdog import Part, TimedPart, WorkerPart
from lapel.settings import Settings
from lapel.wearer_store import WearerStore
from lapel.worker import ThreadWorker

if TYPE_CHECKING:
    from lapel.console_access import CameraAccess


@dataclass(frozen=True, slots=True)
class App:
    """A camera and the parts that must be closed when it has ended."""

    camera: Camera
    storage: EvidenceStore
    journal: SqliteJournal
    worker: ThreadWorker
    board: Board
    parts: Sequence[Part] = ()
    """What a watchdog asks whether it is alive."""

    def close(self) -> None:
        """Release the evidence folder and the board's devices, and end the worker's threads."""
        self.worker.close()
        self.board.close()
        self.journal.close()
        self.storage.close()


def settings_of(config: Config, damage: DamageReports) -> Settings:
    """`config` with the changes made to it since, remotely or at the console.

    Raises StorageError when the disk does not give their file. `damage` is where the camera's damaged files are
    reported, those of other parts too: the camera takes it from the settings.
    """
    settings = Settings(config, state_folder(config) / "configuration.json", damage)
    settings.load()
    return settings


async def run_for_good(
    settings: Settings, make: Callable[[Settings], App], started: Callable[[App], None] = lambda _: None
) -> str:
    """Run cameras one after the other, each with the settings in force at that time, until one ends without a restart.

    Returns why it ended. Settings on trial with which no camera can be assembled are rolled back. `started` is called
    with each camera's parts.
    """
    reason = ""
    while True:
        await asyncio.to_thread(settings.mark_started)
        try:
            app = make(settings)
        except LapelError as error:
            if not settings.on_trial:
                raise
            await asyncio.to_thread(settings.roll_back, str(error))
            continue
        started(app)
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
    source: FrameSource | CodedSource | None = None,
    contract: Callable[[Config], Contract] | None = None,
    access: "CameraAccess | None" = None,
    live_view: LiveView | None = None,
    trace: TraceWriter | None = None,
) -> App:
    """Assemble a camera with the settings in force.

    `source` replaces the video source that the configuration names; `contract` replaces `lapel/v1`, for a back end with
    topics and payloads of its own (examples/foreign_contract.py). `access` is the console's access to the camera,
    `live_view` shows its recordings in progress. What the devices do is written into `trace`.
    Raises ConfigError, VideoError or StorageError before anything runs.
    """
    settings = settings if isinstance(settings, Settings) else Settings(settings)
    config = settings.current
    clock, rng = SystemClock(), random.Random(secrets.randbits(64))
    session = f"{rng.getrandbits(64):016x}"
    damage, sealing = settings.damage, partial(sealing_of, config, clock)
    profile = load_profile(config.policy.profile)
    declarations = Declarations(state_folder(config) / "declarations.json", damage)
    declarations.load()
    storage = EvidenceStore(
        evidence_folder(Path(config.recording.evidence)),
        config.recording.min_free_bytes,
        damage=damage,
        sealing=sealing,
    )
    wearer = WearerStore(state_folder(config) / "wearer.json", damage)
    wearer.load()
    worker = ThreadWorker()
    journal = SqliteJournal(state_folder(config) / "outbox.sqlite", damage)
    if source is None:
        source = coded_source_of(config, clock) if config.video.codec == "copy" else source_of(config, clock)
    sound = sound_of(config, clock, source, trace)
    footage = live_footage(config, source if trace is None else TracedFrames(source, trace), clock, rng, sound)
    board = open_board(config.pi, clock, worker, indicators, trace=trace)
    board.buttons = buttons
    link = _link(config, (contract or lapel_v1)(config), clock, session, rng, Outbox(journal, worker), indicators)
    camera = Camera(
        config,
        clock=clock,
        footage=footage,
        storage=storage,
        devices=board,
        worker=worker,
        link=access.intercept(link) if access else link,
        rng=rng,
        session=session,
        settings=settings,
        log=access.log if access else None,
        time_zone=system_time_zone(),
        retention=retention_of(config, storage, sealing),
        offload=offload_of(config, storage, clock, damage, sealing),
        wearer=wearer,
        check_key=storage.check_key,
        profile=profile,
        declarations=declarations,
        live_view=live_view,
    )
    if access is not None:
        access.attach(camera, settings, storage, worker)
    parts: list[Part] = [
        TimedPart("camera", camera.silent_s),
        TimedPart("video encoder", footage.silent_s),
        WorkerPart(worker, clock),
    ]
    return App(camera, storage, journal, worker, board, parts)


def retention_of(
    config: Config, store: EvidenceStore, sealing: Callable[[], Sealing] | None = None
) -> RecordingDeleter | None:
    """What deletes recordings from the storage card; None where no receipt counts. `sealing`: whose key signs what the
    camera has read back.

    Raises ConfigError, or EvidenceError for a key that cannot be used.
    """
    back_ends = _back_ends(config)
    by_category = parse_categories(config.evidence.keep_categories)
    rules = RetentionRules(timedelta(days=config.evidence.keep_days), by_category)
    own_counts = sealing is not None and config.offload.read_back == "counts"
    camera_key = (lambda: certified_key(sealing().signer)) if sealing is not None and own_counts else None
    return RecordingDeleter(store, rules, back_ends, camera_key) if back_ends or camera_key else None


def offload_of(
    config: Config, store: EvidenceStore, clock: Clock, damage: DamageReports, sealing: Callable[[], Sealing]
) -> OffloadParts | None:
    """What offloads recordings; None without a destination.

    Raises ConfigError, or EvidenceError for a key that cannot be used.
    """
    section = config.offload
    destination = destination_of(section, lambda: clock.now().utc)
    if destination is None:
        return None
    card = OutgoingFolder(store, _back_ends(config), sealing, read_back_counts=section.read_back == "counts")
    throttle = RateLimit(clock, section.limit_bps) if section.limit_bps else None
    return OffloadParts(destination, card, FolderNotes(state_folder(config) / "offload", damage), throttle)


def _back_ends(config: Config) -> list[PublicKey]:
    """Whose receipts count. Raises EvidenceError for a key that cannot be used."""
    return read_back_ends([Path(name) for name in config.evidence.back_ends.split()])


def sealing_of(config: Config, clock: Clock) -> Sealing:
    """What the camera's recordings are signed and encrypted with. Its identity is made here at the first start.

    Raises EvidenceError for a key or certificate that cannot be used.
    """
    camera = config.camera.address
    identity = load_or_make(identity_folder(config), camera)
    recipients = [Path(name) for name in config.evidence.recipients.split()]
    vault = Vault(read_recipients(recipients), cipher_of_processor()) if recipients else None
    return Sealing(identity.signer, clock.now, camera, fingerprint(config), sealer=vault.clip_key if vault else None)


def evidence_folder(path: Path) -> Path:
    """The folder for recordings, created if it is missing.

    Raises StorageError when its parent is missing, too: then a storage card is probably not mounted.
    """
    if not path.parent.is_dir():
        raise StorageError(f"{path}: its parent folder does not exist; is the storage card mounted, is the path right?")
    try:
        path.mkdir(PRIVATE_FOLDER, exist_ok=True)
    except FileExistsError as error:
        raise StorageError(f"{path}: is a file, not a folder; name a folder for the recordings") from error
    except OSError as error:
        raise StorageError(f"{path}: cannot be created: {error.strerror}") from error
    return path


def live_footage(
    config: Config, source: FrameSource | CodedSource, clock: Clock, rng: RandomSource, sound: SoundTrack | None = None
) -> LiveFootage:
    """Video source, sound, encoder and pre-event buffer as configured."""
    video, prebuffer = config.video, config.prebuffer
    return LiveFootage(
        source,
        lambda form: _encoder(config, form, sound),
        PreEventBuffer(prebuffer.length_s, prebuffer.max_bytes),
        clock,
        rng,
        stall_s=video.stall_s,
        sound=sound,
        sound_in_prebuffer=config.audio.in_prebuffer,
        new_reducer=FrameReducer if video.reduce else None,
        overlay=(lambda frame: burn_in(frame, config.camera.name, clock.quality())) if video.overlay else None,
    )


def sound_of(
    config: Config, clock: Clock, video: FrameSource | CodedSource, trace: TraceWriter | None = None
) -> SoundTrack | None:
    """The sound that the configuration names, maybe that of `video`; None where it names none.

    Raises AudioError when a microphone cannot be opened: later it may fail, and the video goes on.
    """
    audio = config.audio
    form = SoundFormat(audio.rate_hz, audio.channels, audio.bitrate_bps)
    source: SoundSource | None
    if audio.source == "video" and isinstance(video, FileSource | UrlSource):
        source = video.sound(form)
    else:
        source = open_sound(audio.source, form, clock, sleep)
        if source is not None:
            source.open()
            source.close()
    if source is None:
        return None
    return SoundTrack(source if trace is None else TracedSound(source, form.rate_hz, trace), form, clock)


def source_of(config: Config, clock: Clock) -> FrameSource:
    """The video source that the configuration names. Raises VideoError when it cannot exist."""
    video, wanted = config.video, _wanted(config)
    source = open_source(video.source, clock, wait=sleep, wanted=wanted, loop=video.loop, camera=config.camera.name)
    if isinstance(source, FileSource):  # a file that is no video will not become one; a device may appear later
        source.open()
        source.read()
        source.close()
    return source


def coded_source_of(config: Config, clock: Clock) -> CodedSource:
    """The same where its own encoding is recorded. Raises ConfigError for what would require decoding it."""
    video, wanted = config.video, _wanted(config)
    if video.overlay:
        raise ConfigError(
            '[video] overlay: nothing can be drawn into frames with codec = "copy"; choose one of the two'
        )
    requested = Requested(video.gop_s, video.bitrate_bps)
    source = open_coded_source(video.source, clock, wait=sleep, wanted=wanted, loop=video.loop, requested=requested)
    if isinstance(source, CodedFileSource):
        source.open()
        source.read()
        source.close()
    return source


def _wanted(config: Config) -> Wanted:
    return Wanted(config.video.width, config.video.height, config.video.rate_fps)


def _encoder(config: Config, form: FrameFormat, sound: SoundTrack | None) -> Encoder | FragmentCopier:
    video = config.video
    sound = sound if sound is not None and sound.has_sound else None
    if video.codec == "copy":
        return FragmentCopier(form.rate_fps, sound)
    return Encoder(EncoderSettings(form.rate_fps, video.bitrate_bps, video.gop_s, video.codec, video.preset), sound)


def lapel_v1(config: Config) -> Contract:
    """The contract `lapel/v1` for the configured camera. Raises ConfigError when no topic can hold a name."""
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
    for broker in (broker for broker in brokers if broker.is_plain):
        indicators.show_line(f"warning: {broker} is not encrypted: anyone on the way can read it and send commands")
    return Session(
        MqttTransport(brokers, keepalive_s=link.keepalive_s),
        contract,
        clock,
        outbox,
        session=session,
        rng=rng,
        spread_s=link.spread_s,
        drain_per_s=link.drain_per_s,
        announcement=device_configuration(config, contract) if link.home_assistant else None,
    )
