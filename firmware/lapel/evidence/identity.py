"""The camera's identity as a witness: the key that signs its evidence, and the certificate of that key.

    FOLDER/key.pem          the private key, readable for its owner only; it never leaves the camera
    FOLDER/certificate.pem  its certificate, then those above it up to the root

A camera that was not provisioned makes both at its first start, with a root of its own whose key is thrown away. An
agency replaces the certificate by one of its own authority: `lapel-camera identity csr`, then `identity import`.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lapel import files
from lapel.errors import EvidenceError
from lapel.evidence.signing import SoftwareSigner, is_p256, key_id, public_key

KEY = "key.pem"
CERTIFICATE = "certificate.pem"
_LIMIT_BYTES = 64 * 1024
_FROM = datetime(2026, 1, 1, tzinfo=UTC)
"""A camera may make its identity before its clock was ever set."""
_FOR_EVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""RFC 5280, 4.1.2.5: a certificate without a well-defined end."""
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class EvidenceIdentity:
    """A signer, and what its certificate says."""

    signer: SoftwareSigner
    subject: str
    issuer: str
    key_id: str
    valid_until: datetime


def load_or_make(folder: Path, camera: str) -> EvidenceIdentity:
    """The identity in `folder`; a new one for `camera` (`agency/site/name`) where there is none.

    Raises EvidenceError when there is one and it cannot be used: it is never replaced silently.
    """
    if not (folder / KEY).exists() and not (folder / CERTIFICATE).exists():
        make(folder, camera)
    return load(folder)


def load(folder: Path) -> EvidenceIdentity:
    """The identity in `folder`. Raises EvidenceError when there is none that can be used."""
    certificates = read_certificates(folder / CERTIFICATE)
    signer = SoftwareSigner(_read_key(folder / KEY), tuple(certificates[:1] + _below_root(certificates[1:])))
    leaf = x509.load_der_x509_certificate(certificates[0])
    return EvidenceIdentity(
        signer,
        leaf.subject.rfc4514_string(),
        leaf.issuer.rfc4514_string(),
        key_id(public_key(certificates[0])),
        leaf.not_valid_after_utc,
    )


def make(folder: Path, camera: str) -> None:
    """A new key, and a certificate for it by a root of its own. Raises EvidenceError when there is a key already."""
    if (folder / KEY).exists():
        raise EvidenceError(f"{folder / KEY}: there is a key already; recordings are signed with it, so it is kept")
    key = ec.generate_private_key(ec.SECP256R1())
    certificates = certify(key, camera, ec.generate_private_key(ec.SECP256R1()))
    try:
        folder.mkdir(files.PRIVATE_FOLDER, parents=True, exist_ok=True)
        files.replace(folder / KEY, _pem_of(key))
        files.replace(folder / CERTIFICATE, b"".join(map(_pem, certificates)))
    except OSError as error:
        raise EvidenceError(f"{folder}: the identity cannot be written: {error.strerror}") from error


def certify(
    key: ec.EllipticCurvePrivateKey, camera: str, root_key: ec.EllipticCurvePrivateKey
) -> tuple[x509.Certificate, x509.Certificate]:
    """A certificate for `key`, and that of the root which issues it. The same keys give the same certificates."""
    root_name = _name(f"Lapel evidence root of {camera}")
    root = _builder(root_key.public_key(), root_name, root_name)
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    root = root.add_extension(key_usage(signs_certificates=True), critical=True)
    leaf = _builder(key.public_key(), _name(camera), root_name)
    for extension, critical in _leaf_extensions():
        leaf = leaf.add_extension(extension, critical)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    leaf = leaf.add_extension(issuer, critical=False)
    sign = partial(
        x509.CertificateBuilder.sign, private_key=root_key, algorithm=hashes.SHA256(), ecdsa_deterministic=True
    )
    return sign(leaf), sign(root)


def request(folder: Path) -> bytes:
    """A certificate signing request (PEM) for the key in `folder`, for the agency's authority."""
    leaf = x509.load_der_x509_certificate(read_certificates(folder / CERTIFICATE)[0])
    builder = x509.CertificateSigningRequestBuilder().subject_name(leaf.subject)
    for extension, critical in _leaf_extensions():
        builder = builder.add_extension(extension, critical)
    signed = builder.sign(_read_key(folder / KEY), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def import_certificate(folder: Path, source: Path) -> EvidenceIdentity:
    """Replace the certificate by that in `source`, which an authority made for the key in `folder`."""
    certificates = read_certificates(source)
    SoftwareSigner(_read_key(folder / KEY), tuple(certificates))  # raises unless it is for this key
    try:
        files.replace(folder / CERTIFICATE, b"".join(_pem(x509.load_der_x509_certificate(one)) for one in certificates))
    except OSError as error:
        raise EvidenceError(f"{folder / CERTIFICATE}: cannot be written: {error.strerror}") from error
    return load(folder)


def read_certificates(path: Path) -> list[bytes]:
    """The certificates (DER) of a PEM file, in their order. Raises EvidenceError when it has none."""
    found = [x509.load_pem_x509_certificate(one) for one in _PEM.findall(_read(path))]
    if not found:
        raise EvidenceError(f"{path}: contains no certificate in PEM")
    return [one.public_bytes(serialization.Encoding.DER) for one in found]


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(_read(path), password=None)
    except (ValueError, TypeError) as error:
        raise EvidenceError(f"{path}: is no private key in PEM without a password") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not is_p256(key):
        raise EvidenceError(f"{path}: is no key on P-256, the curve that cameras sign with")
    return key


def _read(path: Path) -> bytes:
    try:
        return files.read_regular_file(path, _LIMIT_BYTES)
    except FileNotFoundError as error:
        raise EvidenceError(f"{path}: does not exist; `lapel-camera identity new` makes an identity") from error
    except OSError as error:
        raise EvidenceError(f"{path}: cannot be read: {error.strerror}") from error


def _below_root(certificates: list[bytes]) -> list[bytes]:
    """Without roots: who trusts a root has it already."""
    loaded = [(one, x509.load_der_x509_certificate(one)) for one in certificates]
    return [der for der, certificate in loaded if certificate.subject != certificate.issuer]


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _leaf_extensions() -> list[tuple[x509.ExtensionType, bool]]:
    """What C2PA asks of a signer's certificate: digital signatures, and e-mail protection as extended usage."""
    return [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (key_usage(signs_certificates=False), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False),
    ]


def _builder(key: ec.EllipticCurvePublicKey, name: x509.Name, issuer: x509.Name) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(int(key_id(key)[:38], 16))
        .not_valid_before(_FROM)
        .not_valid_after(_FOR_EVER)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """What a key may be used for: to sign certificates, or to sign data."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
