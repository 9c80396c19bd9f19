"""What an operator does by hand to a simulated run, from a camera's page: confirmed, and on record in its trace."""

from collections.abc import Callable, Mapping
from typing import get_args
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from lapel.errors import LapelError
from lapel_fleet.operator.page.run_control import HAND_ACTIONS, HandAction, RunControl, RunWatch

Render = Callable[..., Response]
"""Renders a template for a request: `render(name, request, **context)`."""


class RunRoutes:
    """What is done by hand to the cameras of a run."""

    def __init__(self, watch: RunWatch, render: Render) -> None:
        self._watch, self._render = watch, render

    async def by_hand(self, request: Request, form: Mapping[str, str], camera: str) -> Response:
        """Carry out what the form asks for, once it is confirmed."""
        words = self._words(form)
        if form.get("confirmed") != "yes":
            return self._render("confirm_by_hand.html", request, camera=camera, words=words, form=form)
        try:
            await self._carry_out(self._watch.control, form, camera, request.state.operator)
        except LapelError as error:
            raise HTTPException(409, f"The run refuses: {error}.") from error
        await self._watch.ask()
        return RedirectResponse(f"/camera?{urlencode({'name': camera})}#by-hand", 303)

    def _words(self, form: Mapping[str, str]) -> str:
        """What the form asks for. Raises HTTPException when that is nothing."""
        action, kind, fault = form.get("action", ""), form.get("kind", ""), form.get("fault", "")
        if action in get_args(HandAction):
            return HAND_ACTIONS[action]  # type: ignore[index]
        if action == "begin-fault" and kind in self._watch.control.fault_kinds:
            return f"inject the fault {kind}"
        if action == "end-fault" and fault.isascii() and fault.isdigit() and len(fault) < 10:
            return f"end fault {fault}"
        raise HTTPException(400, "Choose what to do, and the kind of fault.")

    async def _carry_out(self, control: RunControl, form: Mapping[str, str], camera: str, by: str) -> None:
        match form["action"]:
            case "begin-fault":
                await control.begin_fault(camera, form["kind"], by)
            case "end-fault":
                await control.end_fault(int(form["fault"]), by)
            case action:
                await control.act(camera, action, by)  # type: ignore[arg-type]  # `_words` has checked it
