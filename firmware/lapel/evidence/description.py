"""A manifest in words, for people: `lapel-evidence show`, and the report beside an export."""

import base64
from collections.abc import Iterator

from cryptography import x509

from lapel.evidence.manifest import seconds
from lapel.evidence.manifest_reader import ReadManifest
from lapel.evidence.records import (
    Categorised,
    ClockStepped,
    Close,
    Continued,
    GapNoted,
    ManifestRecord,
    MarkerSet,
    PreEventStored,
    Recovered,
)
from lapel.evidence.signing import key_id
from lapel.recording import Account, Cause, Location
from lapel.sanitize import plain


def facts(manifest: ReadManifest) -> Iterator[tuple[str, str]]:
    """What a recording is and how it was made, as labels and values."""
    opened, account = manifest.opened, _account(manifest)
    yield "recording", account.recording
    yield "camera", account.address
    yield "model, firmware", f"{account.model or 'not configured'}, Lapel {account.firmware}"
    yield "wearer", _wearer(account)
    yield "category", _category(account)
    yield "started", f"{account.trigger_time}, {_cause(account.start)}"
    yield "policy", _policy(account)
    yield "first frame", account.start_time or "none"
    yield "pre-event video", _pre_event(account)
    yield "ended", _ended(manifest, account)
    yield "video", _video(manifest)
    yield "sound", _sound(account)
    yield "clock, time zone", _clock(account)
    yield "position", _positions(account)
    yield "linked clips", _links(account)
    yield "encryption", _encryption(manifest)
    yield "signed by", _signer(manifest)
    yield "configuration", f"SHA-256 {opened.configuration}" if opened.configuration else "not recorded"


def happenings(manifest: ReadManifest) -> Iterator[tuple[float | None, str]]:
    """What happened while it was recorded, in its order: seconds on the recording's time line, and words."""
    grown = {(one.of, one.start_s): one for one in manifest.records if isinstance(one, GapNoted)}
    for record in manifest.records:
        if isinstance(record, GapNoted) and grown[record.of, record.start_s] is not record:
            continue  # a later record says how long it became
        text = _happening(record)
        if text is not None:
            yield text


def _happening(record: ManifestRecord) -> tuple[float | None, str] | None:
    match record:
        case MarkerSet():
            return record.at_s, f"marker: {plain(record.label)}" if record.label else "marker"
        case Categorised():
            return None, f"category: {plain(record.category) or 'none any more'}"
        case GapNoted():
            return record.start_s, f"gap of {record.duration_s:.3f} s in the {record.of}: {record.reason}"
        case ClockStepped():
            direction = "forward" if record.by_s > 0 else "back"
            return record.at_s, f"the clock was set {direction} by {abs(record.by_s):.3f} s"
        case Continued():
            return None, f"goes on in {record.recording}"
        case PreEventStored():
            return None, f"everything from before the trigger is stored: {record.actual_s:.3f} s"
        case Recovered():
            return None, f"recovered by the camera at {record.utc}: {record.reason}"
        case _:
            return None


def _account(manifest: ReadManifest) -> Account:
    return manifest.ending.account if manifest.ending is not None else manifest.opened.account


def _wearer(account: Account) -> str:
    if not account.wearer:
        return "not known"
    assignee = f"; the camera is assigned to {plain(account.assignee)}" if account.assignee else ""
    return f"{plain(account.wearer)}{assignee}"


def _category(account: Account) -> str:
    return f"{plain(account.category) or 'uncategorised'}{' (critical)' if account.is_critical else ''}"


def _policy(account: Account) -> str:
    """Under which rule it was started, and what was declared."""
    decision = account.decision
    if decision is None:
        return "not recorded"
    rule = f"{decision.rule}: {decision.reason}" if decision.rule else decision.reason
    declared = ", ".join([*decision.contexts, *decision.activities])
    parts = [f"{decision.profile}, {rule}", f"declared: {declared}" if declared else ""]
    if decision.attested_after_s is not None:
        parts.append(f"attested {decision.attested_after_s:.1f} s after the first press")
    elif decision.unattested:
        parts.append(f"not attested: {decision.unattested}")
    return plain("; ".join(filter(None, parts)))


def _cause(cause: Cause) -> str:
    details = [one for one in (cause.reason, f"command {cause.command}" if cause.command else "") if one]
    return f"by {cause.source}" + (f" ({', '.join(details)})" if details else "")


def _pre_event(account: Account) -> str:
    text = f"{account.prebuffer_actual_s:.3f} s of {account.prebuffer_configured_s:.3f} s configured"
    return f"{text}: {account.prebuffer_shortfall}" if account.prebuffer_shortfall else text


def _ended(manifest: ReadManifest, account: Account) -> str:
    match manifest.ending:
        case Close() if account.stop is not None:
            return f"{account.status}, {account.end_time or 'at an unknown time'}, {_cause(account.stop)}"
        case Close() | Recovered():
            return account.status
        case _:
            return "not closed: the camera still records, or was interrupted and has not recovered it"


def _video(manifest: ReadManifest) -> str:
    fragments = manifest.fragments
    if not fragments:
        return "none"
    end_s = seconds(fragments[-1].end_ticks)
    frames, dropped = sum(one.frames for one in fragments), sum(one.dropped_frames for one in fragments)
    size_bytes = sum(one.length for one in fragments)
    return f"{end_s:.3f} s, {len(fragments)} fragments, {frames} frames ({dropped} dropped), {size_bytes} bytes"


def _sound(account: Account) -> str:
    if not account.audio:
        return "not recorded"
    return "recorded, from before the trigger on" if account.audio_in_prebuffer else "recorded from the trigger on"


def _clock(account: Account) -> str:
    end = f", {account.clock_quality_end} at the end" if account.clock_quality_end else ""
    return f"{account.clock_quality} at the trigger{end}; {account.time_zone or 'time zone not configured'}"


def _positions(account: Account) -> str:
    positions = (("start", account.position_start), ("end", account.position_end))
    return "; ".join(f"{_position(one)} at the {when}" for when, one in positions if one) or "not known"


def _position(position: Location) -> str:
    return f"{position.latitude:.6f}, {position.longitude:.6f} within {position.accuracy_m:.0f} m"


def _links(account: Account) -> str:
    links = (("continues", account.continues), ("continued by", account.continued_by))
    return "; ".join(f"{how} {clip}" for how, clip in links if clip) or "none"


def _encryption(manifest: ReadManifest) -> str:
    encryption = manifest.opened.encryption
    if encryption is None:
        return "none"
    return f"{encryption.cipher}, for the keys {', '.join(one.key_id for one in encryption.recipients)}"


def _signer(manifest: ReadManifest) -> str:
    leaf = x509.load_der_x509_certificate(base64.b64decode(manifest.opened.certificates[0]))
    return f"{leaf.subject.rfc4514_string()}, issued by {leaf.issuer.rfc4514_string()}, key {key_id(manifest.key)}"
