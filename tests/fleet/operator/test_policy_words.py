from typing import Any

import pytest

from fleet.operator.page.messages import event
from lapel.link.event_details import EVENT_DETAILS
from lapel_fleet.operator.output import event_words
from lapel_fleet.operator.policy_words import _SENTENCES, policy_words

COURT: dict[str, Any] = {
    "request": "start", "answer": "refuse", "rule": "court", "reason": "Nothing starts by itself in a courtroom.",
    "profile": "federal-2024", "source": "command", "contexts": "courtroom", "activities": "", "zones": "court-house",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "detail", "sentence"),
    [
        (
            "policy-decided",
            COURT,
            "a start requested by command was refused: Nothing starts by itself in a courtroom; in force: courtroom, "
            "zone court-house (rule court of federal-2024)",
        ),
        (
            "policy-decided",
            {**COURT, "answer": "ask", "source": "wearer", "contexts": "", "zones": ""},
            "a start requested by wearer needs a second press: Nothing starts by itself in a courtroom (rule court of "
            "federal-2024)",
        ),
        (
            "not-confirmed",
            {"request": "stop", "rule": "end", "after_s": 10.0},
            "no second press within 10.0 s: no stop (rule end)",
        ),
        (
            "declared",
            {"what": "medical", "source": "button", "reason": "", "for_s": None},
            "medical was declared by button",
        ),
        (
            "declared",
            {"what": "frisk", "source": "command", "reason": "dispatch", "for_s": 60},
            "frisk was declared by command for 60 s: dispatch",
        ),
        (
            "declaration-ended",
            {"what": "medical", "source": "camera"},
            "medical is no longer declared: its time was over",
        ),
        (
            "duty-missed",
            {"rule": "arrest", "activity": "arrest-warrant", "within_s": 30, "reason": "it was in standby"},
            "arrest-warrant was declared, and no recording started within 30 s: it was in standby (rule arrest)",
        ),
        (
            "duty-cut-short",
            {"rule": "arrest-end", "recording": "r", "source": "button", "reason": ""},
            "stopped by button while the rule arrest-end still required a recording",
        ),
    ],
)
def test_each_event_of_the_policy_is_a_sentence(kind: Any, detail: dict[str, Any], sentence: str) -> None:
    assert event_words(event("1", kind, **detail)) == sentence


def test_every_kind_exists_and_missing_details_are_no_error() -> None:
    assert set(_SENTENCES) <= {one.kind for one in EVENT_DETAILS}
    for kind in _SENTENCES:
        assert policy_words(event("1", kind))  # type: ignore[arg-type]
    assert policy_words(event("1", "booted")) is None
