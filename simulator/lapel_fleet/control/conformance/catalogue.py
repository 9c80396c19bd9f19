"""Every situation, in the order of the report."""

from collections.abc import Iterable

from lapel.config import suggestion
from lapel.errors import ConfigError
from lapel_fleet.control.conformance.situation import REGISTERED, Situation
from lapel_fleet.control.conformance.situations import events, formats, names, presence, recordings, restarts, sessions

_MODULES = (presence, sessions, events, recordings, restarts, names, formats)
"""Broken messages come last: a back end that does not survive them has answered everything else by then."""

SITUATIONS: dict[str, Situation] = {
    id_: one for module in _MODULES for id_, one in REGISTERED.items() if one.script.__module__ == module.__name__
}
"""By id."""


def chosen(ids: Iterable[str]) -> list[Situation]:
    """The situations of these ids; all of them without ids. Raises ConfigError for an unknown one."""
    ids = list(ids)
    for id_ in ids:
        if id_ not in SITUATIONS:
            raise ConfigError(f"{id_}: no such situation{suggestion(id_, SITUATIONS)}; `--list` prints them")
    return [one for id_, one in SITUATIONS.items() if not ids or id_ in ids]
