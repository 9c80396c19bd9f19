"""The bundle of a camera's devices: what a missing device reads."""

from lapel.hardware.devices import Devices
from simulated_parts import RecordedIndicators


def test_a_camera_without_devices_reads_nothing_and_has_no_flags() -> None:
    devices = Devices(RecordedIndicators())
    assert (devices.charge(), devices.is_docked(), devices.last_fix(), devices.satellites()) == (None,) * 4
    assert devices.health_flags() == []
