"""A link that somebody may listen in on: the console does, from whenever a technician comes."""

from collections.abc import Callable

from lapel.link.interface import Link, LinkHost, LinkStatus
from lapel.link.messages import Outgoing


class Tap:
    """Implements `lapel.link.interface.Link` by another one."""

    __slots__ = ("_link", "heard")

    def __init__(self, link: Link, heard: Callable[[Outgoing], bool] | None = None) -> None:
        """`heard` is told everything that is said, first, and whether it is for the fleet, too, is its answer."""
        self._link, self.heard = link, heard

    async def run(self, host: LinkHost) -> None:
        """See `Link.run`."""
        await self._link.run(host)

    def publish(self, message: Outgoing) -> None:
        """See `Link.publish`."""
        if self.heard is None or self.heard(message):
            self._link.publish(message)

    def status(self) -> LinkStatus:
        """See `Link.status`."""
        return self._link.status()

    async def close(self, reason: str) -> None:
        """See `Link.close`."""
        await self._link.close(reason)
