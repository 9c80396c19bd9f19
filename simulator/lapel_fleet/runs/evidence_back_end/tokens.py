"""The tokens of an evidence back end: who may upload."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from lapel.clock import Clock
from lapel_fleet.runs.evidence_back_end.exchange import Refusal
from lapel_fleet.runs.evidence_back_end.faults import TOKEN_USES, Faults

TOKEN_LIFE_S = 900.0
"""As in the reference server of the API's authors: 15 minutes."""


@dataclass(slots=True)
class _Token:
    until_s: float
    uses: int = 0


class Tokens:
    """Issues tokens for one user name and key, and checks them."""

    def __init__(self, user: str, key: str, clock: Clock, new_token: Callable[[], str], faults: Faults) -> None:
        """`new_token` returns a new secret at each call."""
        self._user, self._key, self._clock, self._new_token, self._faults = user, key, clock, new_token, faults
        self._issued: dict[str, _Token] = {}

    def issue(self, user: str, key: str) -> str:
        """A new token. Raises Refusal for a wrong user name or key."""
        is_user = secrets.compare_digest(user.encode(), self._user.encode())
        if not (secrets.compare_digest(key.encode(), self._key.encode()) and is_user):
            raise Refusal(401, "wrong user name or key in X-Auth-User and X-Auth-Key; both are in the connection file")
        now_s = self._clock.mono_s()
        self._issued = {name: one for name, one in self._issued.items() if one.until_s > now_s}
        token = self._new_token()
        self._issued[token] = _Token(now_s + TOKEN_LIFE_S)
        return token

    def check(self, token: str) -> None:
        """Raise Refusal unless the token is valid."""
        found = self._issued.get(token)
        if found is None or found.until_s <= self._clock.mono_s():
            raise Refusal(401, "no valid X-Auth-Token; get a new one from /auth/v1.0")
        found.uses += 1
        if found.uses > TOKEN_USES and self._faults.strikes("token-expired"):
            del self._issued[token]
            raise Refusal(401, "the X-Auth-Token has expired; get a new one from /auth/v1.0")
