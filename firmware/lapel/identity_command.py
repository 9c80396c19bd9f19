"""The command `lapel-camera identity`: the key that signs a camera's recordings, and its certificate."""

import argparse
import sys
from pathlib import Path

from lapel import config
from lapel.evidence import identity
from lapel.evidence.identity import EvidenceIdentity

_CERTIFICATE_FLAGS = (("camera.agency", "--agency"), ("camera.site", "--site"), ("camera.name", "--camera"))


def add_identity(parser: argparse.ArgumentParser) -> None:
    """Add the command's actions."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, action, meaning in (
        ("new", _new, "make a key and a certificate; the first start does it, too"),
        ("show", _show, "print whose key it is, and the certificates, which `lapel-evidence --trust` takes"),
        ("csr", _csr, "print a certificate signing request for the agency's authority"),
        ("import", _import, "replace the certificate by the one that the authority made"),
    ):
        one = actions.add_parser(name, help=meaning, description=f"{meaning[0].upper()}{meaning[1:]}.")
        one.add_argument("--config", type=Path, metavar="FILE", help="the camera's configuration file")
        one.add_argument("--evidence", dest="recording.evidence", metavar="EVIDENCE", help="the folder for recordings")
        if name == "new":
            for key, flag in _CERTIFICATE_FLAGS:
                one.add_argument(flag, dest=key, metavar=flag[2:].upper(), help="written into the certificate")
        if name == "import":
            one.add_argument(
                "certificate", type=Path, metavar="CERTIFICATE", help="PEM: the camera's, then those above"
            )
        one.set_defaults(command=action)


def _new(options: argparse.Namespace) -> int:
    settings = _settings(options)
    folder = config.identity_folder(settings)
    identity.make(folder, settings.camera.address)
    print(_text(identity.load(folder)))
    return 0


def _show(options: argparse.Namespace) -> int:
    folder = config.identity_folder(_settings(options))
    print(_text(identity.load(folder)))
    print((folder / identity.CERTIFICATE).read_text(), end="")
    return 0


def _csr(options: argparse.Namespace) -> int:
    sys.stdout.write(identity.request(config.identity_folder(_settings(options))).decode())
    return 0


def _import(options: argparse.Namespace) -> int:
    print(_text(identity.import_certificate(config.identity_folder(_settings(options)), options.certificate)))
    return 0


def _settings(options: argparse.Namespace) -> config.Config:
    names = ("recording.evidence", *(key for key, _ in _CERTIFICATE_FLAGS))
    flags = {(name.partition(".")[0], name.partition(".")[2]): getattr(options, name, None) for name in names}
    return config.from_environment(options.config, flags)


def _text(one: EvidenceIdentity) -> str:
    return f"subject: {one.subject}\nissuer: {one.issuer}\nkey: {one.key_id}\nvalid until: {one.valid_until:%Y-%m-%d}"
