"""The page beside an export: what was exported, what was found, and how to check it without trusting us.

Plain HTML without a script or anything to load, readable in print.
"""

from collections.abc import Iterable
from datetime import datetime
from html import escape

from lapel import __version__
from lapel.clock import iso
from lapel.evidence.c2pa_signing import ASSERTION
from lapel.evidence.description import facts, happenings
from lapel.evidence.export import Exported
from lapel.evidence.fragment_check import sha256_of
from lapel.evidence.signing import Signer, certificate_name, key_id, public_key
from lapel.evidence.verify import Finding, Verdict

_STYLE = """
body { font: 11pt/1.5 system-ui, sans-serif; max-width: 46em; margin: 2em auto; padding: 0 1em; color: #111; }
h1 { font-size: 1.4em; } h2 { font-size: 1.1em; margin-top: 1.6em; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25em .8em .25em 0; border-bottom: 1px solid #ccc; }
th { width: 11em; font-weight: normal; color: #555; }
td, code { overflow-wrap: anywhere; } pre { white-space: pre-wrap; background: #f4f4f4; padding: .6em; }
.verdict { border: 2px solid; padding: .5em .8em; font-weight: bold; }
@media print { body { margin: 0; max-width: none; } pre { background: none; border: 1px solid #ccc; } }
"""
_VERDICTS = {
    Verdict.INTACT: "Intact: complete and unchanged since the camera recorded it, and signed by a trusted key.",
    Verdict.CANNOT_SAY: "Unchanged as far as it was recorded, with reservations:",
    Verdict.NOT_INTACT: "Not intact:",
}


def report_page(exported: Exported, signer: Signer, at: datetime) -> str:
    """The page. Raises OSError when the exported file cannot be read."""
    recording = exported.report.recording
    body = "".join(
        [
            f"<h1>Recording {_text(recording)}: verification report</h1>",
            _verdict(exported),
            "<h2>What was recorded</h2>",
            _table(facts(exported.manifest)),
            _timeline(exported),
            "<h2>What was exported</h2>",
            _table(_file_facts(exported, signer, at)),
            "<h2>How to check it</h2>",
            _checks(exported),
        ]
    )
    head = f'<meta charset="utf-8"><title>{_text(recording)}: verification report</title><style>{_STYLE}</style>'
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _verdict(exported: Exported) -> str:
    report = exported.report
    found = "".join(f"<li>{_text(_finding(one))}</li>" for one in report.findings)
    return f'<p class="verdict">{_VERDICTS[report.verdict]}</p>' + (f"<ul>{found}</ul>" if found else "")


def _finding(finding: Finding) -> str:
    if finding.from_s is None:
        return finding.message
    until = f" to {finding.to_s:.3f} s" if finding.to_s is not None else " s on"
    return f"{finding.from_s:.3f}{until}: {finding.message}"


def _timeline(exported: Exported) -> str:
    rows = [("" if at_s is None else f"{at_s:.3f} s", text) for at_s, text in happenings(exported.manifest)]
    return f"<h2>What happened meanwhile</h2>{_table(rows)}" if rows else ""


def _file_facts(exported: Exported, signer: Signer, at: datetime) -> list[tuple[str, str]]:
    certificate = signer.certificates[0]
    return [
        ("file", exported.path.name),
        ("size", f"{exported.path.stat().st_size} bytes"),
        ("SHA-256", sha256_of(exported.path)),
        ("exported at", f"{iso(at)}, by the clock of the computer that exported it"),
        ("exported with", f"lapel-evidence {__version__}"),
        ("signed by", f"{certificate_name(certificate)}, key {key_id(public_key(certificate))}"),
    ]


def _checks(exported: Exported) -> str:
    name, recording = _text(exported.path.name), _text(exported.report.recording)
    return f"""
<p>The file carries Content Credentials (C2PA). Any tool for them finds a changed byte or a missing part. It calls the
signer unknown unless it is given the certificate of the authority that stands behind the signer. With
<code>pip install c2pa-python</code>:</p>
<pre>python -c "import c2pa; print(c2pa.Reader('{name}').json())"</pre>
<p>Their assertion <code>{ASSERTION}</code> contains the first and the last record of the camera's own manifest, with
the camera's signatures. The original recording stays the evidence. With Lapel:</p>
<pre>lapel-evidence verify --trust CA.pem {recording}</pre>
<p>That this page is of this file: <code>sha256sum {name}</code></p>
"""


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><th>{_text(label)}</th><td>{_text(value)}</td></tr>" for label, value in rows)
    return f"<table>{cells}</table>"


def _text(text: str) -> str:
    """For a page: without control characters, which files of others may contain."""
    return escape("".join(char if char.isprintable() else "·" for char in text))
