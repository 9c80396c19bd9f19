"""The summary as text for a terminal, at most a screenful."""

from collections.abc import Iterator

from lapel_fleet.report.formatting import counted, latency, rate, span
from lapel_fleet.report.result import Result
from lapel_fleet.report.summary import CheckerResult, Summary, summarise

_SHOWN, _WIDTH = 3, 160
_SITES = 8
_LATENCIES = {"commands": "command to final reply", "presses": "start to retained state", "lags": "event loop lag"}


def as_text(result: Result) -> str:
    """The verdicts with their occasions and failures, the measurements, and how to replay the run."""
    summary = summarise(result)
    text = [
        *(line for one in summary.checkers for line in lines(one)),
        *_sites(summary),
        *(f"  {_LATENCIES[name]:<24}{_latency(summary, name)}" for name in summary.latencies),
        *_rates(summary),
        f"{counted(summary.cameras, 'camera')}, {counted(summary.recordings, 'recording')}, "
        f"{counted(summary.messages, 'message')}; {span(summary.domain_s)} ({summary.time}, broker: {summary.broker}) "
        f"in {summary.took_s:.1f} s ({summary.speed:.0f} times real time)",
        f"trace sha256 {summary.trace_sha256} ({summary.trace_lines} lines)",
        *(f"note: {note}" for note in summary.notes),
        *(f"inconclusive: {reason}" for reason in summary.inconclusive),
        f"{summary.verdict if summary.passed else summary.verdict.upper()}; replay: {summary.replay}",
    ]
    return "\n".join(text)


def lines(checker: CheckerResult) -> Iterator[str]:
    """The verdict of a checker with its occasions, and its first failures."""
    yield f"  {checker.verdict:<12}{checker.occasions:>9,}  {checker.name}"
    for failure in checker.failures[:_SHOWN]:
        yield f"{'':25}{_cut(failure)}"
    if len(checker.failures) > _SHOWN:
        yield f"{'':25}… and {len(checker.failures) - _SHOWN} more"


def _sites(summary: Summary) -> Iterator[str]:
    """A table of the sites if there are several; those with failures first."""
    if len(summary.sites) < 2:
        return
    yield f"  {'site':<24}{'cameras':>9}{'recordings':>12}{'refusals':>10}{'failures':>10}{'messages':>11}"
    for site in sorted(summary.sites, key=lambda one: -one.failures)[:_SITES]:
        messages = "" if site.messages is None else f"{site.messages:,}"
        yield (
            f"  {site.site:<24}{site.cameras:>9,}{site.recordings:>12,}{site.refusals:>10,}{site.failures:>10,}"
            f"{messages:>11}"
        )
    if len(summary.sites) > _SITES:
        yield f"  … and {len(summary.sites) - _SITES} more sites"


def _latency(summary: Summary, name: str) -> str:
    stats = summary.latencies[name]
    most, times = latency(stats.max_s), f"{stats.count:,} times"
    return f"p50 {latency(stats.p50_s)}, p99 {latency(stats.p99_s)}, at most {most} ({times})"


def _rates(summary: Summary) -> Iterator[str]:
    if summary.rates:
        each = (f"{kind} {rate(one.per_s)} (peak {rate(one.peak_per_s)})" for kind, one in summary.rates.items())
        yield f"  {'messages per second':<24}{', '.join(each)}"


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
