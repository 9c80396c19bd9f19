"""A comparison as text, JSON and a web page."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import fill

import msgspec

from lapel.errors import StorageError
from lapel_fleet.cli.policy_diff.comparison import Comparison, Difference, Totals
from lapel_fleet.report.formatting import counted
from lapel_fleet.report.markup import node
from lapel_fleet.report.page_frame import framed_page, table

_HEAD = (
    "site", "profile", "encounters", "asked for", "covered", "starts refused", "cut short", "left to the wearer",
    "not attested", "duties missed",
)  # fmt: skip
_WIDTH = 120
NOTES = (
    "encounters: what wearers came upon; asked for: those in which a recording was requested, by a person or a sensor.",
    "covered: those that were recorded, at least in part; cut short: those whose recording ended before they did.",
    "left to the wearer: the wearer was asked to attest by a second press; not attested: and did not press.",
)


def as_json(comparison: Comparison) -> str:
    """For programs."""
    return msgspec.json.format(msgspec.json.encode(comparison), indent=2).decode()


def as_text(comparison: Comparison) -> str:
    """For a terminal."""
    rows = [_HEAD, *_rows(comparison)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [f"{_title(comparison)}\n"]
    for row in rows:
        cells = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines += ["", *NOTES, ""]
    for profile in dict.fromkeys(comparison.profiles):
        lines.append(f"Under {profile}, and not under {_other(comparison, profile)}:")
        lines += [
            fill(one, _WIDTH, initial_indent="  * ", subsequent_indent="    ") for one in _words(comparison, profile)
        ]
        lines.append("")
    return "\n".join(lines).rstrip()


def write_page(path: Path, comparison: Comparison) -> None:
    """A web page. Raises StorageError when it cannot be written."""
    content = [
        node("h1", _title(comparison)),
        table("What came of the encounters", _HEAD, list(_rows(comparison)), first_number=2),
        *(node("p", note) for note in NOTES),
    ]
    for profile in dict.fromkeys(comparison.profiles):
        content.append(node("h2", f"Under {profile}, and not under {_other(comparison, profile)}"))
        content.append(node("ul", *(node("li", one) for one in _words(comparison, profile))))
    try:
        path.write_text(framed_page(_title(comparison), *content), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error.strerror}") from error


def _title(one: Comparison) -> str:
    return f"{one.scenario}, {one.duration_s / 3600:.3g} h, seed {one.seed}: {one.profiles[0]} and {one.profiles[1]}"


def _other(one: Comparison, profile: str) -> str:
    return one.profiles[1] if profile == one.profiles[0] else one.profiles[0]


def _rows(one: Comparison) -> Iterator[tuple[str, ...]]:
    for site, both in [*one.sites.items(), ("total", one.total)]:
        for number, profile in enumerate(one.profiles):
            yield (site if number == 0 else "", profile, *map(str, _numbers(both[number])))


def _numbers(one: Totals) -> tuple[int, ...]:
    return (
        one.encounters, one.requested, one.covered, one.refused, one.cut_short, one.left_to_wearer, one.not_attested,
        one.duties_missed,
    )  # fmt: skip


def _words(one: Comparison, profile: str) -> list[str]:
    if one.profiles[0] == one.profiles[1]:
        return ["nothing: it is the same profile"] if not one.differences else ["the days differ: this is a bug"]
    return [_sentence(each) for each in one.differences if each.profile == profile] or ["nothing"]


def _sentence(one: Difference) -> str:
    rule = f", by {one.rule}: {one.sentence}" if one.rule else ", as a consequence"
    return f"{counted(one.count, 'encounter')}: {one.what}{rule}"
