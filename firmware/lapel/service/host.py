"""The service manager's side of `lapel-camera run`: where its lines go, and how it asks for the board to go off."""

import sys
from collections.abc import Mapping
from pathlib import Path

from lapel.hardware.desktop.terminal import PlainIndicators
from lapel.hardware.interfaces import Indicators
from lapel.service.indicators import ServiceIndicators
from lapel.service.journal import Journal
from lapel.service.notify import ServiceManager

POWER_OFF_FILE = "power-off"
"""In the service's runtime folder: its presence asks the unit to switch the board off."""


def service_indicators(manager: ServiceManager, camera: str, environment: Mapping[str, str]) -> Indicators:
    """Indicators for a camera without a terminal: the journal's, where its output goes there, and else plain lines."""
    lines = PlainIndicators(sys.stdout)
    fields = {"SYSLOG_IDENTIFIER": "lapel-camera", "PRIORITY": "6", "LAPEL_CAMERA": camera}
    journal = Journal(fields) if environment.get("JOURNAL_STREAM") else None
    return ServiceIndicators(manager, journal, lines) if manager.is_there or journal is not None else lines


def request_power_off(environment: Mapping[str, str]) -> None:
    """Ask the unit to switch the board off. Harmless outside a service."""
    folder = environment.get("RUNTIME_DIRECTORY", "")
    if folder:
        (Path(folder) / POWER_OFF_FILE).touch()
