"""What an evidence back end received from a camera: the input of the checkers of offload.

It can come from any back end that lists what it stored and when; the built-in one keeps it during a run.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

ObjectKind = Literal["clip", "key", "bookmark", "trail", "other"]
Step = Literal["begun", "stored", "described", "completed", "receipt", "refused"]


@dataclass(frozen=True, slots=True)
class Upload:
    """A request that changed something at the back end, or that it refused."""

    at_s: float
    """When it was answered, on the run's time line."""
    step: Step
    """*begun*: the container of a recording; *stored*: an object in it; *described*: metadata of either; *completed*:
    the camera's word that nothing more will come; *receipt*: given to the camera; *refused*: see `status`.
    """
    container: str
    name: str = ""
    """Of an object; empty for the container itself."""
    recording: str = ""
    """Lapel's id of the recording, as the container's metadata has it by now."""
    clip: str = ""
    """Lapel's id of the clip of which the object is a file."""
    md5: str = ""
    size_bytes: int = 0
    status: int = 0
    """HTTP status of the answer."""
    receipt: bytes = b""
    """The line of a receipt that was given to the camera."""
    is_lost: bool = False
    """The answer did not reach the camera, which may repeat the request."""


def kind_of(name: str) -> ObjectKind:
    """The kind of an object, by the naming of the Axis Body worn integration API."""
    if name.endswith(".key"):
        return "key"
    if name.startswith("bookmark_"):
        return "bookmark"
    if name.endswith("_gpstrail.json"):
        return "trail"
    return "clip" if name.endswith((".mp4", ".mkv")) else "other"


def uploads_by_camera(uploads: Iterable[Upload], cameras: Mapping[str, str]) -> dict[str, list[Upload]]:
    """The uploads of each camera. `cameras`: by the id of a clip. A container belongs to the camera whose clip is named
    by it, or by an object in it; one that names none is left out.
    """
    uploads = list(uploads)
    owners: dict[str, str] = {}
    for one in uploads:
        camera = cameras.get(one.clip) or cameras.get(one.recording)
        if camera is not None and one.step != "receipt":
            owners.setdefault(one.container, camera)
    found: dict[str, list[Upload]] = {}
    for one in uploads:
        camera = cameras.get(one.clip) or cameras.get(one.recording) or owners.get(one.container)
        if camera is not None:
            found.setdefault(camera, []).append(one)
    return found
