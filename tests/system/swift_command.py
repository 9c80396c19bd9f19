"""Runs a server of OpenStack Swift, or one round of an updater:
`swift_command.py proxy|account|container|object|container-updater|object-updater CONFIGURATION`.
"""

import importlib
import sys
from pathlib import Path


def _run_updater(module: str, configuration: str) -> None:
    daemons = {"obj": "ObjectUpdater", "container": "ContainerUpdater"}
    updater = getattr(importlib.import_module(f"swift.{module}.updater"), daemons[module])
    importlib.import_module("swift.common.daemon").run_daemon(updater, configuration, once=True)


if __name__ == "__main__":
    role, configuration = sys.argv[1:]
    utils = importlib.import_module("swift.common.utils")
    utils.set_swift_dir(str(Path(configuration).parent))  # before anything reads /etc/swift
    server, _, updater = role.partition("-")
    module = "obj" if server == "object" else server
    if updater:
        _run_updater(module, configuration)
    else:
        sys.argv = [f"swift-{role}-server", configuration]
        sys.exit(importlib.import_module(f"swift.{module}.server").main())
