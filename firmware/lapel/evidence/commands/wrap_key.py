"""Hand the key of one encrypted recording to a back end that decrypts by itself: wrapped for its RSA key, as a file.

The recording stays as it is. The holder of the RSA private key can decrypt this recording, and no other.
"""

import argparse
from pathlib import Path

import msgspec

from lapel import files
from lapel.errors import EvidenceError
from lapel.evidence import password
from lapel.evidence.clip_content import reader_key
from lapel.evidence.commands.show import manifest_of
from lapel.evidence.rsa_key import read_rsa_recipient, wrap
from lapel.evidence.vault_keys import read_private_key

NAME = "wrap-key"
HELP = "wrap the key of an encrypted recording for an RSA key, as a file"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("recording", type=Path, metavar="RECORDING", help="folder of the recording")
    parser.add_argument(
        "--key", type=Path, required=True, metavar="PEM", help="private key that decrypts the recording"
    )
    password.add_option(parser)
    parser.add_argument("--rsa", type=Path, required=True, metavar="PEM", help="the back end's RSA key or certificate")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the key file")


def run(options: argparse.Namespace) -> int:
    """Write the key file of one recording."""
    recipient = read_rsa_recipient(options.rsa)
    private = read_private_key(options.key, password.source(options.password_file, options.key))
    wrapped = wrap(reader_key(manifest_of(options.recording), private), recipient)
    try:
        files.replace(options.out, msgspec.json.format(msgspec.json.encode(wrapped)) + b"\n")
    except OSError as error:
        raise EvidenceError(f"{options.out}: cannot be written: {error.strerror}") from error
    print(f"{options.out}: the key of {wrapped.recording}, for the RSA key {wrapped.key_id}")
    return 0
