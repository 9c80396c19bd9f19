"""The command `lapel-camera policy`: what an agency's profile says, in words."""

import argparse
import json
from datetime import date

from lapel.errors import ConfigError
from lapel.policy.decision import Start, decide
from lapel.policy.profile import ACTIVITIES, CONTEXTS, SOURCES, STATES, Profile, load_profile, shipped_profiles
from lapel.policy.table import changes

_TODAY = "today"


def add_policy(parser: argparse.ArgumentParser) -> None:
    """Add the command's actions."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the profiles that come with Lapel, and their rules")
    listing.set_defaults(command=_list)
    check = actions.add_parser("check", help="check a profile's file")
    check.add_argument("profile", metavar="FILE")
    check.set_defaults(command=_check)
    _add_explain(actions.add_parser("explain", help="what a profile answers to a start, and by which rule"))
    difference = actions.add_parser("diff", help="the starts that two profiles decide differently")
    difference.add_argument("before", metavar="A")
    difference.add_argument("after", metavar="B")
    _add_date(difference)
    difference.add_argument("--json", action="store_true")
    difference.set_defaults(command=_diff)


def _add_explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", required=True, metavar="P", help="a shipped profile's name, or a file")
    parser.add_argument("--source", required=True, choices=SOURCES, help="who or what asks for the recording")
    parser.add_argument("--state", default="buffering", choices=STATES, help="state of the camera")
    parser.add_argument("--context", action="append", default=[], choices=CONTEXTS, help="a declared protected context")
    parser.add_argument("--activity", action="append", default=[], choices=ACTIVITIES, help="a declared activity")
    _add_date(parser)
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(command=_explain)


def _add_date(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--on", default=_TODAY, metavar="YYYY-MM-DD", help="the day (default: today)")


def _list(_: argparse.Namespace) -> int:
    for name in shipped_profiles():
        profile = load_profile(name)
        print(f"{name}: {profile.title}")
        for rule in profile.rules:
            print(f"    {rule.id}: {rule.text}")
    return 0


def _check(options: argparse.Namespace) -> int:
    profile = load_profile(options.profile)
    print(f"{options.profile}: valid, {len(profile.rules)} rules")
    return 0


def _explain(options: argparse.Namespace) -> int:
    on = _day(options.on)
    start = Start(options.source, options.state, options.context, options.activity, on)
    decision = decide(load_profile(options.profile), start)
    if options.json:
        duties = [{"rule": one.id, "start_within_s": one.start_within_s} for one in decision.duties]
        answer = {"answer": decision.answer, "rule": decision.rule, "reason": decision.reason, "duties": duties}
        print(json.dumps(answer))
        return 0
    print(f"{decision.answer}: {decision.reason}" + (f" (rule {decision.rule})" if decision.rule else ""))
    for duty in decision.duties:
        print(f"duty: a recording must start within {duty.start_within_s:g} s (rule {duty.id}): {duty.text}")
    return 0


def _diff(options: argparse.Namespace) -> int:
    before, after = load_profile(options.before), load_profile(options.after)
    found = list(changes(before, after, _day(options.on)))
    if options.json:
        print(json.dumps([
            {"source": start.source, "state": start.state, "contexts": list(start.contexts),
             "activities": list(start.activities), "before": old.answer, "after": new.answer,
             "rule_before": old.rule, "rule_after": new.rule}
            for start, old, new in found
        ]))  # fmt: skip
        return 0
    for start, old, new in found:
        what = ", ".join([start.source, start.state, *start.contexts, *start.activities])
        print(f"{what}: {_named(old.answer, old.rule)} -> {_named(new.answer, new.rule)}")
    print(_summary(before, after, len(found)))
    return 0


def _summary(before: Profile, after: Profile, count: int) -> str:
    return (
        f"{before.name} and {after.name} decide {count} starts differently"
        if count
        else "no start is decided differently"
    )


def _named(answer: str, rule: str) -> str:
    return f"{answer} ({rule})" if rule else answer


def _day(text: str) -> date:
    if text == _TODAY:
        from lapel.clock import SystemClock

        return SystemClock().now().utc.astimezone().date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"--on {text}: write a day as in 2026-11-27") from error
