"""A camera's configuration: a TOML file, overridden by `LAPEL_<SECTION>_<KEY>` variables, overridden by flags.

Every key has a default, so no file is needed. An unknown key is an error that suggests a known one: a misspelled
`prebufer` must not silently disable the pre-event buffer.
"""

import difflib
import hashlib
import os
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_type_hints

import msgspec
from msgspec import Meta

from lapel.docstrings import field_docstrings
from lapel.errors import ConfigError

Scalar = str | int | float | bool
Changes = Mapping[str, Mapping[str, Scalar]]
"""Sections, keys and values, as in the configuration file."""

_Name = Annotated[str, Meta(min_length=1, max_length=64)]


class _Section(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    pass


class CameraSection(_Section, frozen=True, kw_only=True):
    """The camera's identity. Agency, site and name together are its address in the fleet."""

    agency: _Name = "demo"
    """The agency that is responsible for the recordings."""
    site: _Name = "home"
    """The city or station."""
    name: _Name = "cam-0001"
    """The camera, unique within agency and site."""
    model: Annotated[str, Meta(max_length=64)] = "Lapel"
    """Make and model of the camera; written into every recording."""
    state: str = ""
    """Folder for the camera's own data: unsent events, changed settings. Empty: `.lapel` in the evidence folder."""

    @property
    def address(self) -> str:
        """The camera in its fleet: `agency/site/camera`."""
        return f"{self.agency}/{self.site}/{self.name}"


class VideoSection(_Section, frozen=True, kw_only=True):
    """Video source and encoder. Without a configured size and rate, those of the source are used."""

    source: Annotated[str, Meta(min_length=1)] = "/dev/video0"
    """A device (`/dev/video0` or `0`), a camera module (`rpicam` or `rpicam:1`), a file, an http or rtsp address, or
    `scene`: a drawn street."""
    loop: bool = False
    """Repeat a file."""
    width: Annotated[int, Meta(ge=64, le=7680)] | None = None
    """Pixels."""
    height: Annotated[int, Meta(ge=64, le=4320)] | None = None
    """Pixels."""
    rate_fps: Annotated[float, Meta(ge=1, le=120)] | None = None
    """Frames per second."""
    bitrate_bps: Annotated[int, Meta(ge=50_000, le=100_000_000)] = 8_000_000
    """Bits per second; not exceeded over any second."""
    gop_s: Annotated[float, Meta(ge=0.2, le=10)] = 1.0
    """Seconds between keyframes: the length of a fragment, and the most video that a power cut can cost."""
    codec: Literal["auto", "libx264", "h264_v4l2m2m", "copy"] = "auto"
    """`auto` uses a hardware encoder where one works. `copy` records the source's own H.264 without decoding it: a
    recording then begins and ends at the source's keyframes."""
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium"] = "superfast"
    """How much computation libx264 spends on a frame."""
    overlay: bool = False
    """Draw the camera's name, UTC time and clock quality into the video."""
    reduce: bool = True
    """Make frames smaller (3/4, then half) when the encoder cannot keep up for 10 s; not with `copy`."""
    stall_s: Annotated[float, Meta(ge=0.5, le=60)] = 2.0
    """Seconds without a frame after which the source counts as lost and is reopened."""


class AudioSection(_Section, frozen=True, kw_only=True):
    """Sound beside the video."""

    source: Annotated[str, Meta(min_length=1)] = "video"
    """`video`: the sound of the video file or stream, where it has any; `none`; an ALSA microphone (`default`,
    `hw:1,0`); an http or rtsp address; or `tone`, a test signal."""
    rate_hz: Literal[16_000, 32_000, 44_100, 48_000] = 48_000
    """Samples per second."""
    channels: Literal[1, 2] = 1
    """1 for mono, 2 for stereo."""
    bitrate_bps: Annotated[int, Meta(ge=16_000, le=192_000)] = 64_000
    """Bits per second and channel, as AAC."""
    in_prebuffer: bool = False
    """Keep sound in the pre-event buffer, too. Vendors and agencies have it off: then sound begins at the press."""


class PrebufferSection(_Section, frozen=True, kw_only=True):
    """The pre-event buffer: the last seconds of video, kept in memory until the wearer presses."""

    length_s: Annotated[float, Meta(ge=0, le=120)] = 30.0
    """Its length in seconds; 0 disables it."""
    max_bytes: Annotated[int, Meta(ge=100_000)] = 256_000_000
    """Its largest size in bytes, and again of the data that waits for a slow disk. 120 s at 8 Mb/s are 120 MB."""


class RecordingSection(_Section, frozen=True, kw_only=True):
    """What is written to the storage, and where."""

    evidence: Annotated[str, Meta(min_length=1)] = "evidence"
    """The folder for recordings; each camera needs its own. Created if its parent exists."""
    max_clip_s: Annotated[float, Meta(ge=1, le=86_400)] = 14_400.0
    """Seconds after which a recording continues in a new, linked clip."""
    postevent_s: Annotated[float, Meta(ge=0, le=600)] = 0.0
    """Seconds to continue recording after the stop."""
    min_free_bytes: Annotated[int, Meta(ge=0)] = 64_000_000
    """Free bytes on the disk without which no recording is started."""
    categories: Annotated[str, Meta(max_length=2000)] = ""
    """Categories that a wearer can choose for a recording, such as `traffic stop, use of force`. Empty: none."""
    critical_categories: Annotated[str, Meta(max_length=2000)] = ""
    """Those of them that are offloaded first."""


class EvidenceSection(_Section, frozen=True, kw_only=True):
    """How recordings are protected. Every recording is signed with the camera's own key (`lapel-camera identity`)."""

    recipients: str = ""
    """Public key files (X25519, PEM) of those who may read the recordings; several are separated by blanks. With any,
    recordings are encrypted before they touch the disk, and the camera cannot decrypt them. Empty: not encrypted."""
    back_ends: str = ""
    """Public key or certificate files (PEM) of the back ends whose receipts count; several are separated by blanks.
    Recordings whose import one of them has confirmed are deleted after `keep_days`. Empty: nothing is ever deleted."""
    keep_days: Annotated[float, Meta(ge=0, le=36_500)] = 7.0
    """Days that a recording stays on the card after its import was confirmed. Needs a synced clock."""
    keep_categories: str = ""
    """The same for categories that receipts name: `traffic stop=1, use of force=90`."""
    heartbeat_s: Annotated[float, Meta(ge=1, le=86_400)] = 60.0
    """Seconds after which the audit log notes that the camera is alive, if nothing else has happened. A power loss is
    known to this precision. Checked at each telemetry interval."""


class PolicySection(_Section, frozen=True, kw_only=True):
    """The agency's rules: when the camera must record, and when it may."""

    profile: Annotated[str, Meta(min_length=1)] = "development"
    """A shipped profile (`lapel-camera policy list`) or the path of a .toml file."""
    trigger_cancel_s: Annotated[float, Meta(ge=0, le=20)] = 0.0
    """Seconds within which a trigger input that goes back counts as a false signal. The pre-event buffer covers the
    delay."""


class ControlsSection(_Section, frozen=True, kw_only=True):
    """What the wearer does with the buttons, and what lights, tones and vibrations say."""

    hold_s: Annotated[float, Meta(ge=0.5, le=10)] = 3.0
    """Seconds for which a button is held to stop, mute, switch off or, with two, for stealth."""
    double_press_s: Annotated[float, Meta(ge=0.1, le=2)] = 0.5
    """Longest pause between the two presses that start a recording; shorter than `hold_s`."""
    debounce_s: Annotated[float, Meta(ge=0, le=0.2)] = 0.02
    """A contact that closes or opens for less has bounced; shorter than `double_press_s`."""
    together_s: Annotated[float, Meta(ge=0, le=2)] = 0.5
    """Buttons that go down within this time and are held are held together; shorter than `hold_s`."""
    remind_s: Annotated[float, Meta(ge=10, le=3600)] = 120.0
    """Seconds between reminders while recording."""
    remind_asleep_s: Annotated[float, Meta(ge=60, le=86_400)] = 900.0
    """Seconds between reminders in standby, where nothing is captured."""
    warn_s: Annotated[float, Meta(ge=5, le=3600)] = 20.0
    """Seconds between warnings, such as that the battery is low."""
    ask_category_s: Annotated[float, Meta(ge=0, le=60)] = 8.0
    """Seconds for which a recording waits for its category after the stop, where there are any; 0: not at all."""
    wearer_required: bool = False
    """Warn as long as no wearer is assigned."""
    self_test: Literal["never", "undock", "boot", "boot and undock"] = "undock"
    """When the camera tests by itself whether it can record, and is out of service if it cannot."""
    indications: str = ""
    """TOML file with an agency's own lights, tones and vibrations. Empty: the camera's."""


class LiveSection(_Section, frozen=True, kw_only=True):
    """Live view: the recording in progress over HTTP, for those with a token. The wearer is told, and who watched is on
    record.
    """

    listen: str = ""
    """Port of this machine, such as `8091`, or `HOST:PORT`, such as `0.0.0.0:8091`. Empty: no live view."""
    tokens: str = ""
    """File with a line `NAME TOKEN` for each person or system that may watch; made if it is missing. Empty:
    `live-tokens` in the folder for the camera's own data."""
    cert: str = ""
    """Certificate file to listen beyond this machine."""
    key: str = ""
    """Its private key file."""


class OffloadSection(_Section, frozen=True, kw_only=True):
    """Where recordings go when the camera is in its dock: an evidence back end. A recording stays on the card until the
    back end's receipt for it is there, whatever else happens: see `back_ends` in [evidence].
    """

    destination: Literal["none", "axis", "s3"] = "none"
    """`axis`: the Axis Body worn integration API, or any OpenStack Swift. `s3`: an object store with the S3 API."""
    address: str = ""
    """Of `axis`: where tokens are issued, `https://HOST[:PORT]/auth/v1.0`; several, separated by blanks, are tried in
    turn. Of `s3`: the endpoint, `https://HOST[:PORT]`."""
    user: str = ""
    """The user name; of `s3`: the id of the access key."""
    secret_file: str = ""
    """File whose first line is the secret that belongs to the user."""
    ca: str = ""
    """Certificate file of the authority that signed the back end's certificate. Empty: the system's authorities."""
    cert: str = ""
    """This camera's certificate file, for a back end that wants one. Empty: none."""
    key: str = ""
    """This camera's private key file."""
    allow_plain: bool = False
    """Allow http:// to other machines: not encrypted, so anyone on the way can read recordings and the secret."""
    full_support: bool = True
    """Of `axis`: the back end stores everything, as a plain Swift does. Else only what its `System/Capabilities.json`
    names is sent."""
    segment_bytes: Annotated[int, Meta(ge=1_048_576, le=5_000_000_000)] = 67_108_864
    """Of `axis`: longer files go in segments of this length where the server offers it, as Swift does; a cut costs one.
    Else a cut costs the clip, and Swift takes none of more than 5 GB."""
    bucket: Annotated[str, Meta(pattern=r"^$|^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] = ""
    """Of `s3`: the bucket."""
    region: str = "us-east-1"
    """Of `s3`: its region; most stores other than Amazon's take any."""
    prefix: str = ""
    """Of `s3`: begins the name of every object, such as `bodycams/`."""
    lock_days: Annotated[float, Meta(ge=0, le=36_500)] = 0.0
    """Of `s3`: days for which objects are locked against deletion; 0: not at all. Needs a bucket with object lock."""
    read_back: Literal["no", "record", "counts"] = "no"
    """Of `s3`: whether the camera reads everything back and compares it. `record`: it notes so beside the recording.
    `counts`: the note also counts like a receipt, so that the recording is deleted after `keep_days`."""
    part_bytes: Annotated[int, Meta(ge=5_242_880, le=5_000_000_000)] = 16_777_216
    """Of `s3`: longer files go in parts of this length; a cut costs one. A part is in memory, for each of `uploads`."""
    uploads: Annotated[int, Meta(ge=1, le=16)] = 2
    """Recordings that leave at once."""
    limit_bps: Annotated[int, Meta(ge=0)] = 0
    """Bits per second that may leave; 0: as many as the line takes."""
    critical: str = ""
    """Triggers and categories, separated by commas, whose recordings leave first, as those of critical categories do:
    `holster, traffic stop`."""
    min_charge_percent: Annotated[float, Meta(ge=0, le=100)] = 10.0
    """Charge of the battery below which the camera charges first, unless its dock gives it enough power."""
    when: Literal["docked", "always", "command"] = "docked"
    """`docked`: while the camera is in its dock. `always`: over the air, too. `command`: from `offload start` at the
    console on. What the fleet asks for by command leaves in any case."""


_Pin = Annotated[int, Meta(ge=-1, le=27)]


class PiSection(_Section, frozen=True, kw_only=True):
    """Devices of a Raspberry Pi. Pins are BCM numbers, as `pinout` prints them; -1 is not connected. A button, the
    dock's contact or a trigger input connects its pin to ground; lights, buzzer and motor are on at 3.3 V.
    """

    INPUTS: ClassVar[tuple[str, ...]] = (
        "event_button",
        "power_button",
        "select_button",
        "dock",
        "holster",
        "light_bar",
    )
    event_button: _Pin = -1
    """Pin of the event button."""
    power_button: _Pin = -1
    """Pin of the power button."""
    select_button: _Pin = -1
    """Pin of the select button."""
    red_light: _Pin = -1
    """Pin of the red light."""
    green_light: _Pin = -1
    """Pin of the green light."""
    blue_light: _Pin = -1
    """Pin of the blue light; without it the red one stands in."""
    buzzer: _Pin = -1
    """Pin of an active buzzer."""
    vibration: _Pin = -1
    """Pin that switches the vibration motor."""
    dock: _Pin = -1
    """Pin of the contact that the dock closes."""
    holster: _Pin = -1
    """Pin of the contact that a drawn weapon closes: it starts a recording."""
    light_bar: _Pin = -1
    """Pin of the contact that the light bar closes: it starts a recording."""
    battery: Literal["none", "max17048", "ina219"] = "none"
    """The battery's gauge on the I2C bus."""
    i2c_bus: Annotated[int, Meta(ge=0, le=20)] = 1
    """The bus: 1 is `/dev/i2c-1`, on pins 2 and 3."""
    cells: Annotated[int, Meta(ge=1, le=4)] = 1
    """Lithium cells in series, for the ina219, which estimates the charge from their voltage."""
    shunt_ohm: Annotated[float, Meta(gt=0, le=1)] = 0.1
    """The ina219's shunt, in ohms."""
    gpsd: bool = False
    """Take the position from gpsd on this machine."""
    health: bool = False
    """Report undervoltage, throttling and heat of the board as flags."""

    def pins(self) -> dict[str, int]:
        """The pins that are connected, by their keys."""
        keys = (*self.INPUTS, "red_light", "green_light", "blue_light", "buzzer", "vibration")
        return {key: getattr(self, key) for key in keys if getattr(self, key) >= 0}


class LinkSection(_Section, frozen=True, kw_only=True):
    """The connection to the fleet's broker. Without a broker the camera works on its own."""

    broker: str = ""
    """`mqtts://[USER[:PASSWORD]@]HOST[:8883]`, `wss://HOST[:443]/PATH` for WebSocket or, on this machine,
    `mqtt://127.0.0.1[:1883]`; several, separated by blanks, are tried in turn. Empty: none."""
    password_file: str = ""
    """File whose first line is the password for the user name in `broker`, since a password in an address is visible
    in process lists. Empty: none."""
    keepalive_s: Annotated[int, Meta(ge=2, le=3600)] = 30
    """Seconds without traffic after which the connection is tested; after 1.5 times as long the broker publishes the
    last will."""
    telemetry_s: Annotated[float, Meta(ge=1, le=86_400)] = 30.0
    """Seconds between telemetry messages."""
    spread_s: Annotated[float, Meta(ge=0, le=600)] = 5.0
    """Seconds over which cameras spread their reconnects after an outage of the broker."""
    drain_per_s: Annotated[float, Meta(ge=0.1, le=10_000)] = 20.0
    """Events per second to send after an outage."""
    ca: str = ""
    """Certificate file of the authority that signed the broker's certificate. Empty: the system's authorities."""
    cert: str = ""
    """This camera's certificate file."""
    key: str = ""
    """This camera's private key file."""
    home_assistant: Annotated[str, Meta(pattern=r"^[\w/-]*$", max_length=64)] = ""
    """Prefix of Home Assistant's discovery topics, as a rule `homeassistant`: the camera is announced. Empty: not."""
    allow_plain: bool = False
    """Allow mqtt:// to other machines: not encrypted, so anyone on the way can read it and send commands."""


class Config(_Section, frozen=True, kw_only=True):
    """The complete configuration of one camera."""

    camera: CameraSection = CameraSection()
    video: VideoSection = VideoSection()
    audio: AudioSection = AudioSection()
    prebuffer: PrebufferSection = PrebufferSection()
    recording: RecordingSection = RecordingSection()
    evidence: EvidenceSection = EvidenceSection()
    controls: ControlsSection = ControlsSection()
    policy: PolicySection = PolicySection()
    offload: OffloadSection = OffloadSection()
    link: LinkSection = LinkSection()
    live: LiveSection = LiveSection()
    pi: PiSection = PiSection()


SECTIONS: Mapping[str, type[_Section]] = {
    name: kind for name, kind in get_type_hints(Config).items() if name in Config.__struct_fields__
}

_NOT_KEYS = {"LAPEL_REAL", "LAPEL_CONFIG"}


def load(
    path: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[tuple[str, str], Any] | None = None,
) -> Config:
    """The configuration from file, variables and flags, validated. Raises ConfigError that names the place and the key.

    `flags` maps (section, key) to a value; None stands for a flag that was not given.
    """
    config = _checked(read_toml(path), str(path)) if path else Config()
    for origin, section, key, value in (*_variables(environment or {}), *_given(flags or {})):
        config = _with(config, origin, section, key, value, strict=False)
    _check_timings(config.controls)
    return config


def changed(config: Config, changes: Changes, origin: str) -> Config:
    """`config` with these sections, keys and values. Raises ConfigError that names `origin`, section and key."""
    for section, keys in changes.items():
        if section not in SECTIONS:
            raise ConfigError(f"{origin}: [{section}] is no section{suggestion(section, SECTIONS)}")
        for key, value in keys.items():
            config = _with(config, origin, section, key, value, strict=True)
    _check_timings(config.controls)
    return config


def _check_timings(controls: ControlsSection) -> None:
    """Raise ConfigError for timings by which one gesture would be another."""
    shorter = (("double_press_s", "hold_s"), ("debounce_s", "double_press_s"), ("together_s", "hold_s"))
    for short, long in shorter:
        values = getattr(controls, short), getattr(controls, long)
        if values[0] >= values[1]:
            raise ConfigError(f"[controls] {short} = {values[0]:g}: must be shorter than {long} = {values[1]:g}")


def state_folder(config: Config) -> Path:
    """The folder for the camera's own data."""
    return Path(config.camera.state) if config.camera.state else Path(config.recording.evidence) / ".lapel"


def identity_folder(config: Config) -> Path:
    """The folder with the key that signs the camera's recordings."""
    return state_folder(config) / "identity"


def fingerprint(config: Config) -> str:
    """SHA-256 of all keys and values in force, in hex: what recordings say about how the camera was set up."""
    return hashlib.sha256(msgspec.json.encode(config, order="sorted")).hexdigest()


def unconfirmed_note(config: Config) -> Path:
    """The file that holds a change which is not confirmed yet, with the settings to restore otherwise."""
    return state_folder(config) / "unconfirmed.json"


def schema() -> dict[str, Any]:
    """JSON Schema of the configuration file, for editors."""
    return msgspec.json.schema(Config)


def example() -> str:
    """A configuration file with every key at its default, and its description. Loading it changes nothing."""
    return "\n".join(line for name, kind in SECTIONS.items() for line in _example_section(name, kind))


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file. Raises ConfigError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error


def _checked(tree: dict[str, Any], origin: str) -> Config:
    for name, section in tree.items():
        if name not in SECTIONS:
            raise ConfigError(f"{origin}: [{name}] is no section{suggestion(name, SECTIONS)}")
        if not isinstance(section, dict):
            raise ConfigError(f"{origin}: {name} is a section; write [{name}] and its keys below")
        for key, value in section.items():
            _convert(origin, name, key, value, strict=True)
    return msgspec.convert(tree, Config)


def _variables(environment: Mapping[str, str]) -> Iterable[tuple[str, str, str, str]]:
    """LAPEL_VIDEO_SOURCE is key `source` of [video]."""
    for variable in sorted(environment):
        if variable.startswith("LAPEL_") and variable not in _NOT_KEYS:
            section, _, key = variable.removeprefix("LAPEL_").lower().partition("_")
            if section not in SECTIONS:
                raise ConfigError(f"{variable}: [{section}] is no section{suggestion(section, SECTIONS)}")
            yield variable, section, key, environment[variable]


def _given(flags: Mapping[tuple[str, str], Any]) -> Iterable[tuple[str, str, str, Any]]:
    for (section, key), value in flags.items():
        if value is not None:
            yield "command line", section, key, value


def _with(config: Config, origin: str, section: str, key: str, value: Any, *, strict: bool) -> Config:
    converted = _convert(origin, section, key, value, strict=strict)
    changed = msgspec.structs.replace(getattr(config, section), **{key: converted})
    return msgspec.structs.replace(config, **{section: changed})


def _convert(origin: str, section: str, key: str, value: Any, *, strict: bool) -> Any:
    kind = SECTIONS[section]
    if key not in kind.__struct_fields__:
        raise ConfigError(f"{origin}: [{section}] {key}: no such key{suggestion(key, kind.__struct_fields__)}")
    try:
        return msgspec.convert(value, _types(kind)[key], strict=strict)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{origin}: [{section}] {key} = {value!r}: {error}") from error


@cache
def _types(section: type) -> Mapping[str, Any]:
    """Of a section's keys. Working them out takes as long as the rest of reading a configuration."""
    return get_type_hints(section, include_extras=True)


def suggestion(name: str, known: Iterable[str]) -> str:
    """The end of an error about an unknown `name`: the most similar known one, or all of them."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean `{close[0]}`?" if close else f"; there are {', '.join(known)}"


def _example_section(name: str, kind: type[_Section]) -> Iterable[str]:
    yield f"# {' '.join((kind.__doc__ or '').split())}"
    yield f"[{name}]"
    descriptions = field_docstrings(kind)
    for field in msgspec.structs.fields(kind):
        yield f"# {descriptions[field.name]}"
        value = field.default
        yield f"# {field.name} = (follows the source)" if value is None else f"{field.name} = {_toml(value)}"
    yield ""


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def from_environment(path: Path | None, flags: Mapping[tuple[str, str], Any]) -> Config:
    """As `load`, with this process's environment; `LAPEL_CONFIG` names the file where `path` does not."""
    named = os.environ.get("LAPEL_CONFIG")
    return load(path or (Path(named) if named else None), os.environ, flags)
