"""The summary of a run as data: `--json` prints it, `report.json` contains it, text and page are made from it.

Keys stay: none is removed, renamed or given another meaning under one `format`. Times are in seconds; domain time, the
cameras' own, counts from the start of the run. Names and reasons may come from other programs and are made printable.
"""

from collections.abc import Mapping, Sequence

import msgspec

from lapel.sanitize import plain
from lapel_fleet.cameras.backlog import Backlog
from lapel_fleet.checkers.records import ActualRecord, ReceivedRecord
from lapel_fleet.checkers.registry import Finding
from lapel_fleet.checkers.renamed import former_name
from lapel_fleet.report.result import Result
from lapel_fleet.runs.measurement.samples import Bucket, Latencies, Samples
from lapel_fleet.scenario.faults import Fault

FORMAT = "lapel-fleet-report-1"
_REFUSALS = ("refused", "command-rejected")


class CheckerResult(msgspec.Struct, frozen=True):
    """The finding of one checker."""

    name: str
    verdict: str
    """`passed`, `failed`, `skipped` (no occasion), or `inconclusive` (whatever failed, it proves nothing)."""
    occasions: int
    failures: list[str]
    """Each begins with its camera, as `site/camera: `."""
    inconclusive: str = ""
    """Why it proves nothing; empty when it does."""
    former_name: str = ""
    """The name of the checker in the release before; empty when it was not renamed."""


class LatencyStats(msgspec.Struct, frozen=True):
    """How long something took: the median, the 99th percentile and the maximum."""

    count: int
    p50_s: float
    p99_s: float
    max_s: float


class Rate(msgspec.Struct, frozen=True):
    """The number of messages of one kind."""

    count: int
    per_s: float
    """On average over domain time."""
    peak_per_s: float
    """In the busiest interval of `over_time`."""


class Site(msgspec.Struct, frozen=True):
    """The figures of one site."""

    site: str
    cameras: int
    recordings: int
    refusals: int
    """Requests and commands that a camera refused or rejected."""
    failures: int
    """Of checkers whose verdict is *failed*."""
    messages: int | None
    """None when they were not counted."""


class InjectedFault(msgspec.Struct, frozen=True):
    """A fault that was injected into the run."""

    kind: str
    at_s: float
    for_s: float
    share: float
    where: list[str]
    """The sites and cameras that it was limited to; empty: all of them."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The summary of a run."""

    format: str = FORMAT
    scenario: str
    verdict: str
    """`passed`, `failed`, or `inconclusive`: the run cannot prove that all is well."""
    passed: bool
    inconclusive: list[str]
    """The reasons for that verdict; empty for another one."""
    seed: int
    time: str
    """`virtual`, `stepped` or `live`."""
    broker: str
    """Name and version, or `virtual`."""
    replay: str
    """The command that repeats the run."""
    cameras: int
    recordings: int
    messages: int
    domain_s: float
    """The cameras' time."""
    took_s: float
    """Real time."""
    trace_sha256: str
    trace_lines: int
    checkers: list[CheckerResult]
    latencies: dict[str, LatencyStats]
    """Of `commands` (from sending to the final reply), `presses` (from press to retained *recording*) and `lags` (of
    the event loop); what was not measured is absent."""
    rates: dict[str, Rate]
    """Of `state`, `event`, `telemetry`, `reply`; empty when they were not counted."""
    sites: list[Site]
    faults: list[InjectedFault]
    notes: list[str] = []
    """What happened to the workers of the run without changing its result."""

    @property
    def speed(self) -> float:
        """Domain time over real time."""
        return self.domain_s / self.took_s if self.took_s else 0.0


class Interval(msgspec.Struct, frozen=True):
    """One interval of a run. What was not measured in it is null or empty."""

    start_s: float
    end_s: float
    messages_per_s: dict[str, float]
    latencies: dict[str, LatencyStats]
    looked_s: float | None
    """When the following figures were sampled."""
    states: dict[str, int]
    battery_percent: list[int]
    """Charge over all cameras: minimum, 10th percentile, median."""
    storage_percent: list[int]
    """Used space over all storage cards: median, 90th percentile, maximum."""
    uploaded_bytes_per_s: float
    """What the evidence back end has stored."""
    backlog: Backlog | None
    """Recordings that it has not confirmed, and their bytes that have not arrived."""


def summarise(result: Result) -> Summary:
    """The summary of a run."""
    run = result.run
    return Summary(
        scenario=plain(result.scenario),
        verdict=result.verdict,
        passed=result.passed,
        inconclusive=[plain(reason) for reason in result.inconclusive],
        seed=run.seed,
        time=run.time,
        broker=plain(run.broker),
        replay=plain(result.replay),
        cameras=len(run.cases),
        recordings=sum(len(actual.accounts) for actual, _ in run.cases),
        messages=run.messages,
        domain_s=round(run.domain_s, 3),
        took_s=round(result.took_s, 3),
        trace_sha256=run.trace_sha256,
        trace_lines=run.trace_lines,
        checkers=checker_results(result.findings),
        latencies=_overall(run.samples) if run.samples else {},
        rates=_rates(run.samples) if run.samples else {},
        sites=_sites(result),
        faults=[_injected_fault(fault) for fault in result.faults],
        notes=[plain(note) for note in run.notes],
    )


def checker_results(findings: Sequence[Finding]) -> list[CheckerResult]:
    """The findings as printable data."""
    return [
        CheckerResult(
            plain(one.checker),
            one.verdict,
            one.occasions,
            [plain(failure) for failure in one.failures],
            plain(one.inconclusive),
            former_name(one.checker),
        )
        for one in findings
    ]


def as_json(result: Result) -> str:
    """The summary on one line."""
    return msgspec.json.encode(summarise(result)).decode()


def over_time(samples: Samples) -> list[Interval]:
    """The run, interval by interval."""
    return [_interval(bucket, samples.length_s(number)) for number, bucket in enumerate(samples.buckets)]


def _interval(bucket: Bucket, length_s: float) -> Interval:
    states: dict[str, int] = {}
    for counts in bucket.states.values():
        for state, count in counts.items():
            states[state] = states.get(state, 0) + count
    return Interval(
        start_s=bucket.start_s,
        end_s=bucket.start_s + length_s,
        messages_per_s={kind: _per_s(count, length_s) for kind, count in bucket.messages.items()},
        latencies=_all_stats({"commands": bucket.commands, "presses": bucket.presses, "lags": bucket.lags}),
        looked_s=bucket.sampled_s,
        states=states,
        battery_percent=_known([bucket.batteries.percentile(one) for one in (0, 10, 50)]),
        storage_percent=_known([bucket.storage.percentile(one) for one in (50, 90, 100)]),
        uploaded_bytes_per_s=_per_s(bucket.uploaded_bytes, length_s),
        backlog=bucket.backlog,
    )


def _overall(samples: Samples) -> dict[str, LatencyStats]:
    return _all_stats(
        {
            "commands": samples.overall("commands"),
            "presses": samples.overall("presses"),
            "lags": samples.overall("lags"),
        }
    )


def _all_stats(latencies: Mapping[str, Latencies]) -> dict[str, LatencyStats]:
    return {name: stats for name, one in latencies.items() if (stats := _stats(one)) is not None}


def _stats(latencies: Latencies) -> LatencyStats | None:
    p50_s, p99_s = latencies.percentile_s(50), latencies.percentile_s(99)
    if p50_s is None or p99_s is None:
        return None
    return LatencyStats(latencies.count, round(p50_s, 6), round(p99_s, 6), round(latencies.max_s, 6))


def _rates(samples: Samples) -> dict[str, Rate]:
    kinds = dict.fromkeys(kind for bucket in samples.buckets for kind in bucket.messages)
    return {kind: _rate(samples, kind) for kind in sorted(kinds)}


def _rate(samples: Samples, kind: str) -> Rate:
    counts = [bucket.messages.get(kind, 0) for bucket in samples.buckets]
    peak_per_s = max(_per_s(count, samples.length_s(number)) for number, count in enumerate(counts))
    return Rate(sum(counts), _per_s(sum(counts), samples.until_s), peak_per_s)


def _per_s(count: int, length_s: float) -> float:
    return round(count / length_s, 3) if length_s else 0.0


def _known(values: list[int | None]) -> list[int]:
    return [value for value in values if value is not None]


def _sites(result: Result) -> list[Site]:
    by_site: dict[str, list[tuple[ActualRecord, ReceivedRecord]]] = {}
    for case in result.run.cases:
        by_site.setdefault(case[0].camera.partition("/")[0], []).append(case)
    failed = [one for one in result.findings if one.verdict == "failed"]
    failures = [failure.partition("/")[0] for one in failed for failure in one.failures]
    messages = result.run.samples.messages_by_site if result.run.samples else None
    return [
        Site(
            site=plain(site),
            cameras=len(cases),
            recordings=sum(len(actual.accounts) for actual, _ in cases),
            refusals=sum(event.kind in _REFUSALS for _, received in cases for event in received.events),
            failures=failures.count(site),
            messages=None if messages is None else messages.get(site, 0),
        )
        for site, cases in by_site.items()
    ]


def _injected_fault(fault: Fault) -> InjectedFault:
    return InjectedFault(plain(fault.kind), fault.at_s, fault.for_s, fault.share, [*fault.sites, *fault.cameras])
