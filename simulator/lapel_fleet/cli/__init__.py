"""The command `lapel-fleet`: its parser, `run` with its options, the demonstration."""

from lapel_fleet.cli.main import main

__all__ = ["main"]
