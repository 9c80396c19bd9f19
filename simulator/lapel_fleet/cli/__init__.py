"""The command `lapel-fleet`: its parser, `run` with all options, `provision`, the demonstration."""

from lapel_fleet.cli.main import main

__all__ = ["main"]
