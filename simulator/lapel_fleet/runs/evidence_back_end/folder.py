"""The folder of an evidence back end: what it received, as files that a person finds again.

    DIR/connection.json                        for the camera: address, user name, key (the API's connection file)
    DIR/receipt-public-key.pem                 for the camera: checks the receipts
    DIR/receipt-key.pem                        signs them
    DIR/containers/CONTAINER/OBJECT            contents; characters that a path cannot have are percent-encoded
    DIR/containers/CONTAINER/.container.json   metadata, lengths and MD5s

Every method blocks, and raises OSError.
"""

import hashlib
import json
import os
import secrets
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, unquote

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from lapel import files
from lapel.errors import ConfigError
from lapel.evidence.receipt import PrivateKey
from lapel.evidence.receipt_files import read_back_end_key
from lapel_fleet.runs.evidence_back_end.back_end import AUTH
from lapel_fleet.runs.evidence_back_end.containers import Container, StoredObject
from lapel_fleet.runs.evidence_back_end.exchange import Content
from lapel_fleet.runs.evidence_back_end.receipts import is_read

CONNECTION, PUBLIC_KEY, PRIVATE_KEY = "connection.json", "receipt-public-key.pem", "receipt-key.pem"
_METADATA, _UPLOADS = ".container.json", ".uploads"
_USER = "lapel"
MOST_MANIFEST_BYTES = 64 * 1024 * 1024
"""That of a four-hour clip has some 6 MB."""


class EvidenceFolder:
    """Keeps containers in a folder."""

    def __init__(self, root: Path) -> None:
        """Makes the folder if it is not there. What an earlier process left unfinished is removed."""
        self.root, self._containers, self._uploads = root, root / "containers", root / _UPLOADS
        for folder in (root, self._containers, self._uploads):
            folder.mkdir(files.PRIVATE_FOLDER, parents=folder == root, exist_ok=True)
        for unfinished in self._uploads.iterdir():
            unfinished.unlink()

    def load(self) -> dict[str, Container]:
        """The containers that are there. Raises ConfigError for a damaged one."""
        found = {}
        for folder in sorted(self._containers.iterdir()):
            path = folder / _METADATA
            if path.exists():
                try:
                    container = msgspec.json.decode(path.read_bytes(), type=Container)
                except msgspec.DecodeError as error:
                    raise ConfigError(f"{path}: cannot be read: {error}; remove its folder") from error
                found[unquote(folder.name)] = container
                for name, one in container.objects.items():
                    if is_read(one.metadata):
                        one.content = replace(one.content, data=(folder / _file_name(name)).read_bytes())
        return found

    def receipt_key(self) -> PrivateKey:
        """The key that signs receipts, made if it is not there. Raises EvidenceError."""
        path = self.root / PRIVATE_KEY
        if not path.exists():
            key = Ed25519PrivateKey.generate()
            public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            files.replace(self.root / PUBLIC_KEY, public, 0o644)
            files.replace(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return read_back_end_key(path, lambda: b"")

    def connect(self, url: str) -> tuple[str, str]:
        """Write the connection file for that address. Returns user name and key, the same as before if there were any.
        Raises ConfigError for a file that is no connection file.
        """
        path = self.root / CONNECTION
        try:
            before = json.loads(path.read_bytes()) if path.exists() else {}
            user, key = before.get("BlobAPIUserName", _USER), before.get("BlobAPIKey", "") or secrets.token_urlsafe(24)
        except (ValueError, AttributeError) as error:
            raise ConfigError(f"{path}: is no connection file; remove it") from error
        connection = {
            "ConnectionFileVersion": "1.0", "SiteName": "Lapel", "ApplicationName": "Lapel evidence back end",
            "ApplicationVersion": "1", "ContentDestinationAsNTPServer": False,
            "AuthenticationTokenURI": [f"{url}{AUTH}"], "BlobAPIKey": key, "BlobAPIUserName": user,
            "ContainerType": "mp4", "FullStoreAndReadSupport": False, "WantEncryption": False,
        }  # fmt: skip
        files.replace(path, json.dumps(connection, indent=2).encode() + b"\n")
        return user, key

    def new_upload(self) -> "UploadedFile":
        """A new file for the body of a request."""
        return UploadedFile(self._uploads / secrets.token_hex(8))

    def file(self, container: str, name: str) -> Path:
        """Where the content of an object is."""
        return self._container(container) / _file_name(name)

    def keep(self, upload: "UploadedFile", container: str, name: str) -> None:
        """Move the body of a request to where its object is."""
        self._container(container).mkdir(files.PRIVATE_FOLDER, exist_ok=True)
        upload.move_to(self.file(container, name))

    def save(self, name: str, container: Container) -> None:
        """Write a container's metadata, and the contents that the back end made itself."""
        folder = self._container(name)
        folder.mkdir(files.PRIVATE_FOLDER, exist_ok=True)
        for object_name, one in container.objects.items():
            path = self.file(name, object_name)
            if one.content.data and not path.exists():
                files.replace(path, one.content.data)
        files.replace(folder / _METADATA, msgspec.json.encode(_without_contents(container)))

    def _container(self, name: str) -> Path:
        return self._containers / _file_name(name)


class UploadedFile:
    """The body of a request, while it is received."""

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, path.open("xb")
        self._hash, self.length = hashlib.md5(usedforsecurity=False), 0

    def add(self, chunk: bytes) -> None:
        """Write a part of it."""
        self._file.write(chunk)
        self._hash.update(chunk)
        self.length += len(chunk)

    def content(self, *, with_data: bool) -> Content:
        """What it is. `with_data`: in memory too, if it is not too long for that."""
        data = None
        if with_data and self.length <= MOST_MANIFEST_BYTES:
            self._file.flush()
            data = self._path.read_bytes()
        return Content(self.length, self._hash.hexdigest(), data)

    def move_to(self, path: Path) -> None:
        """Sync it, and move it to its place."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._path.replace(path)

    def close(self) -> None:
        """Remove it, unless it was moved."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def _file_name(name: str) -> str:
    """A name from the network as the name of one file: never a path, never hidden."""
    quoted = quote(name, safe=" ")
    return f"%2E{quoted[1:]}" if quoted.startswith(".") else quoted


def _without_contents(container: Container) -> Container:
    objects = {
        name: StoredObject(Content(one.content.length, one.content.md5), one.metadata, one.stored_at)
        for name, one in container.objects.items()
    }
    return Container(container.metadata, objects)
