"""Identities for a fleet: an authority, a certificate for each camera and operator, and a Mosquitto that believes
nobody else.

    DIR/ca.crt, ca.key              the authority; its key signs identities and must stay here
    DIR/crl.pem                     who was revoked
    DIR/broker.crt, broker.key      the broker's own identity
    DIR/identities/AGENCY/SITE/CAMERA.crt, .key
    DIR/operators/NAME.crt, .key
    DIR/mosquitto.conf, acl         made anew each time; the keys never are

A certificate's common name is the MQTT user: `agency/site/camera`. The access list has its own lines for each, because
a pattern would trust whatever an identity puts into its name.
"""

import getpass
import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lapel.errors import ConfigError, StorageError
from lapel.files import replace
from lapel.link.contract import LapelV1, checked_name

MAX_COMMON_NAME_CHARS = 64
"""RFC 5280, appendix A.1: ub-common-name."""

MESSAGE_MAX_BYTES = 262_144
_BACKDATED = timedelta(days=1)  # for a camera whose clock is a little behind
_CA_DAYS = 3650
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Identity:
    """A camera, by the three names of its topics."""

    agency: str
    site: str
    camera: str

    @property
    def common_name(self) -> str:
        """As its certificate names it, and Mosquitto then its user."""
        return f"{self.agency}/{self.site}/{self.camera}"


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What there is now."""

    folder: Path
    made: int
    kept: int
    revoked: int


def cameras_of(agency: str, sites: Sequence[str]) -> list[Identity]:
    """`baltimore=3` is cam-0001 to cam-0003 there; `buffalo=front,rear` names them. Raises ConfigError."""
    found: dict[str, Identity] = {}
    for text in sites:
        site, equals, wanted = text.partition("=")
        if not equals or not wanted:
            raise ConfigError(f"--sites {text}: give SITE=COUNT or SITE=NAME,NAME, such as baltimore=3")
        for name in _names(text, wanted):
            one = _checked(Identity(agency, site, name))
            found[one.common_name] = one
    return list(found.values())


def _names(text: str, wanted: str) -> list[str]:
    if not re.fullmatch(r"-?\d+", wanted):
        return wanted.split(",")
    if not 1 <= int(wanted) <= 99_999:
        raise ConfigError(f"--sites {text}: from 1 to 99999 cameras")
    return [f"cam-{number:04}" for number in range(1, int(wanted) + 1)]


def _checked(one: Identity) -> Identity:
    for key, name in (("agency", one.agency), ("site", one.site), ("camera", one.camera)):
        checked_name(key, name)
        if name.startswith("."):
            raise ConfigError(f"{key}: {name!r} begins with a dot, which cannot name a file here")
    if len(one.common_name) > MAX_COMMON_NAME_CHARS:
        raise ConfigError(
            f"{one.common_name}: {len(one.common_name)} characters, a certificate's name has room for "
            f"{MAX_COMMON_NAME_CHARS}; use shorter names"
        )
    return one


class Authority:
    """The folder of a fleet's identities. What exists is kept; nothing ever overwrites a key.

    Raises StorageError when the folder cannot be used, ConfigError when what is in it is no authority's.
    """

    def __init__(self, folder: Path, now: datetime) -> None:
        self._folder, self._now = folder.absolute(), now
        _made(self._folder)
        self._key, self._certificate = self._authority()

    def provision(
        self, cameras: Sequence[Identity], operators: Sequence[str], hosts: Sequence[str], days: int
    ) -> Provisioned:
        """Make what is missing for `cameras`, `operators` and a broker that is reached as one of `hosts`; an identity
        lasts `days`.
        """
        if not 1 <= days <= _CA_DAYS:
            raise ConfigError(f"--days {days}: from 1 to {_CA_DAYS}")
        made = sum(self._camera(one, days) for one in cameras)
        made += sum(self._operator(name, days) for name in operators)
        self._broker(hosts, days)
        if not (self._folder / "crl.pem").exists():
            self._write_revoked([])
        return Provisioned(self._folder, made, len(cameras) + len(operators) - made, len(self._revoked()))

    def revoke(self, names: Sequence[str]) -> None:
        """`agency/site/camera`, or an operator's name: from the broker's next start on it is nobody."""
        revoked = {one.serial_number: one for one in self._revoked()}
        for name in names:
            path = self._certificate_of(name)
            serial = x509.load_pem_x509_certificate(_read(path)).serial_number
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(self._now).build()
            revoked.setdefault(serial, entry)
        self._write_revoked(list(revoked.values()))

    def configure(self, port: int, bind: str) -> Path:
        """Write Mosquitto's configuration and access list for everybody who has an identity here; returns its path."""
        _replace(self._folder / "acl", access_list(self._known(), self._operators()).encode(), 0o600)
        _made(self._folder / "data")
        path = self._folder / "mosquitto.conf"
        _replace(path, mosquitto_conf(self._folder, port, bind).encode(), 0o600)
        return path

    # -- identities --------------------------------------------------------------------------------------------------

    def _authority(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key_path, path = self._folder / "ca.key", self._folder / "ca.crt"
        if not key_path.exists() and not path.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Lapel fleet authority")])
            certificate = (
                self._builder(name, key, _CA_DAYS)
                .issuer_name(name)
                .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                .add_extension(_usage(signs=True), critical=True)
                .sign(key, hashes.SHA256())
            )
            _write_pair(path, certificate, key)
        try:
            loaded = serialization.load_pem_private_key(_read(key_path), None)
            certificate = x509.load_pem_x509_certificate(_read(path))
        except ValueError as error:
            raise ConfigError(f"{self._folder}: ca.key or ca.crt is not an authority's: {error}") from error
        if not isinstance(loaded, ec.EllipticCurvePrivateKey) or loaded.public_key() != certificate.public_key():
            raise ConfigError(f"{self._folder}: ca.key does not belong to ca.crt; restore both, or begin a new folder")
        return loaded, certificate

    def _camera(self, one: Identity, days: int) -> bool:
        folder = self._folder / "identities" / one.agency / one.site
        return self._client(folder / f"{one.camera}.crt", one.common_name, days)

    def _operator(self, name: str, days: int) -> bool:
        _checked(Identity("operator", "of", name))
        return self._client(self._folder / "operators" / f"{name}.crt", f"operator/{name}", days)

    def _client(self, path: Path, common_name: str, days: int) -> bool:
        if self._is_good(path):
            return False
        self._issue(path, common_name, days, ExtendedKeyUsageOID.CLIENT_AUTH)
        return True

    def _is_good(self, path: Path) -> bool:
        """There, and good for another day. A certificate that runs out is renewed with the key that it has."""
        if not path.exists():
            return False
        return x509.load_pem_x509_certificate(_read(path)).not_valid_after_utc > self._now + timedelta(days=1)

    def _broker(self, hosts: Sequence[str], days: int) -> None:
        """Made anew when it must answer to another name: cameras trust the authority, not this certificate."""
        path, wanted = self._folder / "broker.crt", list(dict.fromkeys((*_LOCAL, *hosts)))
        if self._is_good(path) and hosts_of(x509.load_pem_x509_certificate(_read(path))) >= set(wanted):
            return
        names = x509.SubjectAlternativeName([_general_name(host) for host in wanted])
        self._issue(path, "broker", days, ExtendedKeyUsageOID.SERVER_AUTH, names)

    def _issue(
        self,
        path: Path,
        common_name: str,
        days: int,
        use: x509.ObjectIdentifier,
        names: x509.SubjectAlternativeName | None = None,
    ) -> None:
        for folder in reversed([*path.parent.relative_to(self._folder).parents][:-1]):
            _made(self._folder / folder)
        _made(path.parent)
        key = _key_at(path.with_suffix(".key"))
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        builder = (
            self._builder(subject, key, days)
            .issuer_name(self._certificate.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        _write_pair(path, builder.sign(self._key, hashes.SHA256()), key)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - _BACKDATED)
            .not_valid_after(self._now + timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )

    # -- who there is ------------------------------------------------------------------------------------------------

    def _known(self) -> list[Identity]:
        paths = sorted((self._folder / "identities").glob("*/*/*.crt"))
        return [Identity(path.parts[-3], path.parts[-2], path.stem) for path in paths]

    def _operators(self) -> list[str]:
        return sorted(path.stem for path in (self._folder / "operators").glob("*.crt"))

    def _certificate_of(self, name: str) -> Path:
        parts = name.split("/")
        if len(parts) == 3:
            path = self._folder.joinpath("identities", *parts[:2], f"{parts[2]}.crt")
        else:
            path = self._folder / "operators" / f"{name}.crt"
        if ".." in parts or not path.is_file():
            raise ConfigError(f"--revoke {name}: has no identity here; give AGENCY/SITE/CAMERA or an operator's name")
        return path

    def _revoked(self) -> list[x509.RevokedCertificate]:
        path = self._folder / "crl.pem"
        return list(x509.load_pem_x509_crl(_read(path))) if path.exists() else []

    def _write_revoked(self, revoked: Iterable[x509.RevokedCertificate]) -> None:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate.subject)
            .last_update(self._now - _BACKDATED)
            .next_update(self._now + timedelta(days=_CA_DAYS))  # a list that runs out would lock everybody out
        )
        for one in revoked:
            builder = builder.add_revoked_certificate(one)
        signed = builder.sign(self._key, hashes.SHA256())
        _replace(self._folder / "crl.pem", signed.public_bytes(serialization.Encoding.PEM), 0o644)


def access_list(cameras: Iterable[Identity], operators: Iterable[str]) -> str:
    """Mosquitto's: a camera says what cameras say and hears its own commands; an operator hears all, and commands."""
    lines = ["# Made by lapel-fleet provision. Whoever is not here may do nothing."]
    for one in cameras:
        root = LapelV1(one.agency, one.site, one.camera).state_topic.removesuffix("/state")
        lines += [
            "",
            f"user {one.common_name}",
            f"topic readwrite {root}/state",  # it watches its own, to notice a double
            *(f"topic write {root}/{leaf}" for leaf in ("telemetry", "event", "reply", "reply/#")),
            f"topic read {root}/command",
        ]
    for name in operators:
        lines += ["", f"user operator/{name}", "topic read lapel/v1/#", "topic write lapel/v1/+/+/+/command"]
    return "\n".join(lines) + "\n"


def mosquitto_conf(folder: Path, port: int, bind: str) -> str:
    """A Mosquitto that speaks TLS only, knows its clients by their certificates, and keeps what waits for them."""
    return f"""# Made by lapel-fleet provision; made anew each time.
user {getpass.getuser()}
listener {port} {bind}
cafile {folder}/ca.crt
certfile {folder}/broker.crt
keyfile {folder}/broker.key
crlfile {folder}/crl.pem
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
allow_anonymous false
acl_file {folder}/acl
message_size_limit {MESSAGE_MAX_BYTES}
max_queued_messages 1000
persistence true
persistence_location {folder}/data/
"""


def hosts_of(certificate: x509.Certificate) -> set[str]:
    """The names and addresses that it answers to."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))}


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", host):
            raise ConfigError(f"--host {host!r}: is neither a host's name nor an address") from None
        return x509.DNSName(host)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _key_at(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key that is there, or a new one."""
    if not path.exists():
        return ec.generate_private_key(ec.SECP256R1())
    try:
        key = serialization.load_pem_private_key(_read(path), None)
    except ValueError as error:
        raise ConfigError(f"{path}: is not a private key: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{path}: is not a key of ours; move it away")
    return key


def _write_pair(path: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    """The key first: a certificate that is there says that its key is too."""
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _replace(path.with_suffix(".key"), private, 0o600)
    _replace(path, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _made(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be made: {error.strerror}") from error


def _replace(path: Path, data: bytes, mode: int) -> None:
    try:
        replace(path, data, mode)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror}") from error
