"""What a broker supports, as it announces at each connect, and the reason codes of its refusals (MQTT 5)."""

from dataclasses import dataclass, replace
from enum import IntEnum

from paho.mqtt.properties import Properties

from lapel.link.transport import Envelope

OVERHEAD_BYTES = 32
"""Fixed header, packet id and property names around topic, payload and correlation data."""


class ReasonCode(IntEnum):
    """The refusals that the camera acts on (MQTT 5.0, section 2.4)."""

    FIRST_FAILURE = 0x80
    NOT_AUTHORIZED = 0x87
    TOPIC_NAME_INVALID = 0x90
    PACKET_TOO_LARGE = 0x95
    QUOTA_EXCEEDED = 0x97
    PAYLOAD_FORMAT_INVALID = 0x99
    RETAIN_NOT_SUPPORTED = 0x9A
    QOS_NOT_SUPPORTED = 0x9B


PERMANENT = {ReasonCode.TOPIC_NAME_INVALID, ReasonCode.PACKET_TOO_LARGE, ReasonCode.PAYLOAD_FORMAT_INVALID}
"""Refusals of the message itself: the same one will never be accepted."""

_REMEDIES = {
    ReasonCode.NOT_AUTHORIZED: "let this camera publish there, in the broker's access list",
    ReasonCode.QUOTA_EXCEEDED: "raise the broker's limit for this camera",
}


def remedy(code: int) -> str:
    """What to do about a refused message."""
    return next((text for known, text in _REMEDIES.items() if known == code), "see the broker's log for the reason")


@dataclass(frozen=True, slots=True)
class BrokerLimits:
    """The limits of one broker. By default everything that MQTT permits."""

    max_bytes: int = 2**28
    max_qos: int = 2
    retains: bool = True

    @classmethod
    def announced(cls, properties: Properties | None) -> "BrokerLimits":
        """The limits in a CONNACK; MQTT 3.1.1 announces none."""
        default = cls()
        return cls(
            getattr(properties, "MaximumPacketSize", default.max_bytes),
            getattr(properties, "MaximumQoS", default.max_qos),
            bool(getattr(properties, "RetainAvailable", default.retains)),
        )

    def without_what(self, code: int) -> "BrokerLimits":
        """The limits that a refused CONNECT shows: a broker may announce them only when it accepts one."""
        match code:
            case ReasonCode.QOS_NOT_SUPPORTED:
                return replace(self, max_qos=0)
            case ReasonCode.RETAIN_NOT_SUPPORTED:
                return replace(self, retains=False)
            case _:
                return self

    def within(self, message: Envelope) -> Envelope:
        """The message with nothing that the broker does not support."""
        if message.qos <= self.max_qos and (self.retains or not message.retain):
            return message
        return replace(message, qos=min(message.qos, self.max_qos), retain=message.retain and self.retains)


def packet_bytes(message: Envelope) -> int:
    """Size of the message as a packet, at most."""
    correlation = message.correlation or b""
    return len(message.topic.encode()) + len(message.payload) + len(correlation) + OVERHEAD_BYTES
