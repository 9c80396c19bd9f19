"""What each identity may publish and subscribe to."""

from lapel_fleet.broker.access_list import access_list
from lapel_fleet.broker.identity import Identity


def test_a_camera_may_publish_its_own_messages_and_receive_its_own_commands_only() -> None:
    lines = access_list([Identity("demo", "baltimore", "cam-0001")], ["fleet"]).splitlines()
    root = "lapel/v1/demo/baltimore/cam-0001"
    camera = lines[lines.index("user demo/baltimore/cam-0001") + 1 : lines.index("user operator/fleet") - 1]
    assert camera == [
        f"topic readwrite {root}/state",
        f"topic write {root}/telemetry",
        f"topic write {root}/event",
        f"topic write {root}/reply",
        f"topic write {root}/reply/#",
        f"topic read {root}/command",
    ]
