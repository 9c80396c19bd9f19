"""Brokers that are known to lose messages which they acknowledged."""

from collections.abc import Mapping

_LOSSES: Mapping[str, str] = {
    "amqtt": "amqtt loses QoS 1 messages in flight when a client reconnects (its issue 401)",
}


def delivery_loss(software: str) -> str:
    """Why `software`, a broker's name and version, may have lost messages; empty when it is not known to lose any."""
    return _LOSSES.get(software.partition(" ")[0].lower(), "")
