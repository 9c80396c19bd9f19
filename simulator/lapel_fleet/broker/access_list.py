"""The access list of a fleet's Mosquitto: which topics each identity may publish and subscribe to."""

from collections.abc import Iterable

from lapel.link.contract import LapelV1
from lapel_fleet.broker.identity import Identity


def access_list(cameras: Iterable[Identity], operators: Iterable[str]) -> str:
    """The text of Mosquitto's `acl_file`. A camera publishes its own messages and receives its own commands; operators
    receive everything and publish commands.

    Each identity has lines of its own: a pattern would trust whatever an identity contains in its name.
    """
    lines = ["# Made by lapel-fleet provision. Users that are not listed here have no access."]
    for one in cameras:
        root = LapelV1(one.agency, one.site, one.camera).state_topic.removesuffix("/state")
        lines += [
            "",
            f"user {one.common_name}",
            f"topic readwrite {root}/state",  # it watches its own state, to notice a duplicate name
            *(f"topic write {root}/{leaf}" for leaf in ("telemetry", "event", "reply", "reply/#")),
            f"topic read {root}/command",
        ]
    for name in operators:
        lines += ["", f"user operator/{name}", "topic read lapel/v1/#", "topic write lapel/v1/+/+/+/command"]
    return "\n".join(lines) + "\n"
