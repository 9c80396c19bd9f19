"""The Mosquitto configuration of a provisioned fleet: TLS only, each client known by its certificate."""

import getpass
from pathlib import Path

from lapel_fleet.broker.access_list import access_list
from lapel_fleet.broker.authority import Authority
from lapel_fleet.broker.identity_files import make_folder, replace_file

MESSAGE_MAX_BYTES = 262_144


def write_mosquitto_conf(authority: Authority, port: int, bind: str) -> Path:
    """Write configuration and access list for every identity of the authority. Returns the configuration's path.

    Raises StorageError.
    """
    folder = authority.folder
    replace_file(folder / "acl", access_list(authority.cameras(), authority.operators()).encode(), 0o600)
    make_folder(folder / "data")
    path = folder / "mosquitto.conf"
    replace_file(path, mosquitto_conf(folder, port, bind).encode(), 0o600)
    return path


def mosquitto_conf(folder: Path, port: int, bind: str) -> str:
    """The text of `mosquitto.conf`. Queued and retained messages are kept across restarts."""
    return f"""# Made by lapel-fleet provision, which replaces this file each time.
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
