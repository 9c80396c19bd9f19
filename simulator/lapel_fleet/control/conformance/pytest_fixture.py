"""The fixture `lapel_conformance`: one situation as a test case."""

import random
import secrets
from contextlib import ExitStack
from typing import Any

import pytest

from lapel.link.contract import LapelV1
from lapel_fleet.control.conformance.catalogue import SITUATIONS
from lapel_fleet.control.conformance.examination import Examiner, Stories
from lapel_fleet.control.conformance.output import failure_lines
from lapel_fleet.control.conformance.probes import HttpProbe, ObjectProbe, Probe
from lapel_fleet.control.conformance.stage import ContractFactory
from lapel_fleet.control.conformance.subject import BrokerSubject, MemorySubject, Subject, can_restart

_SEED = pytest.StashKey[int]()
_STORIES = pytest.StashKey[dict[Any, Stories]]()
_LOST = pytest.StashKey[list[tuple[Any, str]]]()
"""Back ends that process nothing any more, and the situation since which they do not."""
AGENCY = "conformance"


class ConformanceTest:
    """Examines a back end in one situation; fails or skips the test that calls it."""

    def __init__(self, request: pytest.FixtureRequest, id_: str) -> None:
        self._request, self.situation = request, SITUATIONS[id_]
        stash = request.config.stash
        given = request.config.getoption("--lapel-seed")
        self.seed: int = stash.setdefault(_SEED, given if given is not None else random.SystemRandom().getrandbits(31))
        self._stories = stash.setdefault(_STORIES, {})
        self._lost = stash.setdefault(_LOST, [])

    def __call__(self, back_end: Any, *, contract: ContractFactory = LapelV1) -> None:
        """`back_end`: an object with the methods of a probe, or the URL of an HTTP probe. It is connected to the broker
        of the fixture `lapel_broker`, unless it has a method `receive`. `contract`: your own topics and payloads.
        """
        __tracebackhide__ = True
        for lost, since in self._lost:
            if lost is back_end:
                pytest.skip(f"not examined: since {since} the back end processes nothing any more")
        agency = self._request.config.getoption("--lapel-agency") or AGENCY
        with ExitStack() as stack:
            subject = self._subject(back_end, stack)
            key = (self.seed, agency, contract, subject.is_immediate)
            if key not in self._stories:
                self._stories[key] = Stories(self.seed, agency, contract, is_live=not subject.is_immediate)
            examiner = Examiner(subject, self.seed, agency=agency, contract=contract, stories=self._stories[key])
            stack.callback(examiner.clean_up)
            outcome = examiner.examine_one(self.situation)
            if examiner.lost_in:
                self._lost.append((back_end, examiner.lost_in))
        if outcome.verdict == "failed":
            pytest.fail(
                "\n".join([f"{outcome.id}: the back end believes what is not true", *failure_lines(outcome)]), False
            )
        if outcome.verdict == "not-applicable":
            pytest.skip(f"not applicable: {outcome.reason}")

    def _subject(self, back_end: Any, stack: ExitStack) -> Subject:
        if callable(getattr(back_end, "receive", None)):
            return MemorySubject(back_end)
        probe: Probe = HttpProbe(back_end) if isinstance(back_end, str) else ObjectProbe(back_end)
        restarter = back_end if can_restart(back_end) else None
        address = self._request.getfixturevalue("lapel_broker")
        subject = BrokerSubject(address, probe, restarter, f"lapel-conformance-{secrets.token_hex(4)}")
        stack.callback(subject.close)
        return subject
