"""The microphone."""

from lapel.console.command import Answer, Noun, Parameter, Verb, answer_of
from lapel.console.invocation import Invocation
from lapel.console.layout import Block, Pairs, Text

_METER_DB, _METER_CHARS = 60.0, 30


async def _show(call: Invocation) -> Answer:
    audio = call.camera.audio()
    if audio is None:
        return Answer(
            None, (Text("no sound is recorded: `config set audio.source default`, `config commit confirmed 5`"),)
        )
    level = f"{audio.rms_dbfs:.0f} dBFS  {_meter(audio.rms_dbfs)}  peak {audio.peak_dbfs:.0f} dBFS"
    rows = [
        ("source", audio.source),
        ("level", f"none: {audio.lost}" if audio.lost else level),
        ("before the press", "recorded" if audio.in_prebuffer else "not recorded"),
    ]
    rows += [("recording", "muted")] if audio.muted else []
    blocks: list[Block] = [Pairs(rows)]
    if audio.silent_s >= 1:
        blocks.append(Text(f"silent for {audio.silent_s:.0f} s: is the microphone muted, or dead?", "warn"))
    return Answer(audio, tuple(blocks))


async def _mute(call: Invocation) -> Answer:
    return answer_of("audio mute", call.camera.mute(call.word("reason")), "silence is recorded until `audio unmute`")


async def _unmute(call: Invocation) -> Answer:
    return answer_of("audio unmute", call.camera.unmute(), "sound is recorded again")


def _meter(dbfs: float) -> str:
    """A bar from -60 dBFS to full scale."""
    filled = round(max(0.0, 1 + dbfs / _METER_DB) * _METER_CHARS)
    return "#" * filled + "." * (_METER_CHARS - filled)


_REASON = Parameter("reason", "the reason, kept with the recording", rest=True)

NOUN = Noun(
    "audio",
    "the microphone",
    (
        Verb("show", _show, "source, level of the last second"),
        Verb("mute", _mute, "record silence instead of sound", "service", (_REASON,)),
        Verb("unmute", _unmute, "record sound again", "service"),
    ),
)
