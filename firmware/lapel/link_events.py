"""What a camera does when its link reports something."""

from collections.abc import Callable, Mapping

from lapel.errors import MessageError
from lapel.link.event_details import DuplicateName, EventsDropped, PublishRefused
from lapel.link.interface import Link
from lapel.link.messages import Command, Reply, StateMessage
from lapel.remote_commands import RemoteCommands
from lapel.reporter import Reporter


class LinkEvents:
    """Implements `lapel.link.interface.LinkHost` for one camera."""

    __slots__ = ("_link", "_on_command", "_remote", "_reporter", "_state_message", "_update_flags")

    def __init__(
        self,
        link: Link,
        reporter: Reporter,
        remote: RemoteCommands,
        *,
        state_message: Callable[[], StateMessage],
        on_command: Callable[[Command], None],
        update_flags: Callable[[], None],
    ) -> None:
        self._link, self._reporter, self._remote = link, reporter, remote
        self._state_message, self._on_command, self._update_flags = state_message, on_command, update_flags

    def state_message(self) -> StateMessage:
        """See `LinkHost.state_message`."""
        return self._state_message()

    def on_command(self, command: Command) -> None:
        """See `LinkHost.on_command`."""
        self._on_command(command)

    def on_unfinished(self, reply: Reply) -> None:
        """A command that an earlier session accepted and did not finish: its restart, or cut short by one."""
        self._remote.resume(reply)

    def on_bad_command(self, error: MessageError) -> None:
        """Answer it if it can be answered; log and publish it in any case."""
        self._reporter.reject(error)

    def on_dropped(self, dropped: Mapping[str, int]) -> None:
        """Publish what was given up, so that a gap in the events is explained."""
        self._reporter.announce(f"events given up: {dict(dropped)}", "error")
        self._reporter.emit(EventsDropped(counts=dropped))

    def on_refused(self, what: str, id_: str, reason: str) -> None:
        """Publish it once the broker takes it, and set the flag."""
        self._reporter.announce(f"the broker refuses {f'{what} {id_}' if id_ else f'every {what}'}: {reason}", "error")
        self._reporter.emit(PublishRefused(what=what, id=id_, reason=reason))
        self._update_flags()

    def on_link(self, up: bool, reason: str) -> None:
        """The camera works the same either way."""
        self._reporter.announce("link up" if up else f"link down: {reason}")

    def on_duplicate(self, session: str) -> None:
        """Another camera uses our name. A flag and an event, but no fault: anyone who can publish on our state topic
        can claim to be one, and the network must not take the recording button from the wearer.
        """
        self._reporter.announce(self._link.status().reason, "error")
        self._reporter.emit(DuplicateName(session=session))
        self._update_flags()
