"""Offload: recordings on their way to the evidence back end."""

from lapel.console.command import Answer, Noun, Parameter, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Block, Pairs, Text, size
from lapel.errors import ConsoleError

_NONE = "no recording leaves: no destination is configured; see `config show offload`"


async def _status(call: Invocation) -> Answer:
    offload = call.camera.offload()
    if offload is None:
        return Answer(None, (Text(_NONE),))
    rows = [
        ("destination", offload.destination),
        ("now", offload.doing),
        ("left", f"{offload.recordings_left} recordings, {size(offload.bytes_left)}"),
        ("speed", f"{offload.rate_bps / 1e6:.1f} Mb/s" if offload.active else "-"),
        ("no receipt yet", f"{offload.awaiting_receipt} recordings"),
    ]
    blocks: list[Block] = [Pairs(rows)]
    blocks += [Text(f"{recording}: {reason}", "bad") for recording, reason in offload.rejected.items()]
    return Answer(offload, tuple(blocks))


async def _start(call: Invocation) -> Answer:
    _require(call)
    call.camera.start_offload()
    return Answer({"started": True}, (Text("recordings leave from now on; see `offload status`", "good"),))


async def _pause(call: Invocation) -> Answer:
    _require(call)
    call.camera.pause_offload(call.word("reason"))
    return Answer({"paused": True}, (Text("nothing leaves until `offload start`, or the next time in the dock"),))


async def _retry(call: Invocation) -> Answer:
    _require(call)
    word = call.word("recording")
    again = list(await call.camera.retry_offload(word))
    if not again:
        raise ConsoleError(f"offload: {word or 'nothing'} was not rejected; see `offload status`", "refused")
    return Answer(again, (Text(f"offered again: {', '.join(again)}", "good"),))


def _require(call: Invocation) -> None:
    if call.camera.offload() is None:
        raise ConsoleError(_NONE, "refused")


NOUN = Noun(
    "offload",
    "recordings on their way to the evidence back end",
    (
        Verb("status", _status, "what leaves, what is left, what was rejected"),
        Verb("start", _start, "let recordings leave now, in the dock or not", "service"),
        Verb(
            "pause",
            _pause,
            "let nothing leave",
            "service",
            (Parameter("reason", "the reason, for `offload status`", rest=True),),
        ),
        Verb(
            "retry",
            _retry,
            "offer again what was rejected",
            "service",
            (Parameter("recording", "its id; all, where none is given", optional=True),),
        ),
    ),
)
