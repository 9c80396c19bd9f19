"""The ledger of a day as people read it: lines, a table for spreadsheets, a picture."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from html import escape

from lapel.evidence.ledger import REASONS, Ledger, Reason, Span, sums_of
from lapel.sanitize import plain_cell

_COLOURS: dict[Reason, str] = {
    "recorded": "#c62828",
    "no-frames": "#f9a825",
    "buffering": "#2e7d32",
    "asleep": "#5e7ba8",
    "docked": "#8d6e63",
    "starting": "#b0bec5",
    "fault": "#6a1b9a",
    "off-by-button": "#90a4ae",
    "off-by-battery": "#546e7a",
    "off": "#cfd8dc",
    "deleted": "#ff00c8",
    "unknown": "#000000",
}
_WIDTH, _ROW, _LEFT, _TOP = 960, 18, 60, 40


def text_of(ledger: Ledger, title: str, zone: tzinfo) -> str:
    """The sheet as lines."""
    lines = [title, ""]
    lines += [
        f"{_clock(span.start, zone)}  {_length(span.seconds):>10}  {span.reason:<14} {span.detail}"
        for span in ledger.spans
    ]
    if ledger.notes:
        lines += ["", *(f"{_clock(note.at, zone)}  {note.text}" for note in ledger.notes)]
    lines += ["", *_sum_lines(ledger)]
    return "\n".join(lines)


def csv_of(ledger: Ledger, zone: tzinfo) -> str:
    """The spans as a table: start, end, seconds, reason, detail, recording."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["start", "end", "seconds", "reason", "detail", "recording"])
    for span in ledger.spans:
        start, end = (one.astimezone(zone).isoformat() for one in (span.start, span.end))
        row = [start, end, f"{span.seconds:.3f}", span.reason, span.detail, span.recording]
        table.writerow([plain_cell(one) for one in row])
    return out.getvalue()


def svg_of(ledger: Ledger, title: str, zone: tzinfo) -> str:
    """A picture: a row for each hour, a colour for each reason, the sums below."""
    begin = ledger.spans[0].start
    hours = round((ledger.spans[-1].end - begin).total_seconds() / 3600)
    height = _TOP + hours * _ROW + 40 + 20 * len(REASONS)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" font-family="sans-serif" '
        f'font-size="12" role="img" aria-label="{escape(title, quote=True)}">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="8" y="22" font-size="16">{escape(title)}</text>',
    ]
    for hour in range(hours):
        y = _TOP + hour * _ROW
        parts.append(f'<text x="8" y="{y + 13}">{(begin + timedelta(hours=hour)).astimezone(zone):%H:%M}</text>')
    parts += [rect for span in ledger.spans for rect in _rects(span, begin, zone)]
    y = _TOP + hours * _ROW + 24
    for number, line in enumerate(_sum_lines(ledger)):
        reason = line.split()[0]
        colour = next((colour for name, colour in _COLOURS.items() if name == reason), "#ffffff")
        parts.append(f'<rect x="8" y="{y + 20 * number - 11}" width="14" height="14" fill="{colour}" stroke="#888"/>')
        parts.append(f'<text x="30" y="{y + 20 * number}">{escape(line)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _rects(span: Span, begin: datetime, zone: tzinfo) -> Iterator[str]:
    """The parts of a span in each hour's row."""
    scale = (_WIDTH - _LEFT - 10) / 3600
    from_s, to_s = (span.start - begin).total_seconds(), (span.end - begin).total_seconds()
    while from_s < to_s:
        row = int(from_s // 3600)
        part_s = min(to_s, (row + 1) * 3600.0) - from_s
        x, y = _LEFT + (from_s - row * 3600) * scale, _TOP + row * _ROW
        text = escape(f"{_clock(span.start, zone)} to {_clock(span.end, zone)} {span.reason}: {span.detail}")
        yield (
            f'<rect x="{x:.2f}" y="{y}" width="{max(0.3, part_s * scale):.2f}" height="{_ROW - 3}" '
            f'fill="{_COLOURS[span.reason]}"><title>{text}</title></rect>'
        )
        from_s += part_s


def _sum_lines(ledger: Ledger) -> Iterator[str]:
    sums = sums_of(ledger.spans)
    for reason in REASONS:
        if sums[reason] >= 0.0005:
            yield f"{reason:<14} {_length(sums[reason]):>10}"
    yield f"{'sum':<14} {_length(sum(sums.values())):>10}"


def _clock(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%H:%M:%S}"


def _length(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
