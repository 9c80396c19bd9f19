"""`lapel-fleet run --seeds A-B`: one virtual run for each seed, on all workers, and one report."""

import argparse
import sys

from lapel.clock import Clock
from lapel_fleet import report
from lapel_fleet.cli.replay import replay_options
from lapel_fleet.cli.run_options import seeds_of
from lapel_fleet.report import campaign
from lapel_fleet.report.formatting import counted
from lapel_fleet.report.result import Verdict
from lapel_fleet.runs.parallel.campaign import SeedJob, SeedResult
from lapel_fleet.runs.parallel.pool import JobProgress, Pool
from lapel_fleet.scenario.scenario import Scenario


def run_campaign(options: argparse.Namespace, scenario: Scenario, pool: Pool, clock: Clock) -> Verdict:
    """Run all seeds, print each that does not pass, and write the report. Returns the verdict."""
    seeds = seeds_of(options.seeds)
    jobs = [SeedJob(scenario, seed, options.chaos, tuple(options.checker)) for seed in seeds]
    if not options.json:
        cameras = counted(len(scenario.cameras), "camera")
        print(f"{options.scenario}: {counted(len(jobs), 'seed')}, {cameras} each", flush=True)
    began_s, results = clock.mono_s(), dict[int, report.Result]()
    with report.progress(sys.stderr, clock, quiet=options.json) as progress:
        showing = _Showing(len(jobs), progress)
        for number, done in pool.results(jobs, showing.update):
            results[number] = _result(options, done)
            showing.add(results[number])
            if not results[number].passed and not options.json:
                print(campaign.seed_as_text(campaign.failed_seed(results[number])), flush=True)
    ordered = [results[number] for number in range(len(jobs))]
    whole = campaign.Campaign(options.scenario, ordered, clock.mono_s() - began_s, list(pool.notes))
    print(campaign.campaign_as_json(whole) if options.json else campaign.campaign_as_text(whole), flush=True)
    if options.junit:
        campaign.write_campaign_junit(options.junit, whole)
    return whole.verdict


class _Showing:
    """Shows the progress of a campaign: how many seeds have which verdict."""

    def __init__(self, count: int, progress: report.Progress) -> None:
        self._count, self._progress = count, progress
        self._verdicts: dict[str, int] = {}
        self._domain_s, self._messages = 0.0, 0

    def add(self, result: report.Result) -> None:
        """A seed is done."""
        self._verdicts[result.verdict] = self._verdicts.get(result.verdict, 0) + 1
        self._domain_s += result.run.domain_s
        self._messages += result.run.messages
        share = sum(self._verdicts.values()) / self._count
        self._progress.update(share, self._domain_s, self._verdicts, self._messages, 0)

    def update(self, number: int, progress: JobProgress) -> None:
        """The progress within a seed's run is not shown."""


def _result(options: argparse.Namespace, done: SeedResult) -> report.Result:
    return report.Result(
        scenario=options.scenario, run=done.run, findings=done.findings, took_s=0.0, options=replay_options(options)
    )
