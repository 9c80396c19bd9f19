"""The account of a clip, derived from the records of its manifest."""

import msgspec

from lapel.evidence.manifest_reader import ReadManifest
from lapel.evidence.records import Categorised, Continued, FragmentStored, GapNoted, MarkerSet, Muted, PreEventStored
from lapel.mp4_boxes import Extent
from lapel.recording import Account, GapNote, MuteNote


def account_of(manifest: ReadManifest) -> Account:
    """The account that the intact records add up to, as it was while the clip was written."""
    account = msgspec.structs.replace(manifest.opened.account)
    gaps: dict[tuple[str, float], GapNote] = {}
    mutes: dict[float, MuteNote] = {}
    for record in manifest.records[: manifest.intact_records]:
        match record:
            case FragmentStored():
                account.start_time = account.start_time or record.utc
                account.dropped_frames += record.dropped_frames
            case MarkerSet():
                account.markers_s = [*account.markers_s, record.at_s]
                account.marker_labels = [*account.marker_labels, record.label]
            case Categorised():
                account.category, account.is_critical = record.category, record.is_critical
            case GapNoted():
                gaps[record.of, record.start_s] = GapNote(record.start_s, record.duration_s, record.reason)
            case Muted():
                mutes[record.start_s] = MuteNote(record.start_s, record.end_s, record.source, record.reason)
            case PreEventStored():
                account.prebuffer_saved = True
                account.prebuffer_actual_s, account.prebuffer_shortfall = record.actual_s, record.shortfall
            case Continued():
                account.continued_by = record.recording
            case _:
                pass
    account.gaps = [gap for (of, _), gap in gaps.items() if of == "video"]
    account.audio_gaps = [gap for (of, _), gap in gaps.items() if of == "sound"]
    account.mutes = [*mutes.values()]
    return account


def extent_of(manifest: ReadManifest, file_bytes: int) -> Extent:
    """How much of a file with `file_bytes` the intact records describe, in whole fragments."""
    records = manifest.records[: manifest.intact_records]
    whole = [one for one in records if isinstance(one, FragmentStored) and one.offset + one.length <= file_bytes]
    last = whole[-1] if whole else None
    return Extent(
        fragments=len(whole),
        frames=sum(one.frames for one in whole),
        end_ticks=last.end_ticks if last else 0,
        whole_bytes=last.offset + last.length if last else 0,
        torn_bytes=0,
    )
