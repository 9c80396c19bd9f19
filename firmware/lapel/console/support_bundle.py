"""The support bundle: what happened, for those at home. No footage, no secrets.

`events.jsonl` has every event with its monotonic time, so that an incident can be told again as a scenario.
"""

import io
import re
import tarfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from lapel.clock import iso
from lapel.console.invocation import Invocation
from lapel.console.why import findings, survey

FORMAT = "lapel-support-1"
_CREDENTIALS = re.compile(r"(//)[^/@\s]*@")


async def bundle(call: Invocation) -> tuple[str, bytes]:
    """Its name and content. What the camera says is gathered here, packing it is for the worker."""
    desk, now = call.desk, call.clock.now()
    seen = await survey(desk)
    about = {
        "format": FORMAT,
        "made": iso(now.utc),
        "mono_s": now.mono_s,
        "survey": seen,
        "findings": findings(seen),
        "buffer": desk.buffer(),
        "devices": list(desk.devices()),
        "clips": list(await desk.clips()) if seen.card.ok else [],
    }
    log = [
        {"at": iso(one.at.utc), "mono_s": one.at.mono_s, "level": one.level, "text": one.text}
        for one in desk.log.newest(2_000)
    ]
    files: Mapping[str, Callable[[], bytes]] = {
        "about.json": lambda: _json(about),
        "configuration.json": lambda: _json(desk.settings()),
        "events.jsonl": lambda: _lines(desk.history()),
        "log.jsonl": lambda: _lines(log),
    }
    name = f"{seen.standing.camera}-{now.utc:%Y%m%dT%H%M%SZ}.tar.gz".replace("/", "_")
    contents = {path: _cleaned(make()) for path, make in files.items()}
    return name, await call.worker.run(lambda: _packed(contents))


def _cleaned(content: bytes) -> bytes:
    """Addresses may carry names and passwords."""
    return _CREDENTIALS.sub(r"\1…@", content.decode()).encode()


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
