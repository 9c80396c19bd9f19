"""Expectations of a fleet's day as data: the `[[expect]]` tables of a scenario file.

    [[expect]]
    name = "every camera records once"
    what = "recordings"
    per = "camera"
    at_least = 1

Each is judged like a checker, and reports *skipped* without an occasion.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from lapel.config import suggestion
from lapel.errors import ConfigError
from lapel.link.messages import EventKind, EventMessage, StateMessage
from lapel_fleet.checkers.records import Case, ReceivedRecord
from lapel_fleet.checkers.registry import CHECKERS, Finding, delivery_loss
from lapel_fleet.checkers.renamed import RENAMED

Per = Literal["camera", "site", "fleet"]
_Limit = Annotated[float, Meta(ge=0)]


class Expectation(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One table: a metric, named by `what`, and its limits. `METRICS` lists the keys of each."""

    what: str
    """The metric: a key of `METRICS`."""
    name: str = ""
    """The name of the verdict; made of the other keys if empty."""
    per: Per = "fleet"
    """Whether the limit holds for each camera, for each site or for the fleet as a whole."""
    kind: str = ""
    """For `events`: count only events of this kind."""
    at_least: _Limit | None = None
    """The least count, or the least share (0 to 1)."""
    at_most: _Limit | None = None
    """The greatest count or share."""
    below_s: Annotated[float, Meta(gt=0)] | None = None
    """For times: the limit in seconds."""
    percentile: Annotated[float, Meta(gt=0, le=100)] = 100.0
    """For times: the percentage of them that must stay below the limit."""
    under_chaos: bool = False
    """Whether it also holds with the faults that `--chaos` adds. Without it such a run does not judge it."""

    @property
    def title(self) -> str:
        """Its name, or a name made of metric and limits."""
        limits = [f"{key} {getattr(self, key):g}" for key in ("at_least", "at_most", "below_s") if _is_set(self, key)]
        return self.name or " ".join(["expect", self.what, *([self.kind] if self.kind else []), *limits])


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric that an expectation can limit. `measure` returns a number for each occasion in one camera's case."""

    meaning: str
    keys: tuple[str, ...]
    measure: Callable[[Expectation, Case], Sequence[float]]
    combine: Literal["count", "share", "time"]
    needs_every_message: bool = False
    """Whether a lost event makes it wrong."""
    needs_its_end: bool = False
    """Whether it means something only at the end of the whole day."""

    @property
    def is_of_the_whole_day(self) -> bool:
        """Whether a shortened day does not tell."""
        return self.combine == "count" or self.needs_its_end


# -- metrics -----------------------------------------------------------------------------------------------------------


def _recordings(_: Expectation, case: Case) -> list[float]:
    return [1.0 for account in case[0].accounts if account.continues is None]


def _events(one: Expectation, case: Case) -> list[float]:
    ids = {event.id for event in case[1].events if one.kind in ("", event.kind)}
    return [1.0] * len(ids)


def _complete(_: Expectation, case: Case) -> list[float]:
    return [float(account.status == "complete") for account in case[0].accounts]


def _pre_event(_: Expectation, case: Case) -> list[float]:
    firsts = [account for account in case[0].accounts if account.prebuffer_configured_s and not account.continues]
    return [min(1.0, account.prebuffer_actual_s / account.prebuffer_configured_s) for account in firsts]


def _online(_: Expectation, case: Case) -> list[float]:
    """The share of the time from the first message received to the last."""
    received = case[1]
    if not received.arrivals:
        return []
    began_s, ended_s = received.arrivals[0].at_s, received.arrivals[-1].at_s
    return [1.0 - _offline_s(received, ended_s) / (ended_s - began_s)] if ended_s > began_s else []


def _offline_s(received: ReceivedRecord, ended_s: float) -> float:
    total_s, since_s = 0.0, None
    for one in received.arrivals:
        if isinstance(one.message, StateMessage):
            if since_s is not None:
                total_s += one.at_s - since_s
            since_s = one.at_s if one.message.state == "offline" else None
    return total_s if since_s is None else total_s + ended_s - since_s


def _start_latency(_: Expectation, case: Case) -> list[float]:
    """From the press or the command to the receipt of *recording-started*: its first fragment is on disk."""
    actual, received = case
    announced_s = {
        one.message.detail["recording"]: one.at_s
        for one in reversed(received.arrivals)
        if isinstance(one.message, EventMessage) and one.message.kind == "recording-started"
    }
    by_press = {account.trigger_time: account.recording for account in actual.accounts if not account.start.command}
    by_command = {account.start.command: account.recording for account in actual.accounts}
    started = [
        (one, by_command.get(one.command) if one.command else by_press.get(one.utc)) for one in actual.activations
    ]
    return [announced_s[recording] - one.at_s for one, recording in started if recording in announced_s]


def _offloaded(_: Expectation, case: Case) -> list[float]:
    """Each recording that has ended on a camera that offloads: whether its confirmation was announced."""
    actual, received = case
    confirmed = {event.detail["recording"] for event in received.events if event.kind == "recording-confirmed"}
    return [float(clip in confirmed) for clip in actual.contents]


_COUNT, _SHARE, _TIME = ("at_least", "at_most"), ("at_least", "at_most"), ("below_s", "percentile")
METRICS: Mapping[str, Metric] = {
    "recordings": Metric("Number of recordings; linked clips count as one.", _COUNT, _recordings, "count"),
    "events": Metric("Number of events received, without repeats.", ("kind", *_COUNT), _events, "count", True),
    "complete-share": Metric("Share of the clips that are complete.", _SHARE, _complete, "share"),
    "pre-event-share": Metric(
        "Share of the configured pre-event time that recordings have.", _SHARE, _pre_event, "share"
    ),
    "online-share": Metric("Share of its time that a camera was shown online.", _SHARE, _online, "share"),
    "offloaded-share": Metric(
        "Share of the clips that an evidence back end has confirmed; of cameras that offload.",
        _SHARE,
        _offloaded,
        "share",
        True,
        needs_its_end=True,
    ),
    "start-latency": Metric(
        "From the press or command to the receipt of *recording-started*.", _TIME, _start_latency, "time"
    ),
}


# -- reading -----------------------------------------------------------------------------------------------------------


def parsed(tables: object, origin: str) -> list[Expectation]:
    """The `[[expect]]` tables of the file `origin`. Raises ConfigError naming it, the key and what is allowed."""
    if not isinstance(tables, list):
        raise ConfigError(f"{origin}: expect: give tables, each headed by [[expect]]")
    wanted = [_one(table, f"{origin}: expect[{number}]") for number, table in enumerate(tables)]
    seen = {*CHECKERS, *RENAMED}
    for number, one in enumerate(wanted):
        if one.title in seen:
            raise ConfigError(f"{origin}: expect[{number}].name: `{one.title}` is in use; give it another name")
        seen.add(one.title)
    return wanted


def _one(table: object, where: str) -> Expectation:
    if not isinstance(table, dict):
        raise ConfigError(f"{where}: give a table, headed by [[expect]]")
    for key in table:
        if key not in Expectation.__struct_fields__:
            raise ConfigError(f"{where}.{key}: no such key{suggestion(key, Expectation.__struct_fields__)}")
    _require_known_metric(table, where)
    try:
        one = msgspec.convert(table, Expectation)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}") from error
    _require_matching_keys(one, table, where)
    return one


def _require_known_metric(table: Mapping[str, Any], where: str) -> None:
    what = table.get("what")
    if what is None:
        raise ConfigError(f"{where}.what: is missing; there are {', '.join(METRICS)}")
    if what not in METRICS:
        raise ConfigError(f"{where}.what = {what!r}: no such metric{suggestion(str(what), METRICS)}")
    kind = table.get("kind", "")
    if kind and kind not in get_args(EventKind):
        raise ConfigError(f"{where}.kind = {kind!r}: no such kind of event{suggestion(str(kind), get_args(EventKind))}")


def _require_matching_keys(one: Expectation, table: Mapping[str, Any], where: str) -> None:
    metric = METRICS[one.what]
    for key in table:
        if key not in ("what", "name", "per", "under_chaos", *metric.keys):
            raise ConfigError(f"{where}.{key}: does not apply to {one.what}; use {', '.join(metric.keys)}")
    limits = [key for key in metric.keys if key in ("at_least", "at_most", "below_s")]
    if not any(_is_set(one, key) for key in limits):
        raise ConfigError(f"{where}: sets no limit; add {' or '.join(limits)}")
    for key in limits:
        if metric.combine == "share" and _is_set(one, key) and getattr(one, key) > 1:
            raise ConfigError(f"{where}.{key} = {getattr(one, key):g}: a share is from 0 to 1")
    if one.at_least is not None and one.at_most is not None and one.at_least > one.at_most:
        raise ConfigError(f"{where}: at_least = {one.at_least:g} is more than at_most = {one.at_most:g}")


def _is_set(one: Expectation, key: str) -> bool:
    return getattr(one, key) is not None


# -- judging -----------------------------------------------------------------------------------------------------------


def judge_expectations(cases: Iterable[Case], expectations: Iterable[Expectation]) -> list[Finding]:
    """A finding for each expectation, as checkers have."""
    cases = list(cases)
    return [_judged(one, cases) for one in expectations]


def _judged(one: Expectation, cases: Sequence[Case]) -> Finding:
    metric, occasions, failures = METRICS[one.what], 0, []
    for group, members in _groups(one.per, cases).items():
        values = [value for case in members for value in metric.measure(one, case)]
        if values or (metric.combine == "count" and one.at_least is not None):
            occasions += 1
            if (failure := _failure(one, metric, values)) is not None:
                failures.append(f"{group}: {failure}")
    return Finding(one.title, occasions, failures, delivery_loss(cases) if metric.needs_every_message else "")


def _groups(per: Per, cases: Sequence[Case]) -> dict[str, list[Case]]:
    groups: dict[str, list[Case]] = {}
    for case in cases:
        camera = case[0].camera
        group = {"camera": camera, "site": camera.split("/")[0], "fleet": "fleet"}[per]
        groups.setdefault(group, []).append(case)
    return groups


def _failure(one: Expectation, metric: Metric, values: Sequence[float]) -> str | None:
    if metric.combine == "time":
        longest_s = _percentile(values, one.percentile)
        late = one.below_s is not None and longest_s >= one.below_s
        text = f"{one.what} is {longest_s:.3g} s at {one.percentile:g} %, below {one.below_s:g} s was expected"
        return text if late else None
    value = sum(values) if metric.combine == "count" else sum(values) / len(values)
    if one.at_least is not None and value < one.at_least:
        return f"{_name(one)}: {value:.4g}, at least {one.at_least:g} was expected"
    if one.at_most is not None and value > one.at_most:
        return f"{_name(one)}: {value:.4g}, at most {one.at_most:g} was expected"
    return None


def _name(one: Expectation) -> str:
    return f"{one.what} {one.kind}".strip()


def _percentile(values: Sequence[float], percentile: float) -> float:
    """The smallest value that at most the remaining percent exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(len(values) * percentile / 100) - 1)]
