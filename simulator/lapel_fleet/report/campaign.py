"""The report on a campaign, one run for each of many seeds: as text, JSON and JUnit."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import msgspec

from lapel_fleet.report.formatting import counted
from lapel_fleet.report.junit import write_suite
from lapel_fleet.report.result import Result, Verdict

FORMAT = "lapel-fleet-campaign-1"
_CHECKERS_SHOWN = 3


class FailedSeed(msgspec.Struct, frozen=True):
    """A seed whose run did not pass."""

    seed: int
    verdict: str
    checkers: list[str]
    """Those that failed."""
    first_failure: str
    replay: str
    """The command that repeats the run."""


class CampaignSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The summary of a campaign. Keys stay, as those of a run's `Summary` do."""

    format: str = FORMAT
    scenario: str
    verdict: str
    seeds: int
    passed: int
    not_passed: list[FailedSeed]
    """In the order of the seeds."""
    messages: int
    domain_s: float
    """The cameras' time, all runs together."""
    took_s: float
    """Real time."""
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Campaign:
    """The results of all seeds."""

    scenario: str
    """As the user named it: a name or a file."""
    results: Sequence[Result]
    took_s: float
    """Real time."""
    notes: Sequence[str] = ()

    @property
    def verdict(self) -> Verdict:
        """*Failed* if one run did, *inconclusive* if none failed and one was."""
        verdicts = {one.verdict for one in self.results}
        return next((one for one in ("failed", "inconclusive") if one in verdicts), "passed")


def failed_seed(result: Result) -> FailedSeed:
    """What is reported of a run that did not pass."""
    failed = [one for one in result.findings if one.verdict == "failed"]
    return FailedSeed(
        result.run.seed,
        result.verdict,
        [one.checker for one in failed],
        failed[0].failures[0] if failed else next(iter(result.inconclusive), ""),
        result.replay,
    )


def summarise_campaign(campaign: Campaign) -> CampaignSummary:
    """The summary of a campaign."""
    return CampaignSummary(
        scenario=campaign.scenario,
        verdict=campaign.verdict,
        seeds=len(campaign.results),
        passed=sum(one.passed for one in campaign.results),
        not_passed=[failed_seed(one) for one in campaign.results if not one.passed],
        messages=sum(one.run.messages for one in campaign.results),
        domain_s=round(sum(one.run.domain_s for one in campaign.results), 3),
        took_s=round(campaign.took_s, 3),
        notes=list(campaign.notes),
    )


def seed_as_text(seed: FailedSeed) -> str:
    """A run that did not pass, on three lines: what failed, its first failure, and how to replay it."""
    more = len(seed.checkers) - _CHECKERS_SHOWN
    checkers = ", ".join(seed.checkers[:_CHECKERS_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f"seed {seed.seed} {seed.verdict.upper()}: {checkers}\n  {seed.first_failure}\n  replay: {seed.replay}"


def campaign_as_text(campaign: Campaign) -> str:
    """The last lines of a campaign: notes, and how many seeds have which verdict."""
    verdicts = Counter(one.verdict for one in campaign.results)
    counts = ", ".join(f"{verdicts[one]:,} {one}" for one in ("passed", "failed", "inconclusive") if verdicts[one])
    summary = summarise_campaign(campaign)
    return "\n".join([
        *(f"note: {note}" for note in campaign.notes),
        f"{counted(summary.seeds, 'seed')}: {counts}; {counted(summary.messages, 'message')} in {summary.took_s:.1f} s",
    ])  # fmt: skip


def campaign_as_json(campaign: Campaign) -> str:
    """The summary on one line."""
    return msgspec.json.encode(summarise_campaign(campaign)).decode()


def write_campaign_junit(path: Path, campaign: Campaign) -> None:
    """Write one test case for each seed. Raises StorageError when the file cannot be written."""
    suite = ElementTree.Element(
        "testsuite", name=f"lapel-fleet.{campaign.scenario}", tests=str(len(campaign.results)),
        failures=str(sum(one.verdict == "failed" for one in campaign.results)),
        errors=str(sum(one.verdict == "inconclusive" for one in campaign.results)),
        time=str(round(campaign.took_s, 3)),
    )  # fmt: skip
    for result in campaign.results:
        case = ElementTree.SubElement(suite, "testcase", classname="lapel-fleet", name=f"seed {result.run.seed}")
        if not result.passed:
            seed = failed_seed(result)
            kind = "failure" if result.verdict == "failed" else "error"
            ElementTree.SubElement(case, kind, message=seed.first_failure).text = seed_as_text(seed)
    write_suite(path, suite)
