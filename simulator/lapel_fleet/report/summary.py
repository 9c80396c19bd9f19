"""What is told of a run, as data: `--json` says it, `report.json` and the page hold it, the text is drawn from it.

Keys stay: none is removed, renamed or given another meaning under one `format`. Times are seconds; domain time counts
from the beginning of the run. Words that may come from strangers (names, reasons) are made plain.
"""

from collections.abc import Mapping, Sequence

import msgspec

from lapel.sanitize import plain
from lapel_fleet.checkers.records import ActualRecord, ReceivedRecord
from lapel_fleet.checkers.registry import Finding
from lapel_fleet.report.result import Result
from lapel_fleet.runs.measurement.samples import Bucket, Latencies, Samples
from lapel_fleet.scenario.faults import Fault

FORMAT = "lapel-fleet-report-1"
_REFUSALS = ("refused", "command-rejected")


class Checked(msgspec.Struct, frozen=True):
    """What one checker found."""

    name: str
    verdict: str
    """`passed`, `failed`, or `skipped`: it saw no occasion."""
    occasions: int
    failures: list[str]
    """Each begins with its camera, as `site/camera: `."""


class Spread(msgspec.Struct, frozen=True):
    """How long something took: half of the times and 99 in 100 were no longer than this, and none than `max_s`."""

    count: int
    p50_s: float
    p99_s: float
    max_s: float


class Rate(msgspec.Struct, frozen=True):
    """Messages of one kind."""

    count: int
    per_s: float
    """On average over domain time."""
    peak_per_s: float
    """In the busiest stretch; see `over_time`."""


class Site(msgspec.Struct, frozen=True):
    """One place."""

    site: str
    cameras: int
    recordings: int
    refusals: int
    """Things asked that a camera refused, or did not understand."""
    failures: int
    messages: int | None
    """None where nobody counted."""


class Mishap(msgspec.Struct, frozen=True):
    """Something that went wrong on purpose."""

    kind: str
    at_s: float
    for_s: float
    share: float
    where: list[str]
    """Sites and cameras that it was limited to; empty: everywhere."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A run in short."""

    format: str = FORMAT
    scenario: str
    verdict: str
    """`passed`, `failed`, or `inconclusive`: it proves nothing, whatever was found; `inconclusive` says why."""
    passed: bool
    inconclusive: list[str]
    seed: int
    time: str
    """`virtual`, `stepped` or `live`."""
    broker: str
    """Name and version, or `virtual`."""
    replay: str
    """The command that does it again."""
    cameras: int
    recordings: int
    messages: int
    domain_s: float
    """The cameras' time."""
    took_s: float
    """Real time."""
    trace_sha256: str
    trace_lines: int
    checkers: list[Checked]
    latencies: dict[str, Spread]
    """Of `commands` (from sending to end), `presses` (from the wish to the retained *recording*) and `lags` (of the
    event loop); those that were never measured are absent."""
    rates: dict[str, Rate]
    """Of `state`, `event`, `telemetry`, `reply`; empty where nobody counted."""
    sites: list[Site]
    faults: list[Mishap]

    @property
    def speed(self) -> float:
        """Domain time over real time."""
        return self.domain_s / self.took_s if self.took_s else 0.0


class Moment(msgspec.Struct, frozen=True):
    """One stretch of a run. What was not measured in it is null or empty."""

    start_s: float
    end_s: float
    messages_per_s: dict[str, float]
    latencies: dict[str, Spread]
    looked_s: float | None
    """When the following was so."""
    states: dict[str, int]
    battery_percent: list[int]
    """Of all cameras: the least charged, the tenth in a hundred, the median."""
    storage_percent: list[int]
    """Used, of all cards: the median, the ninetieth in a hundred, the fullest."""


def summarise(result: Result) -> Summary:
    """The run in short."""
    run = result.run
    return Summary(
        scenario=plain(result.scenario),
        verdict=result.verdict,
        passed=result.passed,
        inconclusive=[plain(reason) for reason in run.inconclusive],
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
        checkers=checked(result.findings),
        latencies=_overall(run.samples) if run.samples else {},
        rates=_rates(run.samples) if run.samples else {},
        sites=_sites(result),
        faults=[_mishap(fault) for fault in result.faults],
    )


def checked(findings: Sequence[Finding]) -> list[Checked]:
    """What each checker found, fit to be told."""
    return [
        Checked(plain(one.checker), one.verdict, one.occasions, [plain(failure) for failure in one.failures])
        for one in findings
    ]


def as_json(result: Result) -> str:
    """The summary on one line."""
    return msgspec.json.encode(summarise(result)).decode()


def over_time(samples: Samples) -> list[Moment]:
    """The run, stretch by stretch."""
    return [_moment(bucket, samples.length_s(number)) for number, bucket in enumerate(samples.buckets)]


def _moment(bucket: Bucket, length_s: float) -> Moment:
    states: dict[str, int] = {}
    for counts in bucket.states.values():
        for state, count in counts.items():
            states[state] = states.get(state, 0) + count
    return Moment(
        start_s=bucket.start_s,
        end_s=bucket.start_s + length_s,
        messages_per_s={kind: _per_s(count, length_s) for kind, count in bucket.messages.items()},
        latencies=_spreads({"commands": bucket.commands, "presses": bucket.presses, "lags": bucket.lags}),
        looked_s=bucket.sampled_s,
        states=states,
        battery_percent=_known([bucket.batteries.percentile(one) for one in (0, 10, 50)]),
        storage_percent=_known([bucket.storage.percentile(one) for one in (50, 90, 100)]),
    )


def _overall(samples: Samples) -> dict[str, Spread]:
    return _spreads({"commands": samples.overall("commands"), "presses": samples.overall("presses"),
                     "lags": samples.overall("lags")})  # fmt: skip


def _spreads(latencies: Mapping[str, Latencies]) -> dict[str, Spread]:
    return {name: spread for name, one in latencies.items() if (spread := _spread(one)) is not None}


def _spread(latencies: Latencies) -> Spread | None:
    p50_s, p99_s = latencies.percentile_s(50), latencies.percentile_s(99)
    if p50_s is None or p99_s is None:
        return None
    return Spread(latencies.count, round(p50_s, 6), round(p99_s, 6), round(latencies.max_s, 6))


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
    failures = [failure.partition("/")[0] for finding in result.findings for failure in finding.failures]
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


def _mishap(fault: Fault) -> Mishap:
    return Mishap(plain(fault.kind), fault.at_s, fault.for_s, fault.share, [*fault.sites, *fault.cameras])
