"""The options of `lapel-fleet run`, and which of them exclude each other."""

import argparse
import re
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from lapel.errors import ConfigError
from lapel_fleet.cli.destination_options import add_destination_options
from lapel_fleet.scenario import loading
from lapel_fleet.scenario.offload import Offload
from lapel_fleet.scenario.scenario import Scenario, shorten
from lapel_fleet.time.durations import seconds_of


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `run`."""
    parser.add_argument("scenario", help=f"{', '.join(loading.shipped_scenarios())}, or a TOML file")
    time = parser.add_argument_group("time")
    time.add_argument("--virtual", action="store_true", help="in virtual time on a broker in memory, without waiting")
    time.add_argument("--stepped", action="store_true", help="time stands still until `lapel-fleet advance`")
    time.add_argument("--speed", type=float, default=1.0, metavar="X", help="live: multiple of real time")
    time.add_argument(
        "--run", metavar="ID", help="stepped or live: an ID to control the run with, see `lapel-fleet runs`"
    )
    randomness = parser.add_argument_group("randomness")
    randomness.add_argument("--seed", type=int, help="replays a run (default: random, and printed)")
    randomness.add_argument("--chaos", action="store_true", help="add faults drawn from the seed to the scenario's own")
    randomness.add_argument(
        "--for", dest="for_", metavar="TIME", help="run one seed after the other, until one fails or for 90s, 10m, 2h"
    )
    randomness.add_argument("--seeds", metavar="A-B", help="virtual: run all of these seeds, on all --workers")
    randomness.add_argument(
        "--shrink", type=Path, metavar="FILE", help="write the fewest faults and cameras that still fail there, as TOML"
    )
    fleet = parser.add_argument_group("cameras and broker")
    fleet.add_argument(
        "--media", choices=("none", "clip", "pixels"), help="what cameras film (default: the scenario's)"
    )
    fleet.add_argument("--clip", default="", metavar="FILE", help="live: your own video for media `clip`")
    fleet.add_argument("--evidence", default="", metavar="DIR", help="live: keep playable recordings in this folder")
    fleet.add_argument("--duration", metavar="TIME", help="of the day, in the cameras' time (default: the scenario's)")
    fleet.add_argument("--shard", default="1/1", metavar="I/N", help="only every N-th camera, from the I-th on")
    fleet.add_argument(
        "--workers", type=int, default=0, metavar="N",
        help="number of processes (default: virtual 1, live as many as needed)",
    )  # fmt: skip
    fleet.add_argument("--dask", metavar="URL", help="on the workers of the Dask scheduler at tcp://HOST:8786")
    fleet.add_argument("--broker", metavar="URL", help="live or stepped: your broker (default: an embedded one)")
    fleet.add_argument(
        "--bind-addresses", type=lambda text: text.split(","), default=[], metavar="IP,IP",
        help="live: connect from these addresses of this machine in turn; one has some 28,000 ports for one broker",
    )  # fmt: skip
    fleet.add_argument("--ca", default="", metavar="FILE", help="authority that signed the broker's certificate")
    fleet.add_argument("--identities", default="", metavar="DIR", help="certificates, made by `lapel-fleet provision`")
    fleet.add_argument(
        "--agency", default="",
        help="first level of the topics after lapel/v1 (default: `fleet`, or a random name on your broker)",
    )  # fmt: skip
    fleet.add_argument("--allow-plain", action="store_true", help="allow mqtt:// and http:// to other machines")
    fleet.add_argument(
        "--live", type=int, metavar="PORT", help="live, with media: show recordings in progress at this port over HTTP"
    )
    fleet.add_argument(
        "--live-tokens", type=Path, metavar="FILE",
        help="a line NAME TOKEN for each who may watch; made if it is not there (default: one token, printed)",
    )  # fmt: skip
    add_destination_options(parser)
    results = parser.add_argument_group("results")
    results.add_argument(
        "--checker", action="append", default=[], metavar="MODULE:FUNCTION", help="add your own checker"
    )
    results.add_argument("--trace", type=Path, metavar="FILE", help="write a line for each message and fault")
    results.add_argument("--junit", type=Path, metavar="FILE", help="write the verdicts as JUnit XML")
    results.add_argument("--report", type=Path, metavar="DIR", help="write a page with plots, and the same as JSON")
    results.add_argument(
        "--metrics", type=int, metavar="PORT", help="live: serve Prometheus metrics at http://127.0.0.1:PORT/metrics"
    )
    results.add_argument("--json", action="store_true", help="print the result as JSON, and nothing else")


def chosen_scenario(options: argparse.Namespace) -> Scenario:
    """The scenario as changed by the options. Raises ConfigError for options that exclude each other."""
    scenario = loading.load(options.scenario)
    if options.virtual and (options.broker or options.identities):
        raise ConfigError(
            "--virtual with --broker: in virtual time a day passes in seconds, and no real broker can keep up: cameras "
            "would time out before it answers. Run live (--speed X for faster), or leave out --broker"
        )
    _check_exclusions(options)
    _check_bind_addresses(options.bind_addresses)
    if options.shrink:
        _check_shrink(options.shrink, options)
    if options.seeds and not options.virtual:
        raise ConfigError("--seeds without --virtual: many runs in real time would take days; add --virtual")
    if options.workers < 0:
        raise ConfigError(f"--workers {options.workers}: at least 1")
    if options.virtual and options.speed != 1:
        raise ConfigError("--virtual with --speed: virtual time is always as fast as possible; leave out one of them")
    if not 0 < options.speed <= 1000:
        raise ConfigError(f"--speed {options.speed:g}: more than 0, at most 1000")
    if options.destination and scenario.offload is None:
        scenario = msgspec.structs.replace(scenario, offload=Offload())
    if options.media:
        scenario = msgspec.structs.replace(scenario, media=options.media)
    if options.duration:
        scenario = shorten(scenario, seconds_of(options.duration, "--duration"))
    if options.live is not None and scenario.media == "none":
        raise ConfigError("--live: the cameras film nothing; add --media clip or --media pixels")
    if options.dask and not options.virtual:
        _check_live_on_dask(options, scenario)
    if options.virtual and scenario.media == "pixels":
        raise ConfigError('media "pixels" with --virtual: frames are drawn in real time; run live, or use "clip"')
    return scenario


def _check_live_on_dask(options: argparse.Namespace, scenario: Scenario) -> None:
    """Raise ConfigError for what the workers of a cluster cannot reach."""
    if not options.broker:
        raise ConfigError("--dask live needs a broker that all workers reach: --broker URL; or add --virtual")
    if scenario.media != "none":
        raise ConfigError("--dask live has no media: recordings are judged as files of one machine; use --shard there")
    if scenario.offload is not None and not options.destination:
        raise ConfigError("--dask live needs an evidence system that all workers reach: --destination URL")


def _check_bind_addresses(addresses: Sequence[str]) -> None:
    """Raise ConfigError for one that is not an address of this machine."""
    for one in addresses:
        family = socket.AF_INET6 if ":" in one else socket.AF_INET
        try:
            with socket.socket(family) as probe:
                probe.bind((one, 0))
        except OSError as error:
            raise ConfigError(f"--bind-addresses {one}: is not an address of this machine: {error.strerror}") from error


def _check_exclusions(options: argparse.Namespace) -> None:
    """Raise ConfigError for a pair of options of which one has no effect with the other."""
    for option, (others, why) in _EXCLUSIONS.items():
        for other in others if _is_given(options, option) else ():
            if _is_given(options, other):
                names = (one.rstrip("_").replace("_", "-") for one in (option, other))
                raise ConfigError(f"--{' with --'.join(names)}: {why}; leave out one of them")


def _check_shrink(path: Path, options: argparse.Namespace) -> None:
    """Raise ConfigError if a failing run cannot be shrunk into `path`."""
    if not options.virtual:
        raise ConfigError("--shrink without --virtual: only in virtual time does a run repeat exactly; add --virtual")
    if path.suffix != ".toml":
        raise ConfigError(f"--shrink {path}: name a TOML file, as in failing.toml")
    if path == Path(options.scenario):
        raise ConfigError(f"--shrink {path}: is the scenario itself; name another file")
    if not path.parent.is_dir():
        raise ConfigError(f"--shrink {path}: there is no folder {path.parent}")


_EXCLUSIONS: Mapping[str, tuple[Sequence[str], str]] = {
    "stepped": (
        ("virtual", "speed", "chaos", "for_", "duration", "shard", "workers", "clip", "evidence"),
        "time stands still, and the scenario's wearers and faults are not used",
    ),
    "bind_addresses": (("virtual", "stepped"), "only live runs have connections by the thousand"),
    "shrink": (("shard",), "cameras are left out one by one, from the whole fleet"),
    "metrics": (("virtual", "stepped"), "metrics are scraped in real time"),
    "live": (("virtual", "stepped", "speed", "workers", "for_"), "video is watched in real time, from one process"),
    "destination": (
        ("virtual", "stepped", "speed"),
        "an evidence system needs real time: run live, or dock a camera of the pytest plugin's fleet",
    ),
    "seeds": (
        ("seed", "for_", "stepped", "shard", "shrink", "trace", "report"),
        "that is for one run; replay one of the seeds with it",
    ),
    "dask": (("workers", "stepped", "bind_addresses"), "the cluster has its own workers"),
    "run": (("virtual", "for_"), "such a run is too fast to be controlled from outside"),
}
"""Each option with those that it excludes, and why."""


def _is_given(options: argparse.Namespace, name: str) -> bool:
    defaults = {"speed": 1.0, "shard": "1/1"}
    value = getattr(options, name)
    if name in ("metrics", "live", "seed"):
        return value is not None  # 0 is a seed; and a port, too: any that is free
    return bool(value != defaults[name] if name in defaults else value)


def shard_of(text: str) -> tuple[int, int]:
    """`2/4` as (1, 4)."""
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise ConfigError(f"--shard {text}: give I/N, with I from 1 to N")
    return int(found[1]) - 1, int(found[2])


def seeds_of(text: str) -> range:
    """`1-200` as a range with both ends."""
    found = re.fullmatch(r"(\d+)-(\d+)", text)
    if found is None or int(found[1]) > int(found[2]):
        raise ConfigError(f"--seeds {text}: give the first and the last, as in 1-200")
    return range(int(found[1]), int(found[2]) + 1)
