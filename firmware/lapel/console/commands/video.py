"""What the lens delivers."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Pairs


async def _show(call: Invocation) -> Answer:
    video = call.desk.video()
    rows = [
        ("source", video.source),
        ("pictures", f"none: {video.lost}" if video.lost else f"{video.fps:.1f} a second"),
    ]
    if video.last_frame_age_s is not None:
        rows.append(("last picture", f"{video.last_frame_age_s:.1f} s ago"))
    if video.unchanged_s:
        rows.append(("unchanged", f"for {video.unchanged_s:.0f} s"))
    rows.append(("dropped", f"{video.dropped_frames} since capturing began"))
    return Answer(video, (Pairs(rows),))


NOUN = Noun("video", "what the lens delivers", (Verb("show", _show, "rate, age of the last picture, losses"),))
