"""The interfaces between a camera and its fleet link: `Link`, used by the camera, and `LinkHost`, used by the link."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from lapel.errors import MessageError
from lapel.link.messages import Command, Outgoing, Reply, StateMessage


class LinkStatus(msgspec.Struct, frozen=True, gc=False):
    """Status of the link, for telemetry and the status line."""

    up: bool = False
    reason: str = ""
    """Why it is down; empty while it is up."""
    duplicate: str = ""
    """Session of another live camera with this camera's name; this link stays disconnected meanwhile. Else empty."""
    refused: str = ""
    """What the broker refuses to take from this camera, and why; empty while it takes everything."""
    events_waiting: int = 0
    events_dropped: int = 0
    not_persisted: str = ""
    """Why waiting events are in memory only; empty while they are on disk."""


class LinkHost(Protocol):
    """The camera as the link uses it. Called on the event loop; no method blocks."""

    def state_message(self) -> StateMessage:
        """The camera's current state message; its `session` never changes while the link runs."""

    def on_command(self, command: Command) -> None:
        """A command was received for the first time and may be carried out. Answer it with `publish(Reply(…))`; the
        *accepted* reply has been queued already, except for `status`.
        """

    def on_unfinished(self, reply: Reply) -> None:
        """An earlier session accepted this command and did not finish it; `reply` is its newest reply. Answer it."""

    def on_bad_command(self, error: MessageError) -> None:
        """An invalid command, or one that must not be carried out, was received. No reply has been sent."""

    def on_dropped(self, dropped: Mapping[str, int]) -> None:
        """The outbox was full: counts dropped since the previous call, by kind of event, or `reply`."""

    def on_refused(self, what: str, id_: str, reason: str) -> None:
        """The broker refuses to take messages of that kind (*state*, *event*, *reply*), which wait until it does; or,
        with an `id_`, that one message, which was set aside.
        """

    def on_link(self, up: bool, reason: str) -> None:
        """The link came up or went down, or is down for a new reason."""

    def on_duplicate(self, session: str) -> None:
        """Another live camera uses this camera's name, and this link stays away until the next `on_link(True, …)`.
        Called once for each such session.
        """


class Link(Protocol):
    """The connection to the fleet. A camera works the same with and without a connection."""

    async def run(self, host: LinkHost) -> None:
        """Connect, and reconnect for ever, until `close` or cancellation; both disconnect cleanly. Call it once."""

    def publish(self, message: Outgoing) -> None:
        """Queue the message. Never blocks, never raises. Of states and telemetry only the newest is sent, and telemetry
        only while the link is up; events and replies are kept, in order, until acknowledged.
        """

    def status(self) -> LinkStatus:
        """Status of the link."""

    async def close(self, reason: str) -> None:
        """Flush the outbox and publish the *offline* state, within a few seconds; `run` has returned afterwards."""


class NoLink:
    """A camera without a broker: it publishes nothing and receives no commands."""

    async def run(self, host: LinkHost) -> None:
        """Nothing to do."""

    def publish(self, message: Outgoing) -> None:
        """Discards the message."""

    def status(self) -> LinkStatus:
        """Down by choice."""
        return LinkStatus(reason="no broker configured")

    async def close(self, reason: str) -> None:
        """Nothing to end."""
