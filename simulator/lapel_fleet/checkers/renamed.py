"""Former names of checkers, accepted until the next release: JUnit ids and `--checker` keep working meanwhile."""

from collections.abc import Mapping

RENAMED: Mapping[str, str] = {
    "activations-are-answered": "activations-are-recorded-or-refused",
    "every-recording-was-asked-for": "every-recording-has-a-trigger",
    "recordings-end-well": "incomplete-recordings-are-explained",
    "pre-event-is-there-or-explained": "pre-event-shortfalls-are-explained",
    "pre-event-is-as-long-as-it-could-be": "pre-event-length-is-correct",
    "recordings-hold-all-their-time": "missing-frames-are-reported",
    "recordings-last-as-long-as-wanted": "recording-length-is-correct",
    "gaps-are-told": "gaps-are-reported",
    "saved-is-said": "saved-recordings-are-announced",
    "every-state-told-is-true": "reported-states-are-true",
    "no-stale-state-is-left-standing": "last-reported-state-is-current",
    "what-happened-is-told": "state-changes-are-reported",
    "the-retained-state-is-true": "retained-state-is-true",
    "events-come-once-and-in-order": "events-are-complete-and-in-order",
    "commands-have-one-end": "commands-have-one-final-reply",
    "late-commands-are-refused": "expired-commands-are-refused",
    "batteries-add-up": "battery-charge-is-consistent",
    "storage-adds-up": "storage-space-is-consistent",
    "back-end-believes-the-state": "back-end-shows-the-current-state",
    "back-end-notices-who-is-offline": "back-end-shows-offline-cameras",
    "back-end-keeps-the-order": "back-end-keeps-events-in-order",
    "back-end-books-events-where-they-belong": "back-end-assigns-events-to-the-right-camera",
}
"""Old name: new name. The functions have the same names with underscores, without `back-end-`."""


def current_function(name: str) -> str:
    """The present name of the checker function `name`; the name itself where it was not renamed."""
    dashed = name.replace("_", "-")
    renamed = RENAMED.get(dashed) or RENAMED.get(f"back-end-{dashed}", "").removeprefix("back-end-")
    return renamed.replace("-", "_") or name


def former_name(checker: str) -> str:
    """What the checker was called before; empty where it was not renamed."""
    return next((old for old, new in RENAMED.items() if new == checker), "")
