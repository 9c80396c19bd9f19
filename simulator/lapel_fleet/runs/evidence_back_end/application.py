"""Serves an evidence back end over HTTP, with contents in files."""

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from lapel.worker import Worker
from lapel_fleet.runs.evidence_back_end.back_end import EvidenceBackEnd, target_of
from lapel_fleet.runs.evidence_back_end.containers import OBJECT, metadata_of
from lapel_fleet.runs.evidence_back_end.exchange import Answer, Refusal, Request
from lapel_fleet.runs.evidence_back_end.folder import EvidenceFolder, UploadedFile
from lapel_fleet.runs.evidence_back_end.receipts import is_read

BreakConnection = Callable[[HttpRequest], None]
"""Breaks the connection on which a request came."""
_METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE", "COPY")


class _CutError(Exception):
    """The connection is to break in mid-upload."""


class Application:
    """The application. Bodies are received side by side; then requests are answered one after the other."""

    def __init__(
        self,
        back_end: EvidenceBackEnd,
        folder: EvidenceFolder,
        worker: Worker,
        break_connection: BreakConnection,
        log: Callable[[str], None],
    ) -> None:
        """`worker` has one thread, so that files are written in the order of the requests. `log` gets a line for each
        request.
        """
        self._back_end, self._folder, self._worker = back_end, folder, worker
        self._break_connection, self._log = break_connection, log
        self._changed: list[str] = []
        back_end.on_change = self._changed.append
        self.app = Starlette(routes=[Route("/{path:path}", self._serve, methods=_METHODS)])

    async def _serve(self, http: HttpRequest) -> Response:
        request = Request(http.method, str(http.scope["path"]), dict(http.headers))
        try:
            async with self._upload() as upload:
                await self._receive(http, request, upload)
                return await self._answer(http, request, upload)
        except (ClientDisconnect, _CutError):
            self._log(f"{request.method} {request.path}: the connection broke in mid-upload")
            return await self._broken(http)
        except OSError as error:
            status = 507 if error.errno in (errno.ENOSPC, errno.EDQUOT) else 500
            self._log(f"{request.method} {request.path}: {status} {error.strerror}")
            return _response(Refusal(status, str(error.strerror)).answer)

    @contextlib.asynccontextmanager
    async def _upload(self) -> AsyncIterator[UploadedFile]:
        upload = await self._worker.run(self._folder.new_upload)
        try:
            yield upload
        finally:
            await self._worker.run(upload.close)

    async def _receive(self, http: HttpRequest, request: Request, upload: UploadedFile) -> None:
        reception = self._back_end.reception(request)
        expected = int(request.headers.get("content-length", "0"))
        async for chunk in http.stream():
            await self._worker.run(partial(upload.add, chunk))
            if reception.is_cut and 2 * upload.length >= expected:
                raise _CutError
            if reception.bytes_per_s is not None:
                await asyncio.sleep(len(chunk) / reception.bytes_per_s)

    async def _answer(self, http: HttpRequest, request: Request, upload: UploadedFile) -> Response:
        with_data = is_read(metadata_of(request.headers, OBJECT))
        content = await self._worker.run(partial(upload.content, with_data=with_data))
        answer = self._back_end.answer(replace(request, content=content))
        target = target_of(request)
        if request.method == "PUT" and target[1] and answer.status == 201:
            await self._worker.run(partial(self._folder.keep, upload, *target))
        await self._save_changed()
        why = answer.body.decode(errors="replace").strip() if answer.status >= 400 else ""
        self._log(f"{request.method} {request.path}: {answer.status}{', answer lost' if answer.is_lost else ''} {why}")
        if answer.is_lost:
            return await self._broken(http)
        if request.method == "GET" and target[1] and answer.status == 200:
            path = self._folder.file(*target)
            if await self._worker.run(path.exists):
                return FileResponse(path, headers=dict(answer.headers))
        return _response(answer)

    async def _save_changed(self) -> None:
        names, self._changed[:] = list(dict.fromkeys(self._changed)), []
        for name in names:
            await self._worker.run(partial(self._folder.save, name, self._back_end.containers[name]))

    async def _broken(self, http: HttpRequest) -> Response:
        self._break_connection(http)
        await asyncio.sleep(0)  # the server notices, and sends nothing of what follows
        return Response()


def _response(answer: Answer) -> Response:
    response = Response(answer.body, answer.status, dict(answer.headers))
    if answer.status in (204, 202, 201):
        response.headers["Content-Length"] = "0"
    return response
