"""Export a recording as one signed MP4: any player opens it, any Content Credentials tool verifies it.

It is verified meanwhile, and decrypted with --key. A verification report is written beside it as HTML.
Exit codes: 0 exported; 1 the recording is not intact, and nothing was exported; 2 it cannot be exported.
"""

import argparse
from pathlib import Path

from lapel import files
from lapel.clock import SystemClock
from lapel.errors import EvidenceError
from lapel.evidence import password
from lapel.evidence.clip_content import ChangedContent
from lapel.evidence.export import Exported, export
from lapel.evidence.export_report import report_page
from lapel.evidence.export_signer import identity_signer, read_signer
from lapel.evidence.signing import Signer
from lapel.evidence.trust import Trust
from lapel.evidence.vault_keys import read_private_key
from lapel.sanitize import plain

NAME = "export"
HELP = "write a recording as one signed MP4, with a verification report"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("recording", type=Path, metavar="RECORDING", help="folder of the recording")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="new MP4 file")
    parser.add_argument("--key", type=Path, metavar="PEM", help="private key that decrypts the recording")
    password.add_option(parser, "--password-file", "--key")
    parser.add_argument(
        "--trust", type=Path, action="append", default=[], metavar="PEM", help="authority of the camera's certificate"
    )
    signer = parser.add_argument_group("who signs the export (P-256)")
    signer.add_argument("--signer-key", type=Path, metavar="PEM", help="the exporter's private key")
    signer.add_argument(
        "--signer-certificate", type=Path, metavar="PEM", help="its certificate, then those of the authorities above it"
    )
    password.add_option(signer, "--signer-password-file", "--signer-key")
    signer.add_argument(
        "--signer", type=Path, metavar="FOLDER", help="instead: a folder made by `lapel-camera identity`"
    )


def run(options: argparse.Namespace) -> int:
    """Export one recording."""
    signer, trust = _signer(options), Trust.read(options.trust)
    key = None
    if options.key is not None:
        key = read_private_key(options.key, password.source(options.password_file, options.key))
    try:
        exported = export(options.recording, options.out, signer, trust, key)
        page = _write_page(exported, signer)
    except ChangedContent as error:
        print(f"not intact: {plain(str(error))}; nothing was exported")
        return 1
    except OSError as error:
        raise EvidenceError(f"{options.out}: cannot be exported: {error.strerror or error}") from error
    print(f"{options.out}: exported, {exported.report.duration_s:.1f} s; report: {page}")
    print(f"{exported.report.verdict}: {_reasons(exported)}" if exported.report.findings else exported.report.verdict)
    return 0


def _reasons(exported: Exported) -> str:
    return "; ".join(plain(finding.message) for finding in exported.report.findings)


def _signer(options: argparse.Namespace) -> Signer:
    if options.signer is not None:
        return identity_signer(options.signer)
    if options.signer_key is None or options.signer_certificate is None:
        raise EvidenceError("the export has no signer: give --signer-key and --signer-certificate, or --signer FOLDER")
    source = password.source(options.signer_password_file, options.signer_key)
    return read_signer(options.signer_key, options.signer_certificate, source)


def _write_page(exported: Exported, signer: Signer) -> Path:
    page = exported.path.with_name(f"{exported.path.name}.html")
    files.replace(page, report_page(exported, signer, SystemClock().now().utc).encode())
    return page
