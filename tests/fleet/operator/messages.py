"""Messages of cameras, for tests of the operator's commands."""

from typing import Any

from lapel.link.messages import Reply, StateMessage

NOW = "2026-11-24T07:00:31.250Z"


def state(camera: str, doing: str = "buffering", **more: Any) -> StateMessage:
    site, name = camera.split("/")
    fields = {"flags": [], "time": NOW, "since": NOW, "session": "s1", "firmware": "0.1.0", **more}
    return StateMessage(state=doing, agency="demo", site=site, camera=name, **fields)  # type: ignore[arg-type]


def reply(id_: str, result: str = "done", **more: Any) -> Reply:
    return Reply(id=id_, command="status", result=result, state="buffering", time=NOW, **more)  # type: ignore[arg-type]
