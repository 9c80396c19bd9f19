"""What can be asked of `lapel-fleet run`, and what of it goes together."""

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from lapel.errors import ConfigError
from lapel_fleet.scenario import loading
from lapel_fleet.scenario.scenario import Scenario, shorten
from lapel_fleet.time.durations import seconds_of


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add all of it."""
    parser.add_argument("scenario", help=f"{', '.join(loading.shipped_scenarios())}, or a TOML file")
    time = parser.add_argument_group("time")
    time.add_argument("--virtual", action="store_true", help="in virtual time, on a broker in memory: nothing waits")
    time.add_argument("--stepped", action="store_true", help="time stands still until `lapel-fleet advance`")
    time.add_argument("--speed", type=float, default=1.0, metavar="X", help="live, so many times as fast as real time")
    time.add_argument("--run", metavar="ID", help="stepped or live: a name by which it can be steered meanwhile")
    rng = parser.add_argument_group("chance")
    rng.add_argument("--seed", type=int, help="replays a run; drawn and printed when not given")
    rng.add_argument("--chaos", action="store_true", help="faults drawn from the seed, beside the scenario's own")
    rng.add_argument("--for", dest="for_", metavar="TIME", help="seed after seed until one fails or 90s, 10m, 2h")
    rng.add_argument(
        "--shrink", type=Path, metavar="FILE", help="write the fewest faults and cameras that still fail there, as TOML"
    )
    who = parser.add_argument_group("cameras and broker")
    who.add_argument("--media", choices=("none", "clip", "pixels"), help="what cameras film, instead of the scenario's")
    who.add_argument("--clip", default="", metavar="FILE", help="live: a video of your own for media `clip`")
    who.add_argument("--evidence", default="", metavar="DIR", help="live: keep recordings with pictures there")
    who.add_argument("--duration", metavar="TIME", help="of the cameras' time, instead of the scenario's")
    who.add_argument("--shard", default="1/1", metavar="I/N", help="only every N-th camera, from the I-th on")
    who.add_argument(
        "--workers", type=int, default=0, metavar="N", help="live: processes (default: as many as it takes)"
    )
    who.add_argument("--broker", metavar="URL", help="live: somebody's broker instead of one of our own")
    who.add_argument("--ca", default="", help="file of the authority that signed the broker's certificate")
    who.add_argument("--identities", default="", metavar="DIR", help="as `lapel-fleet provision` makes them")
    who.add_argument("--agency", default="", help="first level of the cameras' topics (default: one of the run's own)")
    who.add_argument("--allow-plain", action="store_true", help="allow mqtt:// to other machines")
    told = parser.add_argument_group("results")
    told.add_argument("--checker", action="append", default=[], metavar="MODULE:FUNCTION", help="one of your own")
    told.add_argument("--trace", type=Path, metavar="FILE", help="write what happened there, a line each")
    told.add_argument("--junit", type=Path, metavar="FILE", help="write the verdicts there, as JUnit XML")
    told.add_argument("--report", type=Path, metavar="DIR", help="write a page with plots there, and the same as JSON")
    told.add_argument("--json", action="store_true", help="say the result as JSON, and nothing else")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    """Imports what a run needs only when there is to be one: who steers another one does not wait for that."""
    from lapel_fleet.cli.run_command import run

    return run(options)


def scenario_wanted(options: argparse.Namespace) -> Scenario:
    """The scenario, with what the options change. Raises ConfigError for options that do not go together."""
    wanted = loading.load(options.scenario)
    if options.virtual and (options.broker or options.identities):
        raise ConfigError(
            "--virtual with --broker: in virtual time a day passes in seconds, and no real broker can keep up: its "
            "time-outs would come before its answers. Run live (--speed X for faster), or leave --broker away"
        )
    _refuse_senseless(options)
    if options.shrink:
        _refuse_file(options.shrink, options)
    if options.virtual and options.speed != 1:
        raise ConfigError("--virtual with --speed: virtual time is as fast as it can be; leave one away")
    if not 0 < options.speed <= 1000:
        raise ConfigError(f"--speed {options.speed:g}: more than 0, at most 1000")
    if options.media:
        wanted = msgspec.structs.replace(wanted, media=options.media)
    if options.duration:
        wanted = shorten(wanted, seconds_of(options.duration, "--duration"))
    if options.virtual and wanted.media == "pixels":
        raise ConfigError('media "pixels" with --virtual: pictures are drawn in real time; run live, or use "clip"')
    return wanted


def _refuse_senseless(options: argparse.Namespace) -> None:
    """Raise ConfigError for options that mean nothing to those who steer."""
    for option, (others, why) in _SENSELESS.items():
        for other in others if _is_given(options, option) else ():
            if _is_given(options, other):
                raise ConfigError(f"--{option} with --{other.rstrip('_')}: {why}; leave one away")


def _refuse_file(path: Path, options: argparse.Namespace) -> None:
    """Raise ConfigError where a failing run cannot be shrunk into `path`."""
    if not options.virtual:
        raise ConfigError("--shrink without --virtual: only in virtual time does a run repeat exactly; add --virtual")
    if path.suffix != ".toml":
        raise ConfigError(f"--shrink {path}: name a TOML file, as in failing.toml")
    if path == Path(options.scenario):
        raise ConfigError(f"--shrink {path}: is the scenario itself; name another file")
    if not path.parent.is_dir():
        raise ConfigError(f"--shrink {path}: there is no folder {path.parent}")


_SENSELESS: Mapping[str, tuple[Sequence[str], str]] = {
    "stepped": (
        ("virtual", "speed", "chaos", "for_", "duration", "shard", "workers", "clip", "evidence"),
        "time stands still, and nobody acts by himself",
    ),
    "shrink": (("shard",), "cameras are left out one by one, from the whole fleet"),
    "run": (("virtual", "for_"), "nobody outside can keep up with such a run"),
}


def _is_given(options: argparse.Namespace, name: str) -> bool:
    usual = {"speed": 1.0, "shard": "1/1"}
    value = getattr(options, name)
    return bool(value != usual[name] if name in usual else value)


def shard_of(text: str) -> tuple[int, int]:
    """`2/4` as (1, 4)."""
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise ConfigError(f"--shard {text}: I/N is wanted, with I from 1 to N")
    return int(found[1]) - 1, int(found[2])
