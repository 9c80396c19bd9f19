"""The certificate authority of a fleet: signs an identity for each camera, operator and the broker, and revokes them.

    DIR/ca.crt, ca.key              the authority; its key signs identities and must stay here
    DIR/crl.pem                     revoked identities
    DIR/broker.crt, broker.key      the broker's own identity
    DIR/identities/AGENCY/SITE/CAMERA.crt, .key
    DIR/operators/NAME.crt, .key
    DIR/mosquitto.conf, acl         replaced each time (`mosquitto_conf.py`); keys never are

A certificate's common name is the MQTT user name: `agency/site/camera`.
"""

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

from lapel.errors import ConfigError
from lapel.evidence.identity import key_usage
from lapel_fleet.broker.identity import Identity, checked_identity
from lapel_fleet.broker.identity_files import (
    existing_or_new_key,
    make_folder,
    read_certificate,
    read_file,
    replace_file,
    write_identity,
)

_BACKDATED = timedelta(days=1)  # for a camera whose clock is a little behind
_CA_DAYS = 3650
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class ProvisionResult:
    """How many identities were made and kept, and how many are revoked."""

    folder: Path
    made: int
    kept: int
    revoked: int


class Authority:
    """The folder of a fleet's identities. Existing keys are kept; nothing ever overwrites one.

    Raises StorageError when the folder cannot be used, ConfigError when its content is not an authority's.
    """

    def __init__(self, folder: Path, now: datetime) -> None:
        """Opens the folder's authority, or makes a new one. `now` is when what it signs begins to be valid."""
        self.folder, self._now = folder.absolute(), now
        make_folder(self.folder)
        self._key, self._certificate = self._load_or_make_authority()

    def provision(
        self, cameras: Sequence[Identity], operators: Sequence[str], hosts: Sequence[str], days: int
    ) -> ProvisionResult:
        """Make what is missing for `cameras`, `operators` and a broker that is reached under the names `hosts`. An
        identity is valid for `days`.
        """
        if not 1 <= days <= _CA_DAYS:
            raise ConfigError(f"--days {days}: from 1 to {_CA_DAYS}")
        made = sum(self._provision_camera(one, days) for one in cameras)
        made += sum(self._provision_operator(name, days) for name in operators)
        self._provision_broker(hosts, days)
        if not (self.folder / "crl.pem").exists():
            self._write_revoked([])
        return ProvisionResult(self.folder, made, len(cameras) + len(operators) - made, len(self._revoked()))

    def revoke(self, names: Sequence[str]) -> None:
        """Revoke `agency/site/camera` or an operator by name: the broker rejects it from its next start on."""
        revoked = {one.serial_number: one for one in self._revoked()}
        for name in names:
            serial = read_certificate(self._certificate_path(name)).serial_number
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(self._now).build()
            revoked.setdefault(serial, entry)
        self._write_revoked(list(revoked.values()))

    def cameras(self) -> list[Identity]:
        """The cameras that have an identity here."""
        paths = sorted((self.folder / "identities").glob("*/*/*.crt"))
        return [Identity(path.parts[-3], path.parts[-2], path.stem) for path in paths]

    def operators(self) -> list[str]:
        """The operators that have an identity here."""
        return sorted(path.stem for path in (self.folder / "operators").glob("*.crt"))

    # -- identities --------------------------------------------------------------------------------------------------

    def _load_or_make_authority(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key_path, path = self.folder / "ca.key", self.folder / "ca.crt"
        if not key_path.exists() and not path.exists():
            self._make_authority(path)
        try:
            key = serialization.load_pem_private_key(read_file(key_path), None)
            certificate = read_certificate(path)
        except ValueError as error:
            raise ConfigError(f"{self.folder}: ca.key or ca.crt is not an authority's: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise ConfigError(f"{self.folder}: ca.key does not belong to ca.crt; restore both, or begin a new folder")
        return key, certificate

    def _make_authority(self, path: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Lapel fleet authority")])
        certificate = (
            self._builder(name, key, _CA_DAYS)
            .issuer_name(name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(key_usage(signs_certificates=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        write_identity(path, certificate, key)

    def _provision_camera(self, one: Identity, days: int) -> bool:
        folder = self.folder / "identities" / one.agency / one.site
        return self._provision_client(folder / f"{one.camera}.crt", one.common_name, days)

    def _provision_operator(self, name: str, days: int) -> bool:
        checked_identity(Identity("operator", "of", name))
        return self._provision_client(self.folder / "operators" / f"{name}.crt", f"operator/{name}", days)

    def _provision_client(self, path: Path, common_name: str, days: int) -> bool:
        """Issue a certificate unless there is a valid one. Returns whether one was issued."""
        if self._is_valid(path):
            return False
        self._issue(path, common_name, days, ExtendedKeyUsageOID.CLIENT_AUTH)
        return True

    def _is_valid(self, path: Path) -> bool:
        """Whether there is a certificate that is valid for another day. An expired one is renewed for the same key."""
        if not path.exists():
            return False
        return read_certificate(path).not_valid_after_utc > self._now + timedelta(days=1)

    def _provision_broker(self, hosts: Sequence[str], days: int) -> None:
        """Issue the broker's certificate again when it lacks a host name: cameras trust the authority, not this
        certificate.
        """
        path, wanted = self.folder / "broker.crt", list(dict.fromkeys((*_LOCAL_HOSTS, *hosts)))
        if self._is_valid(path) and hosts_of(read_certificate(path)) >= set(wanted):
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
        for folder in reversed([*path.parent.relative_to(self.folder).parents][:-1]):
            make_folder(self.folder / folder)
        make_folder(path.parent)
        key = existing_or_new_key(path.with_suffix(".key"))
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        builder = (
            self._builder(subject, key, days)
            .issuer_name(self._certificate.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        write_identity(path, builder.sign(self._key, hashes.SHA256()), key)

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

    # -- revocation --------------------------------------------------------------------------------------------------

    def _certificate_path(self, name: str) -> Path:
        parts = name.split("/")
        if len(parts) == 3:
            path = self.folder.joinpath("identities", *parts[:2], f"{parts[2]}.crt")
        else:
            path = self.folder / "operators" / f"{name}.crt"
        if ".." in parts or not path.is_file():
            raise ConfigError(f"--revoke {name}: has no identity here; give AGENCY/SITE/CAMERA or an operator's name")
        return path

    def _revoked(self) -> list[x509.RevokedCertificate]:
        path = self.folder / "crl.pem"
        return list(x509.load_pem_x509_crl(read_file(path))) if path.exists() else []

    def _write_revoked(self, revoked: Iterable[x509.RevokedCertificate]) -> None:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate.subject)
            .last_update(self._now - _BACKDATED)
            .next_update(self._now + timedelta(days=_CA_DAYS))  # with an expired list the broker rejects every client
        )
        for one in revoked:
            builder = builder.add_revoked_certificate(one)
        signed = builder.sign(self._key, hashes.SHA256())
        replace_file(self.folder / "crl.pem", signed.public_bytes(serialization.Encoding.PEM), 0o644)


def hosts_of(certificate: x509.Certificate) -> set[str]:
    """The host names and addresses that a broker's certificate is valid for."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))}


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", host):
            raise ConfigError(f"--host {host!r}: is neither a host name nor an IP address") from None
        return x509.DNSName(host)
