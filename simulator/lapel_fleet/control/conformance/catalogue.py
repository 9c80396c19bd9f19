"""Every situation, in the order of the report."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from lapel.config import suggestion
from lapel.errors import ConfigError
from lapel_fleet.control.conformance.evidence.situations import EVIDENCE_SITUATIONS, EvidenceSituation
from lapel_fleet.control.conformance.situation import REGISTERED, Situation
from lapel_fleet.control.conformance.situations import events, formats, names, presence, recordings, restarts, sessions

T = TypeVar("T")
_MODULES = (presence, sessions, events, recordings, restarts, names, formats)
"""Broken messages come last: a back end that does not survive them has answered everything else by then."""

SITUATIONS: dict[str, Situation] = {
    id_: one for module in _MODULES for id_, one in REGISTERED.items() if one.script.__module__ == module.__name__
}
"""By id."""


def chosen(ids: Iterable[str]) -> list[Situation]:
    """The situations of these ids; all of them without ids. Raises ConfigError for an unknown one."""
    return _chosen(ids, SITUATIONS)


def chosen_evidence(ids: Iterable[str]) -> list[EvidenceSituation]:
    """The same for the situations of an evidence back end."""
    return _chosen(ids, EVIDENCE_SITUATIONS)


def _chosen(ids: Iterable[str], among: Mapping[str, T]) -> list[T]:
    ids = list(ids)
    for id_ in ids:
        if id_ not in among:
            raise ConfigError(f"{id_}: no such situation{suggestion(id_, among)}; `--list` prints them")
    return [one for id_, one in among.items() if not ids or id_ in ids]
