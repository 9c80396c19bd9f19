"""A link whose outgoing messages can be intercepted: the console reads them while a technician is attached."""

from collections.abc import Callable, Coroutine
from typing import Any

from lapel.link.interface import Link, LinkHost, LinkStatus
from lapel.link.messages import Outgoing


class Tap:
    """Implements `lapel.link.interface.Link` by forwarding to another one."""

    __slots__ = ("_link", "intercept")

    def __init__(self, link: Link, intercept: Callable[[Outgoing], bool] | None = None) -> None:
        """`intercept` gets each outgoing message first, and returns whether it is published to the fleet, too."""
        self._link, self.intercept = link, intercept

    def run(self, host: LinkHost) -> Coroutine[Any, Any, None]:
        """See `Link.run`."""
        return self._link.run(host)

    def publish(self, message: Outgoing) -> None:
        """See `Link.publish`."""
        if self.intercept is None or self.intercept(message):
            self._link.publish(message)

    def status(self) -> LinkStatus:
        """See `Link.status`."""
        return self._link.status()

    async def close(self, reason: str) -> None:
        """See `Link.close`."""
        await self._link.close(reason)
