"""Runs `lapel-fleet policy-diff`."""

import argparse
import sys
from typing import TextIO

import msgspec

from lapel.clock import SystemClock
from lapel.errors import ConfigError
from lapel.policy.profile import load_profile
from lapel_fleet import report
from lapel_fleet.cli.policy_diff import text
from lapel_fleet.cli.policy_diff.comparison import Comparison, compare
from lapel_fleet.cli.policy_diff.day import DayJob, comparable
from lapel_fleet.cli.policy_diff.outcomes import Outcome
from lapel_fleet.runs.parallel.local_pool import local_pool
from lapel_fleet.runs.parallel.pool import JobProgress, Pool
from lapel_fleet.scenario.loading import load
from lapel_fleet.scenario.scenario import Scenario, shorten
from lapel_fleet.time.durations import seconds_of


def policy_diff(options: argparse.Namespace, out: TextIO) -> int:
    """Run it. Raises ConfigError for an unknown profile or scenario."""
    if options.workers < 1:
        raise ConfigError(f"--workers {options.workers}: give 1 or more")
    profiles = load_profile(options.profiles[0]), load_profile(options.profiles[1])
    scenario = load(options.scenario)
    if options.duration:
        scenario = shorten(scenario, seconds_of(options.duration, "--duration"))
    scenario = comparable(scenario)
    with (
        local_pool(options.workers) as pool,
        report.progress(sys.stderr, SystemClock(), quiet=options.json) as progress,
    ):
        days = _days(scenario, options.profiles, options.seed, pool, progress)
    names = options.profiles[0], options.profiles[1]
    comparison = compare(options.scenario, options.seed, scenario.duration_s, profiles, names, days)
    _refuse_empty(comparison)
    print(text.as_json(comparison) if options.json else text.as_text(comparison), file=out, flush=True)
    if options.html:
        text.write_page(options.html, comparison)
    return 0


def _refuse_empty(one: Comparison) -> None:
    if not one.total[0].encounters:
        raise ConfigError(f"{one.scenario}: no encounter ends within {one.duration_s:g} s; give a longer --duration")


def _days(
    scenario: Scenario, profiles: list[str], seed: int, pool: Pool, progress: report.Progress
) -> tuple[list[Outcome], list[Outcome]]:
    """The outcomes of the day under each of the two profiles."""
    parts = max(1, pool.size // 2)
    jobs = [
        DayJob(msgspec.structs.replace(scenario, policy=profile), seed, (part, parts))
        for profile in profiles
        for part in range(parts)
    ]
    shares = dict.fromkeys(range(len(jobs)), 0.0)

    def show(number: int, now: JobProgress) -> None:
        shares[number] = now.share
        progress.update(sum(shares.values()) / len(shares), now.domain_s, now.states, now.messages, now.recordings)

    results = dict(pool.results(jobs, show))
    ordered = [results[number] for number in range(len(jobs))]
    return [one for part in ordered[:parts] for one in part], [one for part in ordered[parts:] for one in part]
