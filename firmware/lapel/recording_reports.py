"""Reports what the recorder has done: a line for the wearer and the log, an event for the fleet."""

from lapel.link import event_details as detail
from lapel.media.notices import ClipLost, Failed, Lost, Notice, PreEventSaved, Saved, Started
from lapel.reporter import Reporter


def report_notice(notice: Notice, reporter: Reporter) -> None:
    """Announce and publish a notice of the recorder."""
    match notice:
        case Started(recording):
            reporter.emit(detail.RecordingStarted(recording=recording.id))
        case PreEventSaved(recording, actual_s, configured_s, shortfall):
            reporter.emit(
                detail.PrebufferSaved(
                    recording=recording.id, actual_s=actual_s, configured_s=configured_s, shortfall=shortfall
                )
            )
        case Saved(account):
            reporter.announce(
                f"saved {account.recording}: {account.duration_s:.1f} s, "
                f"{account.prebuffer_actual_s:.1f} of {account.prebuffer_configured_s:g} s from before the press"
            )
            reporter.emit(
                detail.RecordingSaved(
                    recording=account.recording,
                    duration_s=account.duration_s,
                    frames=account.frames,
                    dropped_frames=account.dropped_frames,
                    gaps=len(account.gaps),
                )
            )
        case Lost(recording, frames, seconds, reason):
            reporter.announce(f"LOST {frames} frames ({seconds:.1f} s) of {recording.id}: {reason}")
            reporter.emit(detail.FootageLost(recording=recording.id, frames=frames, seconds=seconds, reason=reason))
        case ClipLost(_, clip, error):
            reporter.announce(f"LOST clip {clip}: {error}", "error")
            reporter.emit(detail.RecordingFailed(recording=clip, reason=str(error)))
        case Failed(recording, error):
            reporter.emit(detail.RecordingFailed(recording=recording.id, reason=str(error)))
