"""The folder of a camera that was cut off while it recorded, with every file that it reads back at its next start."""

from datetime import UTC, datetime
from pathlib import Path

from accounts import account
from evidence.recordings import SEALING
from fragments import clip_fragments
from lapel.audit_entry import AuditEntry
from lapel.config import load
from lapel.console.candidate import UnconfirmedChange, UnconfirmedFile
from lapel.console.login import Secrets
from lapel.evidence.store import EvidenceStore
from lapel.link.journal import Changes, Waiting
from lapel.link.messages import EventMessage
from lapel.link.sqlite_journal import SqliteJournal
from lapel.policy.declarations import Declaration, Declarations
from lapel.settings import Settings
from lapel.wearer_store import WearerStore


def marker(id_: str) -> EventMessage:
    return EventMessage(id=id_, kind="marker", time=NOW, mono_s=1.0, camera="c", session="s", detail={})


NOW = "2026-11-24T07:00:00Z"
BASE = load(flags={("prebuffer", "length_s"): 10, ("recording", "min_free_bytes"): 0})
SECRET = "correct horse"
CHANGE = UnconfirmedChange(undo={"prebuffer": {"length_s": 5}}, deadline=datetime(2126, 1, 1, tzinfo=UTC), within_s=900)
EVENTS = [Waiting(number, marker(f"e{number}")) for number in range(1, 8)]


ENTRY = AuditEntry(event="marker", detail={}, utc=NOW, mono_s=1.0, session="s", clock_quality="synced")


def write_camera_folder(root: Path) -> None:
    """One complete recording, one that was cut off, and everything in the state folder."""
    state = root / ".lapel"
    state.mkdir(mode=0o700)
    settings = Settings(BASE, state / "configuration.json")
    settings.start_trial(settings.validate({"prebuffer": {"length_s": 20}}), "4711")
    settings.confirm()
    journal = SqliteJournal(state / "outbox.sqlite")
    journal.apply(Changes(added=EVENTS))
    journal.close()
    Secrets(state / "logins.json", cost=2).set("service", SECRET)
    UnconfirmedFile(state / "unconfirmed.json").write(CHANGE)
    declarations = Declarations(state / "declarations.json")
    declarations.add(Declaration(what="courtroom", by="console", at=datetime(2026, 11, 24, 7, tzinfo=UTC)))
    declarations.save()
    wearer = WearerStore(state / "wearer.json")
    wearer.save(wearer.change(assigned="4711"))

    (state / "console.jsonl").write_text('{"at": "2026-11-24T07:00:00.000Z", "mono_s": 1.0, "kind": "login"}\n')
    store = EvidenceStore(root, 0, sealing=lambda: SEALING)
    store.log([ENTRY])
    for name, status in (("whole", "complete"), ("cut-off", "recording")):
        files = store.create(account(name))
        for one in clip_fragments(2):
            files.append([one])
        files.describe(account(name, status=status, fragments=2, frames=20, duration_s=2.0))
        files.close()
    store.close()
