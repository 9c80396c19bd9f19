from pathlib import Path

from lapel.hardware.desktop.terminal import PlainIndicators
from lapel.service.host import POWER_OFF_FILE, request_power_off, service_indicators
from lapel.service.indicators import ServiceIndicators
from lapel.service.notify import ServiceManager


def test_a_camera_that_was_switched_off_asks_for_the_board_to_go_off(tmp_path: Path) -> None:
    request_power_off({})
    request_power_off({"RUNTIME_DIRECTORY": str(tmp_path)})
    assert [entry.name for entry in tmp_path.iterdir()] == [POWER_OFF_FILE]


def test_without_a_service_manager_lines_are_printed() -> None:
    assert isinstance(service_indicators(ServiceManager({}), "cam-0001", {}), PlainIndicators)
    manager = ServiceManager({"NOTIFY_SOCKET": "/run/systemd/notify"})
    assert isinstance(service_indicators(manager, "cam-0001", {}), ServiceIndicators)
