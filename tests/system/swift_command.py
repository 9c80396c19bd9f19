"""Runs one server of OpenStack Swift: `swift_command.py proxy|account|container|object CONFIGURATION`."""

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    role, configuration = sys.argv[1:]
    utils = importlib.import_module("swift.common.utils")
    utils.set_swift_dir(str(Path(configuration).parent))  # before anything reads /etc/swift
    sys.argv = [f"swift-{role}-server", configuration]
    module = "obj" if role == "object" else role
    sys.exit(importlib.import_module(f"swift.{module}.server").main())
