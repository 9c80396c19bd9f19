"""Back ends in memory with the usual bugs."""

import json
from typing import Any


class Naive:
    """Believes every state, counts every event: what a first version looks like."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.kept: dict[str, list[str]] = {}

    def receive(self, topic: str, payload: bytes, retained: bool) -> None:
        _, _, _, site, camera, leaf = topic.split("/")
        name = f"{site}/{camera}"
        if leaf == "state" and payload:
            self.states[name] = json.loads(payload)["state"]
        if leaf == "event":
            self.kept.setdefault(name, []).append(json.loads(payload)["id"])

    def state(self, camera: str) -> Any:
        return self.states.get(camera)

    def events(self, camera: str) -> Any:
        return self.kept.get(camera, [])
