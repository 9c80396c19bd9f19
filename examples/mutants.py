"""Bugs planted in the example back end, one each: a conformance suite is as good as the bugs that it catches.

    lapel-fleet mutants examples/mutants.py

Write such a file for your own back end: `ORIGINAL` makes the back end as it is, `MUTANTS` has a maker for each bug, by
name. Each makes an object with `receive`, `stop`, `start` and the questions of a probe.
"""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from backend import BackEnd, Camera

Message = dict[str, Any]

# -- presence ----------------------------------------------------------------------------------------------------------


class LateWillsAreBelieved(Camera):
    """Believes every last will."""

    def _is_over(self, message: Message) -> bool:
        return "time" in message and super()._is_over(message)


class FormerSessionsAreBelieved(Camera):
    """Believes every state message that has a time."""

    def _is_over(self, message: Message) -> bool:
        return "time" not in message and super()._is_over(message)


class WillsAreIgnored(Camera):
    """Knows only the *offline* that a camera publishes itself."""

    def take_state(self, message: Message, *, retained: bool) -> None:
        if "time" in message:
            super().take_state(message, retained=retained)


class GoodbyesAreIgnored(Camera):
    """Takes only a last will for *offline*, not the camera's own message."""

    def take_state(self, message: Message, *, retained: bool) -> None:
        if message["state"] != "offline" or "time" not in message:
            super().take_state(message, retained=retained)


class NewSessionNeedsAWill(Camera):
    """Believes another session only once the live one is offline."""

    def _is_over(self, message: Message) -> bool:
        return self.is_online and message["session"] != self.session


class OnlyKnownStates(Camera):
    """Knows *recording*, *buffering* and *offline* only."""

    def take_state(self, message: Message, *, retained: bool) -> None:
        if message["state"] in ("recording", "buffering", "offline"):
            super().take_state(message, retained=retained)


class OfflineIsFinal(Camera):
    """A session that was offline once never comes back."""

    def _is_over(self, message: Message) -> bool:
        gone = self.state.get("state") == "offline" and message["session"] == self.session
        return gone or super()._is_over(message)


class StatesByWallClock(Camera):
    """Ignores a state message with an earlier time than the last one."""

    def _is_over(self, message: Message) -> bool:
        return str(message.get("time", "9")) < str(self.state.get("time", "")) or super()._is_over(message)


class ReplacedSessionNeverReturns(Camera):
    """A session that another one replaced is over for good."""

    def _is_over(self, message: Message) -> bool:
        return message["session"] in self.past or super()._is_over(message)


class TelemetryMeansOnline(BackEnd):
    """Takes the state from telemetry too."""

    def take(self, topic: str, payload: bytes, *, retained: bool) -> bool:
        used = super().take(topic, payload, retained=retained)
        if used and topic.endswith("/telemetry"):
            _, _, _, site, name, _ = topic.split("/")
            self.camera(f"{site}/{name}").state.update(json.loads(payload))
        return used


class StateFromEvents(BackEnd):
    """Takes the state from `state-changed` events too."""

    def take(self, topic: str, payload: bytes, *, retained: bool) -> bool:
        used = super().take(topic, payload, retained=retained)
        if used and topic.endswith("/event"):
            _, _, _, site, name, _ = topic.split("/")
            if "after" in (detail := json.loads(payload)["detail"]):
                self.camera(f"{site}/{name}").state["state"] = detail["after"]
        return used


class QuietIsOffline(BackEnd):
    """Shows a camera as offline when its last message is ten minutes older than the newest message of all."""

    newest = ""

    def take(self, topic: str, payload: bytes, *, retained: bool) -> bool:
        used = super().take(topic, payload, retained=retained)
        if used:
            time = json.loads(payload).get("time", "")
            self.newest = max(self.newest, time)
            _, _, _, site, name, _ = topic.split("/")
            self.camera(f"{site}/{name}").telemetry = {"last": time}
        return used

    def state(self, camera: str) -> str:
        last = self.camera(camera).telemetry.get("last", "")
        return "offline" if last[:15] < self.newest[:15] else super().state(camera)


# -- sessions ----------------------------------------------------------------------------------------------------------


class FirstSessionForEver(BackEnd):
    """Answers with the session of the camera's first event."""

    def session(self, camera: str) -> str:
        history = self.camera(camera).history()
        return str(history[0]["session"]) if history else super().session(camera)


class SessionFromLastEvent(BackEnd):
    """Takes the session of the event that arrived last for the live one."""

    def session(self, camera: str) -> str:
        events = list(self.camera(camera).events.values())
        return str(events[-1]["session"]) if events else super().session(camera)


# -- events ------------------------------------------------------------------------------------------------------------


class RepeatsAreCounted(Camera):
    """Keeps every event that arrives."""

    def take_event(self, message: Message) -> None:
        self.events[str(len(self.events))] = message


class ShortMemoryForRepeats(Camera):
    """Recognises a repeat only among the last twenty events."""

    def take_event(self, message: Message) -> None:
        recent = [event["id"] for event in list(self.events.values())[-20:]]
        if message["id"] not in recent:
            self.events[str(len(self.events))] = message


class RepeatsByNumber(Camera):
    """Takes an event of a new session for a repeat of the one with the same number."""

    def take_event(self, message: Message) -> None:
        self.events.setdefault(message["id"].rpartition("-")[2], message)


class OrderOfArrival(Camera):
    """Shows events as they came."""

    def history(self) -> list[Message]:
        return list(self.events.values())


class OrderByWallClock(Camera):
    """Sorts events by their time."""

    def history(self) -> list[Message]:
        return sorted(self.events.values(), key=lambda event: str(event["time"]))


class OrderById(Camera):
    """Sorts events by their id as text: 10 before 2."""

    def history(self) -> list[Message]:
        return sorted(super().history(), key=lambda event: str(event["id"]))


class OrderByMonotonicTimeAlone(Camera):
    """Sorts events by `mono_s`, across sessions."""

    def history(self) -> list[Message]:
        return sorted(self.events.values(), key=lambda event: float(event["mono_s"]))


class OldEventsAreDropped(Camera):
    """Keeps the newest thousand events."""

    def take_event(self, message: Message) -> None:
        super().take_event(message)
        while len(self.events) > 1000:
            del self.events[next(iter(self.events))]


# -- recordings --------------------------------------------------------------------------------------------------------


class RecordingsBy(BackEnd):
    """Takes other events than `recording-saved` for the end of a recording."""

    kinds: tuple[str, ...] = ()

    def recordings(self, camera: str) -> list[str]:
        found = [event for event in self.camera(camera).history() if event["kind"] in self.kinds]
        return list(dict.fromkeys(event["detail"]["recording"] for event in found))


class StartedIsComplete(RecordingsBy):
    """A recording that was started is complete."""

    kinds = ("recording-started",)


class RecoveredIsComplete(RecordingsBy):
    """A recording that was recovered is complete."""

    kinds = ("recording-saved", "recovered")


# -- names -------------------------------------------------------------------------------------------------------------


class RenamedTopics(BackEnd):
    """Files messages under another name than that of their topic."""

    def renamed(self, level: int, name: str) -> str:
        """What the topic's level becomes."""
        raise NotImplementedError

    def take(self, topic: str, payload: bytes, *, retained: bool) -> bool:
        levels = [self.renamed(number, level) for number, level in enumerate(topic.split("/"))]
        return super().take("/".join(levels), payload, retained=retained)


class SitesAreMerged(RenamedTopics):
    """Merges the cameras of one name at different sites; asked, it looks at the name alone."""

    def renamed(self, level: int, name: str) -> str:
        return "any" if level == 3 else name

    def camera(self, name: str) -> Camera:
        return super().camera(f"any/{name.partition('/')[2]}")


class CapitalsAreIgnored(BackEnd):
    """`CAM-0001` and `cam-0001` are one camera."""

    def camera(self, name: str) -> Camera:
        return super().camera(name.lower())


class NamesAreDecoded(RenamedTopics):
    """Decodes percent signs in names, as a web framework does with paths, and files with what is left."""

    def renamed(self, level: int, name: str) -> str:
        return unquote(name).replace("&", " ") if level == 4 else name


# -- restarts ----------------------------------------------------------------------------------------------------------


class ForgetsOnRestart(BackEnd):
    """Has no database."""

    def start(self, empty: bool) -> None:
        super().start(empty=True)


class DatabaseWins(BackEnd):
    """Takes a retained state for an old message, and applies the rules for late ones."""

    def take(self, topic: str, payload: bytes, *, retained: bool) -> bool:
        return super().take(topic, payload, retained=False)


class RetainedIsIgnored(BackEnd):
    """Drops retained messages: they are not live."""

    def take(self, topic: str, payload: bytes, *, retained: bool) -> bool:
        return not retained and super().take(topic, payload, retained=False)


# -- formats -----------------------------------------------------------------------------------------------------------


class StrictParser(BackEnd):
    """Refuses a message with a field that it does not know."""

    def take(self, topic: str, payload: bytes, *, retained: bool) -> bool:
        return b"x-nested" not in payload and super().take(topic, payload, retained=retained)


class UnknownKindsAreDropped(Camera):
    """Keeps only the kinds of event that it knows."""

    def take_event(self, message: Message) -> None:
        if not message["kind"].startswith("new-"):
            super().take_event(message)


class UnknownKindBlocksTheRest(Camera):
    """After an event of an unknown kind it keeps nothing more of that camera."""

    is_blocked = False

    def take_event(self, message: Message) -> None:
        self.is_blocked = self.is_blocked or message["kind"].startswith("new-")
        if not self.is_blocked:
            super().take_event(message)


class BrokenMessageBlocksTheCamera(BackEnd):
    """Takes nothing more of a camera that published something broken."""

    def __init__(self) -> None:
        self._blocked = Counter[str]()
        super().__init__()

    def take(self, topic: str, payload: bytes, *, retained: bool) -> bool:
        camera = "/".join(topic.split("/")[3:5])
        used = self._blocked[camera] < 3 and super().take(topic, payload, retained=retained)
        self._blocked[camera] += not used
        return used


class BrokenMessageEndsIt(BackEnd):
    """Raises on what is no JSON object."""

    def take(self, topic: str, payload: bytes, *, retained: bool) -> bool:
        dict(json.loads(payload))
        return super().take(topic, payload, retained=retained)


class LastLevelDecides(BackEnd):
    """Looks only at the last level of a topic, so that `event/state` is a state."""

    def take(self, topic: str, payload: bytes, *, retained: bool) -> bool:
        levels = topic.split("/")
        aliases = {"history": "state", "batch": "event", "live": "state"}
        return super().take("/".join([*levels[:5], aliases.get(levels[-1], levels[-1])]), payload, retained=retained)


class RepliesAreEvents(BackEnd):
    """Files replies as events: they have an id too."""

    def take(self, topic: str, payload: bytes, *, retained: bool) -> bool:
        used = super().take(topic, payload, retained=retained)
        if used and topic.endswith("/reply"):
            _, _, _, site, name, _ = topic.split("/")
            reply = {"session": "", "mono_s": 0.0, "kind": "reply", "detail": {}, **json.loads(payload)}
            self.camera(f"{site}/{name}").take_event(reply)
        return used


def _with(camera: type[Camera]) -> Callable[[], BackEnd]:
    """A maker of back ends whose cameras have a bug."""
    return type(camera.__name__, (BackEnd,), {"camera_type": camera, "__doc__": camera.__doc__})


CAMERA_BUGS: list[type[Camera]] = [
    LateWillsAreBelieved, FormerSessionsAreBelieved, WillsAreIgnored, GoodbyesAreIgnored, NewSessionNeedsAWill,
    OnlyKnownStates, OfflineIsFinal, StatesByWallClock,
    ReplacedSessionNeverReturns, RepeatsAreCounted, ShortMemoryForRepeats, RepeatsByNumber, OrderOfArrival,
    OrderByWallClock, OrderById, OrderByMonotonicTimeAlone, OldEventsAreDropped, UnknownKindsAreDropped,
    UnknownKindBlocksTheRest,
]  # fmt: skip
BACK_END_BUGS: list[Callable[[], BackEnd]] = [
    TelemetryMeansOnline, StateFromEvents, QuietIsOffline, FirstSessionForEver, SessionFromLastEvent, StartedIsComplete,
    RecoveredIsComplete, SitesAreMerged, CapitalsAreIgnored, NamesAreDecoded, ForgetsOnRestart, DatabaseWins,
    RetainedIsIgnored, StrictParser, BrokenMessageBlocksTheCamera, BrokenMessageEndsIt, LastLevelDecides,
    RepliesAreEvents,
]  # fmt: skip

ORIGINAL: Callable[[], BackEnd] = BackEnd
MUTANTS: dict[str, Callable[[], BackEnd]] = {
    maker.__name__: maker for maker in [*map(_with, CAMERA_BUGS), *BACK_END_BUGS]
}
