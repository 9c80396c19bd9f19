"""Events of the agency's policy as sentences: what was decided, by which rule, and why. Pure."""

from collections.abc import Callable, Mapping

from lapel.link.messages import EventMessage

_ANSWERS = {"allow": "was allowed", "ask": "needs a second press", "refuse": "was refused"}


def policy_words(event: EventMessage) -> str | None:
    """A sentence for an event of the policy; None for any other. A detail that is missing leaves a gap, no error: the
    reader of the contract does not check details.
    """
    sentence = _SENTENCES.get(event.kind)
    return sentence(_Details(event.detail)) if sentence is not None else None


class _Details:
    """The details of an event as text."""

    def __init__(self, detail: Mapping[str, object]) -> None:
        self._detail = detail

    def __getitem__(self, key: str) -> str:
        value = self._detail.get(key)
        return "" if value is None else str(value)

    def after(self, key: str, text: str) -> str:
        """The detail behind `text`; empty without it."""
        return f"{text}{self[key]}" if self[key] else ""


def _decided(of: _Details) -> str:
    answer = _ANSWERS.get(of["answer"], of["answer"])
    circumstances = ", ".join(filter(None, (of["contexts"], of["activities"], of.after("zones", "zone "))))
    where = f"; in force: {circumstances}" if circumstances else ""
    return (
        f"a {of['request']} requested by {of['source']} {answer}{of.after('reason', ': ').rstrip('.')}{where} "
        f"(rule {of['rule']} of {of['profile']})"
    )


def _not_confirmed(of: _Details) -> str:
    return f"no second press within {of['after_s']} s: no {of['request']} (rule {of['rule']})"


def _declared(of: _Details) -> str:
    return f"{of['what']} was declared by {of['source']}{_for(of)}{of.after('reason', ': ')}"


def _for(of: _Details) -> str:
    return f" for {of['for_s']} s" if of["for_s"] else ""


def _ended(of: _Details) -> str:
    by = "its time was over" if of["source"] == "camera" else f"withdrawn by {of['source']}"
    return f"{of['what']} is no longer declared: {by}"


def _missed(of: _Details) -> str:
    return (
        f"{of['activity']} was declared, and no recording started within {of['within_s']} s{of.after('reason', ': ')} "
        f"(rule {of['rule']})"
    )


def _cut_short(of: _Details) -> str:
    return f"stopped by {of['source']} while the rule {of['rule']} still required a recording{of.after('reason', ': ')}"


_SENTENCES: Mapping[str, Callable[[_Details], str]] = {
    "policy-decided": _decided,
    "not-confirmed": _not_confirmed,
    "declared": _declared,
    "declaration-ended": _ended,
    "duty-missed": _missed,
    "duty-cut-short": _cut_short,
}
