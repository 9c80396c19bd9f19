"""The support bundle: an archive with configuration, events and log for the support team. No footage, no secrets.

`events.jsonl` has every event with its monotonic time, so that an incident can be reproduced as a scenario.
"""

import io
import tarfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from lapel.clock import iso
from lapel.console.diagnosis import findings, survey
from lapel.console.invocation import Invocation
from lapel.credentials import settings_without_credentials

FORMAT = "lapel-support-1"


async def bundle(call: Invocation) -> tuple[str, bytes]:
    """The bundle's file name and content. The camera is queried on the event loop; the worker packs the archive."""
    camera, now = call.camera, call.clock.now()
    seen = await survey(camera)
    about = {
        "format": FORMAT,
        "made": iso(now.utc),
        "mono_s": now.mono_s,
        "survey": seen,
        "findings": findings(seen),
        "buffer": camera.buffer(),
        "devices": list(camera.devices()),
        "clips": list(await camera.clips()) if seen.storage.ok else [],
    }
    log = [
        {"at": iso(one.at.utc), "mono_s": one.at.mono_s, "level": one.level, "text": one.text}
        for one in camera.log.newest(2_000)
    ]
    files: Mapping[str, Callable[[], bytes]] = {
        "about.json": lambda: _json(about),
        "configuration.json": lambda: _json(settings_without_credentials(camera.settings())),
        "events.jsonl": lambda: _lines(camera.history()),
        "log.jsonl": lambda: _lines(log),
    }
    name = f"{seen.overview.camera}-{now.utc:%Y%m%dT%H%M%SZ}.tar.gz".replace("/", "_")
    contents = {path: make() for path, make in files.items()}
    return name, await call.worker.run(lambda: _packed(contents))


def _json(data: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(data), indent=2)


def _lines(rows: Iterable[Any]) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def _packed(contents: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for path, content in contents.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()
