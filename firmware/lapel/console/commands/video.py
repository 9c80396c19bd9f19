"""The video source."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Pairs


async def _show(call: Invocation) -> Answer:
    video = call.camera.video()
    rows = [
        ("source", video.source),
        ("frames", f"none: {video.lost}" if video.lost else f"{video.fps:.1f} per second"),
    ]
    if video.last_frame_age_s is not None:
        rows.append(("last frame", f"{video.last_frame_age_s:.1f} s ago"))
    if video.unchanged_s:
        rows.append(("unchanged", f"for {video.unchanged_s:.0f} s"))
    rows.append(("dropped", f"{video.dropped_frames} since capturing started"))
    return Answer(video, (Pairs(rows),))


NOUN = Noun("video", "the video source", (Verb("show", _show, "frame rate, age of the last frame, dropped frames"),))
