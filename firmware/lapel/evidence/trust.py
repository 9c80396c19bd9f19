"""Whom a verifier trusts: authorities whose certificates say which key belongs to which camera."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from lapel.evidence.identity import read_certificates
from lapel.evidence.signing import UNREADABLE


@dataclass(frozen=True, slots=True)
class Trust:
    """Trusted authorities. Without one, no signature proves who signed."""

    authorities: tuple[x509.Certificate, ...] = ()

    @classmethod
    def read(cls, paths: list[Path]) -> "Trust":
        """The certificates in PEM files that are authorities'. Raises EvidenceError for a file without certificates."""
        found = [x509.load_der_x509_certificate(one) for path in paths for one in read_certificates(path)]
        return cls(tuple(one for one in found if _is_authority(one)))

    def refusal(self, certificates: list[bytes], at: datetime) -> str | None:
        """Why a chain of certificates (DER, the signer's first) is not trusted; None when it is.

        `at`: when it was used. Certificates that had not begun or had ended then are refused.
        """
        try:
            chain = [x509.load_der_x509_certificate(one) for one in certificates]
        except UNREADABLE:
            return "its certificate cannot be read"
        for position, certificate in enumerate(chain):
            if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
                return f"the certificate of {name_of(certificate)} was not valid at {at:%Y-%m-%d %H:%M} UTC"
            if any(_is_issued_by(certificate, authority) for authority in self.authorities):
                return None
            above = chain[position + 1] if position + 1 < len(chain) else None
            if above is None or not _is_authority(above) or not _is_issued_by(certificate, above):
                return f"no trusted authority has issued the certificate of {name_of(chain[0])}"
        return "it shows no certificate"


def name_of(certificate: x509.Certificate) -> str:
    """Whom a certificate is for, in one line."""
    return certificate.subject.rfc4514_string()


def _is_issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (*UNREADABLE, TypeError, InvalidSignature):
        return False
    return True


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (*UNREADABLE, x509.ExtensionNotFound):
        return False
