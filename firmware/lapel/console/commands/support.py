"""Sends a support bundle, from which the support team can find out what happened."""

import tempfile
from pathlib import Path

from lapel.console.command import Answer, Noun, Option, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Text, length, size
from lapel.console.support_bundle import bundle
from lapel.console.transfer import LIMIT_S


async def _bundle(call: Invocation) -> Answer:
    name, content = await bundle(call)
    with tempfile.TemporaryDirectory(prefix="lapel-") as folder:
        path = Path(folder) / name
        await call.worker.run(lambda: path.write_bytes(content))
        took_s = await call.session.send_file(path, call.number("limit", LIMIT_S, 1, 36_000))
    await call.console_log.append("support-bundle", bytes=len(content))
    return Answer({"bytes": len(content)}, (Text(f"{name}: {size(len(content))} sent in {length(took_s)}", "good"),))


NOUN = Noun(
    "support",
    "diagnostic data for the support team",
    (
        Verb(
            "bundle",
            _bundle,
            "send configuration, events and log by ZMODEM; no footage, no secrets",
            "service",
            options=(Option("limit", "longest transfer in seconds, 600 by default"),),
            interactive=True,
        ),
    ),
)
