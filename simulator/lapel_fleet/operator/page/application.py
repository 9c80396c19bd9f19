"""The page's routes. Each request has passed the guard: `request.state.operator` is the operator's name."""

import asyncio
from contextlib import suppress
from importlib.resources import files
from urllib.parse import parse_qsl, urlencode

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from lapel.clock import Clock
from lapel.errors import LapelError, StorageError
from lapel.link.messages import Command, CommandName
from lapel.tokens import Tokens
from lapel.worker import Worker
from lapel_fleet.operator.metrics.fleet_metrics import FleetMetrics
from lapel_fleet.operator.outcomes import OutcomeTally
from lapel_fleet.operator.page.connection import FleetConnection, command_of
from lapel_fleet.operator.page.fleet_view import FleetView
from lapel_fleet.operator.page.guard import Guard
from lapel_fleet.operator.page.history import History
from lapel_fleet.operator.page.history_writer import HistoryWriter
from lapel_fleet.operator.page.live_views import LiveViews
from lapel_fleet.operator.page.run_control import HAND_ACTIONS, RunWatch
from lapel_fleet.operator.page.run_routes import RunRoutes
from lapel_fleet.operator.page.sections import STATES, CameraSections, FleetSections, environment
from lapel_fleet.operator.page.stream import MOST_READERS, ChangedSections, Streams

COMMANDS: tuple[CommandName, ...] = (
    "start-recording", "stop-recording", "mark", "arm", "sleep", "identify", "status", "self-test",
)  # fmt: skip
"""What the page sends. The others need more than a reason: `lapel-fleet send` has them."""
_TTL_S = 10.0
_MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_MOST_FORM_BYTES = 10_000


class Page:
    """The pages of one fleet."""

    def __init__(
        self,
        agency: str,
        view: FleetView,
        connection: FleetConnection,
        writer: HistoryWriter,
        history: History,
        metrics: FleetMetrics,
        tokens: Tokens,
        worker: Worker,
        clock: Clock,
        origins: list[str],
        cookie: str,
        live: LiveViews,
        run: RunWatch | None = None,
    ) -> None:
        """`cookie`: its name, different for each port, since browsers share cookies between ports. `live` fetches what
        readers watch; `run` is the simulated run whose cameras can be acted upon by hand.
        """
        self._agency, self._view, self._connection, self._metrics = agency, view, connection, metrics
        self._writer, self._live, self._run = writer, live, run
        self._by_hand = RunRoutes(run, self._html) if run is not None else None
        self._tokens, self._cookie, self._clock = tokens, cookie, clock
        self._templates = environment()
        self._fleet = FleetSections(self._templates, view, connection, writer, run, clock)
        self._cameras = CameraSections(self._templates, view, history, live, run, worker, clock)
        self._files = {one.name: one.read_bytes() for one in (files(__package__) / "static").iterdir() if one.is_file()}
        self._sending: set[asyncio.Task[None]] = set()
        self.streams = Streams(clock)
        guard = Middleware(Guard, tokens=tokens, origins=origins, cookie=cookie)
        self.app = Starlette(routes=self._routes(), middleware=[guard], exception_handlers={HTTPException: self._error})

    async def close(self) -> None:
        """End the streams and the commands that still wait for their account."""
        self.streams.stopping.set()
        for task in self._sending:
            task.cancel()
        if self._sending:
            await asyncio.wait(self._sending)

    def _routes(self) -> list[Route]:
        return [
            Route("/", self._overview),
            Route("/login", self._login, methods=["GET", "POST"]),
            Route("/logout", self._logout, methods=["POST"]),
            Route("/rows", self._rows),
            Route("/stream", self._overview_stream),
            Route("/camera", self._camera),
            Route("/camera/stream", self._camera_stream),
            Route("/camera/live/{file}", self._live_file),
            Route("/command", self._command, methods=["POST"]),
            Route("/by-hand", self._act_by_hand, methods=["POST"]),
            Route("/metrics", self._scrape),
            Route("/static/{name}", self._static),
        ]

    def _html(self, name: str, request: Request, status: int = 200, **context: object) -> Response:
        operator = getattr(request.state, "operator", "")
        html = self._templates.get_template(name).render(agency=self._agency, operator=operator, **context)
        return Response(html, status, media_type="text/html")

    # -- who is there ------------------------------------------------------------------------------------------------

    async def _login(self, request: Request) -> Response:
        """A form for the token; the address that the terminal prints has the token in it."""
        token = (await _form(request)).get("token") if request.method == "POST" else request.query_params.get("token")
        if token is None:
            return self._html("login.html", request, wrong=False)
        if self._tokens.owner(token) is None:
            return self._html("login.html", request, 403, wrong=True)
        response = RedirectResponse("/", 303)
        response.set_cookie(self._cookie, token, httponly=True, samesite="strict", secure=request.url.scheme == "https")
        return response

    async def _logout(self, _: Request) -> Response:
        response = RedirectResponse("/login", 303)
        response.delete_cookie(self._cookie)
        return response

    # -- the fleet ---------------------------------------------------------------------------------------------------

    async def _overview(self, request: Request) -> Response:
        return self._html("overview.html", request, sections=self._fleet.render(), states=STATES)

    async def _rows(self, _: Request) -> Response:
        """Every camera's row, and the version from which on the stream has the changes."""
        return JSONResponse(
            {
                "version": self._view.version,
                "rows": [view.row() for view in self._view.cameras.values()],
            }
        )

    async def _overview_stream(self, request: Request) -> Response:
        self._require_room()
        version = _number(request.query_params.get("since", ""))
        sections = ChangedSections({})

        async def next_update() -> dict[str, object]:
            nonlocal version
            rows = [view.row() for view in self._view.changed_since(version)]
            removed = [camera for at, camera in self._view.removed if at > version]
            version = self._view.version
            update = {"rows": rows, "removed": removed, "sections": sections.changed(self._fleet.render())}
            return {key: value for key, value in update.items() if value}

        return self.streams.response(next_update)

    # -- one camera --------------------------------------------------------------------------------------------------

    async def _camera(self, request: Request) -> Response:
        camera = self._known(request.query_params.get("name", ""))
        sections = await self._cameras.render(camera)
        return self._html(
            "camera.html", request, camera=camera, sections=sections, commands=COMMANDS, run=self._run,
            hand_actions=HAND_ACTIONS,
        )  # fmt: skip

    async def _camera_stream(self, request: Request) -> Response:
        self._require_room()
        camera = self._known(request.query_params.get("name", ""))
        sections, seen = ChangedSections({}), (-1.0, -1, -1)

        async def next_update() -> dict[str, object]:
            nonlocal seen
            view = self._view.cameras.get(camera)
            if view is None:
                return {}
            written = self._connection.commands_changed + self._writer.written
            now = view.last_message_s, view.version, written + (self._run.answers if self._run is not None else 0)
            if now == seen:
                return {}
            seen = now
            changed = sections.changed(await self._cameras.render(camera))
            return {"sections": changed} if changed else {}

        return self.streams.response(next_update)

    async def _live_file(self, request: Request) -> Response:
        """A file of the camera's live view, fetched for this operator."""
        camera = self._known(request.query_params.get("name", ""))
        state = self._view.cameras[camera].state_message
        return await self._live.fetch(state, request.path_params["file"], camera, request.state.operator)

    async def _command(self, request: Request) -> Response:
        """A command, once it is confirmed. Without a connection it is refused: nothing is sent later."""
        form = await _form(request)
        camera, name, reason = (form.get(key, "") for key in ("camera", "command", "reason"))
        self._known(camera)
        if name not in COMMANDS:
            raise HTTPException(400, "That is no command of this page.")
        try:
            command = command_of(name, reason.strip(), request.state.operator, _TTL_S)
        except msgspec.ValidationError as error:
            raise HTTPException(400, f"The command cannot be sent: {error}") from error
        if form.get("confirmed") != "yes":
            view = self._view.cameras[camera]
            return self._html("confirm.html", request, camera=camera, command=name, reason=reason, view=view)
        try:
            tally = await self._connection.begin(camera, command)
        except LapelError as error:
            raise HTTPException(503, f"Nothing was sent: {error}.") from error
        task = asyncio.create_task(self._finish(command, tally), name="command")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        return RedirectResponse(f"/camera?{urlencode({'name': camera})}#commands", 303)

    async def _act_by_hand(self, request: Request) -> Response:
        """What is done to a simulated camera. There is nothing to do it to without a run."""
        if self._by_hand is None:
            raise HTTPException(404, "No simulated run was named; `lapel-fleet serve --run ID` does.")
        form = await _form(request)
        return await self._by_hand.by_hand(request, form, self._known(form.get("camera", "")))

    async def _finish(self, command: Command, tally: OutcomeTally) -> None:
        with suppress(StorageError):  # the page says so, since the other messages cannot be written either
            await self._connection.finish(command, tally)

    def _known(self, camera: str) -> str:
        if camera not in self._view.cameras:
            raise HTTPException(404, "There is no such camera in this fleet.")
        return camera

    def _require_room(self) -> None:
        if self.streams.readers >= MOST_READERS:
            raise HTTPException(503, f"{MOST_READERS} pages are open; close one.")

    # -- other -------------------------------------------------------------------------------------------------------

    async def _scrape(self, _: Request) -> Response:
        return Response(generate_latest(self._metrics.registry), media_type=CONTENT_TYPE_LATEST)

    async def _static(self, request: Request) -> Response:
        """A file that is loaded at the start: no path is ever looked up."""
        name = request.path_params["name"]
        if name not in self._files:
            raise HTTPException(404, "There is no such file.")
        return Response(self._files[name], media_type=_MEDIA_TYPES[name.rpartition(".")[2]])

    async def _error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return self._html("error.html", request, error.status_code, error=error.detail)


async def _form(request: Request) -> dict[str, str]:
    """The form in a request's body, which must be small."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_FORM_BYTES:
            raise HTTPException(413, "That form is too large.")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=10))
    except ValueError as error:
        raise HTTPException(400, "That is no form.") from error


def _number(text: str) -> int:
    """A number that a browser sends; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
