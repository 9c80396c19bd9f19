"""A back end that only listens: what was heard of each camera."""

from collections.abc import Callable, Sequence

import msgspec

from lapel_fleet.checkers.records import ReceivedRecord
from lapel_fleet.runs.trace import Trace


class ReceivedMessages:
    """Takes in everything that the cameras of a run publish, in the order of its coming."""

    def __init__(
        self,
        names: Sequence[str],
        trace: Trace,
        now_s: Callable[[], float],
        *,
        keeps_time: bool = True,
        telemetry_every_s: float = 0.0,
    ) -> None:
        """`names` are those of the cameras, as `site/camera`; what others say is passed over. Without `keeps_time`
        nothing says when things were heard: where time jumps, what comes over a socket comes at no time.
        """
        self.received = {
            name: ReceivedRecord(keeps_time=keeps_time, telemetry_every_s=telemetry_every_s) for name in names
        }
        self.messages = 0
        self.strange: list[str] = []
        """What did not fit the contract, by its topic."""
        self.recordings = 0
        """How many were announced."""
        self.on_message: list[Callable[[str, str, ReceivedRecord], None]] = []
        """Who is told the camera's name, the last level of the topic, and what was heard of it with this."""
        self._trace, self._now_s = trace, now_s

    def hear(self, topic: str, payload: bytes) -> None:
        """Somebody published this."""
        *_, site, camera, leaf = topic.split("/")
        received = self.received.get(f"{site}/{camera}")
        if received is None or leaf == "command":
            return
        self.messages += 1
        try:
            received.add(self._now_s(), leaf, payload)
        except msgspec.MsgspecError:
            self.strange.append(topic)
            return
        self._trace.add(self._now_s(), topic, payload.decode())
        if leaf == "event" and received.events[-1].kind == "recording-started":
            self.recordings += 1
        for told in self.on_message:
            told(f"{site}/{camera}", leaf, received)

    def is_online(self, name: str) -> bool:
        """Whether the camera was last heard to be there."""
        state = self.received[name].state
        return state is not None and state.state != "offline"

    def is_recording(self, name: str) -> bool:
        """Whether the camera was last heard to record."""
        state = self.received[name].state
        return state is not None and state.state == "recording"
