"""Checkers of commands: each gets exactly one final reply, and an expired one is not carried out."""

from collections.abc import Iterator

from lapel_fleet.checkers.records import Case, replies_of

_INTERIM = ("accepted", "progress")


def commands_have_one_final_reply(case: Case) -> Iterator[str | None]:
    """Every command that reached the camera has one final reply; a repeated command gets the same reply again."""
    actual, replies = case[0], replies_of(case)
    for id_ in actual.commands:
        finals = [reply for reply in replies if reply.id == id_ and reply.result not in _INTERIM]
        different = [one for index, one in enumerate(finals) if one not in finals[:index]]
        results = [reply.result for reply in different]
        yield None if len(different) == 1 else f"command {id_} has {len(different)} final replies: {results}"


def expired_commands_are_refused(case: Case) -> Iterator[str | None]:
    """A command that arrives after its expiry is not carried out."""
    actual, replies = case[0], replies_of(case)
    for id_ in actual.expired:
        results = {reply.result for reply in replies if reply.id == id_}
        yield None if results <= {"refused"} else f"command {id_} had expired and was {', '.join(sorted(results))}"
