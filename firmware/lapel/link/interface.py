"""What a camera needs of a link to its fleet, and what a link needs of the camera."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from lapel.errors import MessageError
from lapel.link.messages import Command, Outgoing, Reply, StateMessage


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """How the link stands, for telemetry and the status line."""

    up: bool = False
    reason: str = ""
    """Why it is down; empty while it is up."""
    duplicate: str = ""
    """Session of another live camera that uses our name, for which this link stands aside; empty otherwise."""
    refused: str = ""
    """What the broker refuses to take from this camera, and why; empty while it takes everything."""
    events_waiting: int = 0
    events_dropped: int = 0
    not_persisted: str = ""
    """Why waiting events are in memory only; empty while they are on disk."""


class LinkHost(Protocol):
    """The camera, as its link sees it. Called on the event loop; nothing here blocks."""

    def state_message(self) -> StateMessage:
        """What the camera would say of itself right now; its `session` never changes while the link runs."""

    def on_command(self, command: Command) -> None:
        """A command came in that may be carried out, for the first time. Answer it with `publish(Reply(…))`; unless it
        is `status`, that it was accepted has been answered already.
        """

    def on_unfinished(self, reply: Reply) -> None:
        """An earlier session accepted this command and did not end it; `reply` is the last that was said. Answer it."""

    def on_bad_command(self, error: MessageError) -> None:
        """An invalid command, or one that must not be carried out, was received. No reply has been sent."""

    def on_dropped(self, dropped: Mapping[str, int]) -> None:
        """The outbox was full: so many were given up since this was last said, by kind of event, or `reply`."""

    def on_refused(self, what: str, id_: str, reason: str) -> None:
        """The broker refuses to take messages of that kind (*state*, *event*, *reply*), which wait until it does; or,
        with an `id_`, that one message, which was set aside.
        """

    def on_link(self, up: bool, reason: str) -> None:
        """The link came up or went down, or is down for a new reason."""

    def on_duplicate(self, session: str) -> None:
        """Another live camera uses our name, and this link stands aside until the next `on_link(True, …)`. Called once
        for each such session.
        """


class Link(Protocol):
    """The line to the fleet. A camera works the same whether anyone is at the other end or not."""

    async def run(self, host: LinkHost) -> None:
        """Connect, and reconnect for ever, until `close` or cancellation; either says goodbye first. Once only."""

    def publish(self, message: Outgoing) -> None:
        """Say it when possible. Never blocks, never raises. Of states and telemetry only the newest counts, and
        telemetry only while the link is up; events and replies are kept, in order, until acknowledged.
        """

    def status(self) -> LinkStatus:
        """How the link stands."""

    async def close(self, reason: str) -> None:
        """Send what waits and say goodbye, as far as a few seconds allow; `run` has returned afterwards."""


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
