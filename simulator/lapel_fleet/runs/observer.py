"""An observer of a live run: gets each message that the control room receives, commands included."""

from collections.abc import Callable

from lapel.clock import Clock

OnInbound = Callable[[str, bytes], None]
"""Receives a message's topic and payload, in the event loop of the run."""
Observe = Callable[[str, Clock], OnInbound]
"""Makes the observer, once the agency and the clock of the run are known."""


def no_observer(_: str, __: Clock) -> OnInbound:
    """An `Observe` that ignores all messages."""
    return lambda _, __: None
