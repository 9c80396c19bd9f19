"""Writes what a fleet sends into the history: at once, but many messages in one transaction."""

from collections.abc import Callable
from datetime import datetime

from lapel.clock import Clock, iso
from lapel.errors import StorageError
from lapel.link.messages import EventMessage, StateMessage, Telemetry
from lapel.worker import Worker
from lapel_fleet.operator.page.history import History, Row, event_row, kept_since
from lapel_fleet.operator.received import Received, ReceivedMessage

_WRITE_S, _CLEAN_S = 0.25, 3600.0
_SAMPLE_S, _SAMPLE_S_PER_CAMERA = 60.0, 0.05
"""Seconds between two samples of a camera: one a minute, and fewer of a large fleet, so that the file stays small."""


class HistoryWriter:
    """Collects rows and writes them four times a second. At most so much is lost when the process is killed."""

    def __init__(
        self, history: History, worker: Worker, clock: Clock, days: float, on_error: Callable[[str], None]
    ) -> None:
        """`days`: how long rows are kept. `on_error` gets the text of a failure, once until it works again."""
        self._history, self._worker, self._clock = history, worker, clock
        self._days, self._on_error = days, on_error
        self._rows: dict[str, list[Row]] = {}
        self._states = history.last_states()
        self._sample_due_s: dict[str, float] = {}
        self.error = ""
        """Why the history cannot be written; empty when it can."""
        self.written = 0
        """Counts the writes, so that a page with something from the history notices."""

    def take(self, received: Received) -> None:
        """Note a message for the next write."""
        if not isinstance(received, ReceivedMessage):
            return
        now = self._clock.now()
        match received.message:
            case EventMessage() as event:
                self._add("events", event_row(received.camera, event, now.utc))
            case StateMessage() as state:
                self._take_state(received.camera, state, now.utc)
            case Telemetry() as one:
                self._take_sample(received.camera, one, now.mono_s)

    async def run(self) -> None:
        """Write until cancelled."""
        clean_s = self._clock.mono_s()
        while True:
            await self.write()
            if self._clock.mono_s() >= clean_s:
                clean_s = self._clock.mono_s() + _CLEAN_S
                oldest = kept_since(self._clock.now().utc, self._days)
                await self._attempt(lambda: self._history.remove_before(oldest))  # noqa: B023 (awaited at once)
            await self._clock.sleep(_WRITE_S)

    async def write(self) -> None:
        """Write what is noted. After a failure it is tried again with the next."""
        if not self._rows:
            return
        rows, self._rows = self._rows, {}
        if await self._attempt(lambda: self._history.write(rows)):
            self.written += 1
        else:
            for table, values in self._rows.items():
                rows.setdefault(table, []).extend(values)
            self._rows = rows

    async def _attempt(self, job: Callable[[], None]) -> bool:
        try:
            await self._worker.run(job)
        except StorageError as error:
            if not self.error:
                self._on_error(str(error))
            self.error = str(error)
            return False
        self.error = ""
        return True

    def _take_state(self, camera: str, state: StateMessage, now: datetime) -> None:
        """A retained state that is known already is not written again, and a last will has no time but ours."""
        last_time, last_state = self._states.get(camera, ("", ""))
        time = state.since or state.time
        if state.state == last_state and (time is None or time <= last_time):
            return
        time = time or max(iso(now), last_time)  # the camera's clock may be ahead of ours
        self._states[camera] = time, state.state
        self._add("states", (camera, time, state.state, state.reason or "", iso(now)))

    def _take_sample(self, camera: str, one: Telemetry, now_s: float) -> None:
        if now_s < self._sample_due_s.get(camera, 0.0):
            return
        self._sample_due_s[camera] = now_s + max(_SAMPLE_S, _SAMPLE_S_PER_CAMERA * len(self._sample_due_s))
        self._add("samples", (camera, one.time, one.battery_percent, one.storage_free_bytes))

    def _add(self, table: str, row: Row) -> None:
        self._rows.setdefault(table, []).append(row)
