"""What a subscriber received from each camera of a run."""

from collections.abc import Callable, Sequence

import msgspec

from lapel_fleet.checkers.records import ReceivedRecord
from lapel_fleet.runs.trace import Trace


class ReceivedMessages:
    """The messages of a run's cameras, in the order in which they arrived."""

    def __init__(
        self,
        names: Sequence[str],
        trace: Trace,
        now_s: Callable[[], float],
        *,
        keeps_time: bool = True,
        telemetry_every_s: float = 0.0,
    ) -> None:
        """`names`: the cameras, as `site/camera`; messages from others are ignored. `keeps_time`: whether the time of
        arrival is recorded; in stepped time a message that comes over a socket has none.
        """
        self.received = {
            name: ReceivedRecord(keeps_time=keeps_time, telemetry_every_s=telemetry_every_s) for name in names
        }
        self.messages = 0
        self.invalid: list[str] = []
        """Topics of messages that do not fit the contract."""
        self.recordings = 0
        """Number of recordings announced."""
        self.on_message: list[Callable[[str, str, ReceivedRecord], None]] = []
        """Called with the camera's name, the last level of the topic, and the camera's record with this message."""
        self._trace, self._now_s = trace, now_s

    def receive(self, topic: str, payload: bytes) -> None:
        """Add a message. Commands are ignored."""
        *_, site, camera, leaf = topic.split("/")
        received = self.received.get(f"{site}/{camera}")
        if received is None or leaf == "command":
            return
        self.messages += 1
        try:
            received.add(self._now_s(), leaf, payload)
        except msgspec.MsgspecError:
            self.invalid.append(topic)
            return
        self._trace.add(self._now_s(), topic, payload.decode())
        if leaf == "event" and received.events[-1].kind == "recording-started":
            self.recordings += 1
        for callback in self.on_message:
            callback(f"{site}/{camera}", leaf, received)

    def is_online(self, name: str) -> bool:
        """Whether the camera's last state message is not *offline*."""
        state = self.received[name].state
        return state is not None and state.state != "offline"

    def is_recording(self, name: str) -> bool:
        """Whether the camera's last state message is *recording*."""
        state = self.received[name].state
        return state is not None and state.state == "recording"
