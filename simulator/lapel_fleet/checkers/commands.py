"""Judges commands: each is answered once and for good, and none is carried out that must not be."""

from collections.abc import Iterator

from lapel_fleet.checkers.records import Case, replies_of

_UNFINISHED = ("accepted", "progress")


def commands_have_one_end(case: Case) -> Iterator[str | None]:
    """Each that reached the camera has one end; a repeat of it gets the very same answer."""
    actual, replies = case[0], replies_of(case)
    for id_ in actual.commands:
        ends = [reply for reply in replies if reply.id == id_ and reply.result not in _UNFINISHED]
        different = [one for index, one in enumerate(ends) if one not in ends[:index]]
        results = [reply.result for reply in different]
        yield None if len(different) == 1 else f"command {id_} has {len(different)} ends: {results}"


def late_commands_are_refused(case: Case) -> Iterator[str | None]:
    """What came too late is never carried out."""
    actual, replies = case[0], replies_of(case)
    for id_ in actual.expired:
        ends = {reply.result for reply in replies if reply.id == id_}
        yield None if ends <= {"refused"} else f"command {id_} had expired and was {', '.join(sorted(ends))}"
