"""What the wearer's gestures do: record, mark, mute, switch off, go into stealth.

| control | gesture | does |
|---|---|---|
| event | double press | starts a recording |
| event | press, where the policy asks for it | attests a start |
| event | press, while recording | sets a marker |
| event | hold, while recording | stops it |
| select | hold, while recording | mutes it, or records sound again |
| select | press | steps through the categories |
| power | press, in standby | wakes the camera |
| power | hold | switches off |
| event and select | hold both | stealth on, stealth off |
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lapel.background_save import BackgroundSave
from lapel.button_set import Control
from lapel.buttons import ButtonWatch
from lapel.categories import CategoryChoice
from lapel.clock import Clock
from lapel.config import ControlsSection
from lapel.device_watches import Post
from lapel.errors import StorageError
from lapel.gestures import Gesture, Timings
from lapel.hardware.interfaces import Indicators, Switches
from lapel.indications import Indications, load_indications
from lapel.link.event_details import NoteTaken, StealthChanged
from lapel.recording import Attribution, Cause
from lapel.reporter import Reporter
from lapel.sanitize import plain
from lapel.states import Event, State
from lapel.wearer_assignment import WearerAssignment
from lapel.wearer_signals import WearerSignals
from lapel.wearer_store import WearerNotes, WearerStore
from lapel.worker import Worker

_BUTTON = Cause("button")
_NOTE_CHARS = 400


@dataclass(frozen=True, slots=True)
class WearerStatus:
    """What gestures depend on at the moment."""

    state: State
    recording_s: float | None
    """Seconds since the current recording was triggered; None without one."""
    is_muted: bool
    awaits_start: bool = False
    """Whether the wearer was asked to attest a start with one more press."""


class WearerControls:
    """Carries out the gestures of one camera's wearer. Events of the state chart are posted; the rest happens here."""

    __slots__ = ("_on_change", "_post", "_reporter", "_saving", "_signals", "_status", "_store",
                 "_timings", "_worker", "assignment", "categories")  # fmt: skip

    def __init__(
        self,
        controls: ControlsSection,
        store: WearerStore,
        worker: Worker,
        reporter: Reporter,
        signals: WearerSignals,
        post: Post,
        status: Callable[[], WearerStatus],
        categories: CategoryChoice,
        *,
        on_change: Callable[[], None],
    ) -> None:
        """`on_change` is called when `flags` may be others."""
        self._timings = timings_of(controls)
        self._store, self._worker, self._reporter, self._signals = store, worker, reporter, signals
        self._post, self._status = post, status
        self.categories, self._on_change = categories, on_change
        self.assignment = WearerAssignment(
            lambda: self._store.notes, self._keep, reporter, on_change, is_required=controls.wearer_required
        )
        self._saving = BackgroundSave(self._save, "wearer")

    def watch(self, switches: Switches, clock: Clock) -> ButtonWatch:
        """Reads `switches` and has gestures carried out here."""
        return ButtonWatch(switches, clock, self.on_gesture, self._timings)

    def flags(self) -> Sequence[str]:
        """Flags of the state message."""
        return ["stealth"] * self._store.notes.stealth + [*self.assignment.flags()]

    @property
    def notes(self) -> WearerNotes:
        """What is remembered about the wearer."""
        return self._store.notes

    def attribution(self) -> Attribution:
        """What a recording that begins now is put down to."""
        notes, category = self._store.notes, self.categories.take_next()
        return Attribution(
            wearer=notes.present or notes.assigned,
            assignee=notes.assigned if notes.present else "",
            category=category,
            is_critical=self.categories.is_critical(category),
        )

    def on_gesture(self, control: Control, gesture: Gesture) -> None:
        """Carry out a gesture. A hold that began before the recording neither stops nor mutes it: a stuck button must
        not end what the wearer has started since.
        """
        now = self._status()
        is_recording = now.recording_s is not None
        began_during = now.recording_s is not None and now.recording_s >= self._timings.hold_s
        match control, gesture:
            case "event", "press" if now.awaits_start and not is_recording:
                self._post(Event.START, _BUTTON)
            case "event", "double press" if not is_recording:
                self._post(Event.START, _BUTTON)
            case "event", "press" if is_recording:
                self._post(Event.MARK, _BUTTON)
            case "event", "hold" if began_during:
                self._post(Event.STOP, _BUTTON)
            case "select", "hold" if began_during:
                self._post(Event.UNMUTE if now.is_muted else Event.MUTE, _BUTTON)
            case "select", "press" | "double press":
                self.categories.step("button")
            case "power", "press" if now.state is State.STANDBY:
                self._post(Event.ARM, _BUTTON)
            case "power", "hold":
                self._post(Event.POWER_OFF, Cause("button", "switched off"))
            case "event+select", "hold":
                self.set_stealth(not self._store.notes.stealth, "button")

    def set_stealth(self, is_on: bool, source: str) -> None:
        """Switch lights, tones and vibrations off or on. The record is the same either way, and says so."""
        if is_on is self._store.notes.stealth:
            return
        self._keep(stealth=is_on)
        self._signals.set_stealth(is_on)
        self._reporter.announce(f"stealth {'on' if is_on else 'off'}, by the {source}")
        self._reporter.emit(StealthChanged(on=is_on, source=source))
        self._on_change()

    def take_note(self, text: str, source: str) -> None:
        """Put a note on record: why something was not recorded, for instance."""
        notes = self._store.notes
        note = plain(text.strip())[:_NOTE_CHARS]
        self._reporter.announce(f"note: {note}")
        self._reporter.emit(NoteTaken(text=note, wearer=notes.present or notes.assigned, source=source))

    # -- what is kept across restarts ----------------------------------------------------------------------------------

    def _keep(self, **changes: object) -> None:
        self._store.change(**changes)
        self._saving.request()

    async def _save(self) -> None:
        try:
            await self._worker.run(partial(self._store.save, self._store.notes))
        except StorageError as error:
            self._reporter.announce(str(error), "error")


def timings_of(controls: ControlsSection) -> Timings:
    """The timings of gestures, as configured."""
    return Timings(controls.hold_s, controls.double_press_s, controls.debounce_s, controls.together_s)


def table_of(controls: ControlsSection) -> Indications:
    """The table of indications as configured. Raises ConfigError for a file that cannot be used."""
    return load_indications(Path(controls.indications) if controls.indications else None)


def wearer_signals(
    controls: ControlsSection, indicators: Indicators, clock: Clock, store: WearerStore
) -> WearerSignals:
    """Lights, tones and vibrations as configured. Raises ConfigError for a file that cannot be used."""
    return WearerSignals(indicators, table_of(controls), clock, controls, is_stealth=store.notes.stealth)
