"""The parts of the pages that change by themselves: rendered here, at first in the page, then for its stream."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import jinja2

from lapel.clock import Clock
from lapel.link.messages import Position, StateMessage
from lapel.sanitize import plain
from lapel.worker import Worker
from lapel_fleet.operator import output
from lapel_fleet.operator.page import drawings
from lapel_fleet.operator.page.attention import Attention
from lapel_fleet.operator.page.camera_view import CameraView
from lapel_fleet.operator.page.connection import FleetConnection
from lapel_fleet.operator.page.fleet_view import FleetView
from lapel_fleet.operator.page.history import History
from lapel_fleet.operator.page.history_writer import HistoryWriter
from lapel_fleet.operator.page.live_views import LiveViews
from lapel_fleet.operator.page.recordings import recordings
from lapel_fleet.operator.page.run_control import RunWatch
from lapel_fleet.operator.received import ReceivedMessage

STATES = ("recording", "buffering", "standby", "docked", "booting", "fault", "offline", "off", "unreadable")
"""The order of the columns."""
_MOST_ATTENTIONS, _MOST_EVENTS = 25, 40
_ATTENTION_S = 5.0
"""Seconds after which what needs attention is looked at again although no message came: a silent camera sends none."""
_RENDER_S = 0.45
"""At most so often, a little more often than a reader is sent an update."""
_DAY, _CHART = timedelta(hours=24), timedelta(hours=12)

Sections = dict[str, str]
"""Each section's HTML, by its id on the page."""


def environment() -> jinja2.Environment:
    """The templates. Everything that they print is escaped."""
    found = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    found.filters |= {"plain": plain, "clock": _clock_time, "duration": _duration}
    found.globals |= {"width": drawings.WIDTH, "height": drawings.HEIGHT, "box": drawings.BOX}
    return found


class FleetSections:
    """The sections of the page with the whole fleet. Rendered once for all of its readers."""

    def __init__(
        self,
        templates: jinja2.Environment,
        view: FleetView,
        connection: FleetConnection,
        writer: HistoryWriter,
        run: RunWatch | None,
        clock: Clock,
    ) -> None:
        self._templates, self._view, self._connection, self._writer = templates, view, connection, writer
        self._run, self._clock = run, clock
        self._key: tuple[object, ...] = ()
        self._sections: Sections = {}
        self._rendered_s = -_RENDER_S

    def render(self) -> Sections:
        """The sections as they are, or were a moment ago: many readers do not make many renderings."""
        now_s = self._clock.mono_s()
        answers = self._run.answers if self._run is not None else 0
        key = self._view.version, self._connection.error, self._writer.error, int(now_s / _ATTENTION_S), answers
        if key != self._key and now_s - self._rendered_s >= _RENDER_S:
            self._key, self._sections, self._rendered_s = key, self._rendered(), now_s
        return self._sections

    def _rendered(self) -> Sections:
        found = self._view.attentions()
        contexts: Mapping[str, dict[str, Any]] = {
            "connection": {"error": self._connection.error, "history_error": self._writer.error},
            "run": {"run": self._run},
            "attention": _attention_context(found),
            "sites": self._sites_context(found),
            "map": {"map": drawings.site_map(self._positions())},
            "events": {"events": self._events()},
        }
        return {name: self._templates.get_template(f"{name}.html").render(each) for name, each in contexts.items()}

    def _sites_context(self, found: list[Attention]) -> dict[str, Any]:
        counts: dict[str, Counter[str]] = {}
        for one in self._view.cameras.values():
            counts.setdefault(one.site, Counter())[one.state] += 1
        attentions = Counter(one.camera.partition("/")[0] for one in found)
        present = [state for state in STATES if any(site[state] for site in counts.values())]
        totals: Counter[str] = sum(counts.values(), Counter())
        return {"sites": sorted(counts.items()), "states": present, "totals": totals, "attentions": attentions}

    def _positions(self) -> dict[str, list[tuple[float, float]]]:
        found: dict[str, list[tuple[float, float]]] = {}
        for one in self._view.cameras.values():
            position = one.telemetry.position if one.telemetry is not None else None
            if position is not None:
                found.setdefault(one.site, []).append((position.latitude, position.longitude))
        return found

    def _events(self) -> list[tuple[str, str, str, str]]:
        """Time, camera, kind and detail of the newest events, the newest first."""
        newest = list(self._view.events)[-_MOST_EVENTS:]
        return [(one.event.time, one.camera, one.event.kind, output.event_words(one.event)) for one in reversed(newest)]


def _attention_context(found: list[Attention]) -> dict[str, Any]:
    return {"attentions": found[:_MOST_ATTENTIONS], "more": len(found) - _MOST_ATTENTIONS, "total": len(found)}


class CameraSections:
    """The sections of one camera's page."""

    def __init__(
        self,
        templates: jinja2.Environment,
        view: FleetView,
        history: History,
        live: LiveViews,
        run: RunWatch | None,
        worker: Worker,
        clock: Clock,
    ) -> None:
        self._templates, self._view, self._history, self._live = templates, view, history, live
        self._run = run
        self._worker, self._clock = worker, clock

    async def render(self, camera: str) -> Sections:
        """The sections of that camera, which is in the view."""
        view = self._view.cameras[camera]
        now = self._clock.now().utc
        context = await self._worker.run(partial(self._from_history, camera, now))
        context |= self._from_view(view)
        names = (
            "camera_state",
            "camera_measured",
            "camera_live",
            "camera_faults",
            "camera_day",
            "camera_recordings",
            "camera_commands",
            "camera_events",
        )
        return {name: self._templates.get_template(f"{name}.html").render(context) for name in names}

    def _from_view(self, view: CameraView) -> dict[str, Any]:
        return {
            "view": view, "state": view.state_message, "telemetry": view.telemetry,
            "run": self._run,
            "live_trouble": self._live.trouble(view.state_message),
            "nodes": drawings.chart_nodes(), "edges": drawings.chart_edges(),
            "words": _state_words(view.camera, view.state_message),
            "position": _position_text(view.telemetry.position if view.telemetry is not None else None),
        }  # fmt: skip

    def _from_history(self, camera: str, now: datetime) -> dict[str, Any]:
        samples = self._history.samples(camera, now - _CHART)
        times = [datetime.fromisoformat(time) for time, _, _ in samples]
        charge = [(time, one[1]) for time, one in zip(times, samples, strict=True) if one[1] is not None]
        free = [(time, one[2] / 1e9) for time, one in zip(times, samples, strict=True) if one[2] is not None]
        events = self._history.events(camera)
        day = drawings.spans(self._history.states(camera, now - _DAY), now - _DAY, now)
        return {
            "charge": drawings.line(charge, now - _CHART, now, 100.0),
            "free": drawings.line(free, now - _CHART, now),
            "chart_hours": _CHART.total_seconds() / 3600,
            "day": day, "sums": drawings.sums(day), "day_begins": now - _DAY, "day_ends": now,
            "recordings": recordings(events)[:20], "now": now,
            "commands": self._history.commands(camera),
            "events": [(one.time, one.kind, output.event_words(one)) for one in events[:_MOST_EVENTS]],
        }  # fmt: skip


def _state_words(camera: str, state: StateMessage | None) -> str:
    """What a state message says, as `lapel-fleet watch` words it."""
    if state is None:
        return "its state cannot be read"
    return output.line_of(ReceivedMessage(camera, state), None, "").split("  ", 2)[2]


def _position_text(position: Position | None) -> str:
    if position is None:
        return ""
    return f"{position.latitude:.5f}, {position.longitude:.5f}, within {position.accuracy_m:.0f} m"


def _clock_time(value: str | datetime) -> str:
    """`19:59:11` of today, `24 Nov 19:59:11` of another year's or other day; UTC."""
    time = datetime.fromisoformat(value) if isinstance(value, str) and value else value
    if not isinstance(time, datetime):
        return "–"
    return time.astimezone(UTC).strftime("%d %b %H:%M:%S")


def _duration(seconds: float) -> str:
    """`3 h 05 min`, `4 min 10 s`, `12 s`."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 60} min {whole % 60:02} s" if whole >= 60 else f"{whole} s"
