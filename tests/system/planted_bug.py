"""A day in which a planted bug is found by a few of many seeds."""

from pathlib import Path

PLANTED_BUG = f"{Path(__file__).with_name('outbox_bug.py')}:no_finding"
"""For `--checker`: a file that plants it in the process that loads it."""
FOUND_BY = "state-changes-are-reported"


def searched_day(folder: Path) -> Path:
    """A scenario file: short, for hundreds of runs."""
    path = folder / "searched-day.toml"
    path.write_text(
        "duration_s = 200\ntelemetry_s = 60\nprebuffer_s = 5\n[sites]\nbaltimore = 2\n"
        "[wearer]\nactivations_per_hour = 60\nlength_s = [5, 20]\n"
    )
    return path


def replay_of_found(output: str) -> list[str]:
    """The arguments of the line that replays the first seed that found the bug."""
    found = output.index(FOUND_BY)
    return output[found:].partition("replay: lapel-fleet ")[2].partition("\n")[0].split()
