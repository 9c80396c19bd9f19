"""An evidence back end in memory, for the cameras of a run in virtual time."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lapel.clock import Clock
from lapel.offload.axis import AxisDestination
from lapel.offload.axis_session import AxisSettings
from lapel_fleet.cameras.offload import OffloadTarget
from lapel_fleet.runs.evidence_back_end.back_end import AUTH, EvidenceBackEnd
from lapel_fleet.runs.evidence_back_end.faults import Faults
from lapel_fleet.runs.evidence_back_end.memory_transport import Line, MemoryTransport
from lapel_fleet.runs.evidence_back_end.receipts import last_line_of_manifest
from lapel_fleet.runs.evidence_back_end.tokens import Tokens

_URL = "http://127.0.0.1"
"""Stands in the cameras' configuration. Nothing is sent there."""
_USER, _KEY = "fleet", "simulated"
_SIGNER = Ed25519PrivateKey.from_private_bytes(b"lapel's simulated evidence store")
"""The same in every run, and no secret."""


class MemoryBackEnd:
    """The back end, its faults, and how a camera reaches it. The same seed gives the same answers."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self.faults, self._tokens = clock, Faults(), 0
        tokens = Tokens(_USER, _KEY, clock, self._new_token, self.faults)
        self.back_end = EvidenceBackEnd(
            tokens, clock, _SIGNER, self.faults, url=_URL, read_manifest=last_line_of_manifest
        )

    def target(self, line: Line | None) -> OffloadTarget:
        """For a camera whose bytes pass `line`."""

        def destination() -> AxisDestination:
            settings = AxisSettings(addresses=(f"{_URL}{AUTH}",), user=_USER, secret=_KEY)
            return AxisDestination(settings, MemoryTransport(self.back_end, self._clock, line))

        return OffloadTarget(destination, [_SIGNER.public_key()])

    def _new_token(self) -> str:
        self._tokens += 1
        return f"token-{self._tokens}"
