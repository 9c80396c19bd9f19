"""The recordings on the storage card: listed, shown, sent. No command deletes one."""

from lapel.console.command import Answer, Noun, Option, Parameter, Verb
from lapel.console.interface import Clip
from lapel.console.invocation import Invocation
from lapel.console.layout import Pairs, Table, Text, length, size
from lapel.console.transfer import LIMIT_S
from lapel.errors import ConsoleError

_NEWEST = 20


async def _list(call: Invocation) -> Answer:
    clips = list(await call.camera.clips())
    rows = [(one.recording, one.status, length(one.duration_s), size(one.video_bytes)) for one in clips[-_NEWEST:]]
    more = (Text(f"{len(clips) - _NEWEST} older ones are not shown"),) if len(clips) > _NEWEST else ()
    if not clips:
        return Answer([], (Text("no recordings"),))
    return Answer(clips, (*more, Table(("recording", "status", "length", "size"), rows)))


async def _show(call: Invocation) -> Answer:
    clip = await _clip(call)
    rows = [("recording", clip.recording), ("status", clip.status), ("trigger", clip.trigger_time)]
    rows += [("length", length(clip.duration_s)), ("size", size(clip.video_bytes)), ("stop reason", clip.reason or "-")]
    return Answer(clip, (Pairs(rows),))


async def _send(call: Invocation) -> Answer:
    clip = await _clip(call)
    path = await call.camera.clip_file(clip.recording)
    took_s = await call.session.send_file(path, call.number("limit", LIMIT_S, 1, 36_000))
    await call.console_log.append("recording-sent", recording=clip.recording, seconds=round(took_s, 1))
    return Answer({"recording": clip.recording, "seconds": took_s}, (Text(f"sent in {length(took_s)}", "good"),))


async def _clip(call: Invocation) -> Clip:
    word = call.word("recording")
    matching = [one for one in await call.camera.clips() if one.recording == word or one.recording.startswith(word)]
    if len(matching) != 1:
        count = len(matching) or "no"
        raise ConsoleError(f"recording: {count} recordings start with `{word}`; see `recording list`", "usage")
    return matching[0]


_WHICH = Parameter("recording", "its id or a unique prefix")

NOUN = Noun(
    "recording",
    "recordings on the storage card",
    (
        Verb("list", _list, "the newest recordings"),
        Verb("show", _show, "details of one recording", parameters=(_WHICH,)),
        Verb(
            "send",
            _send,
            "send its video by ZMODEM",
            "service",
            (_WHICH,),
            (Option("limit", "longest transfer in seconds, 600 by default"),),
            not_while_recording=True,
            interactive=True,
        ),
    ),
)
