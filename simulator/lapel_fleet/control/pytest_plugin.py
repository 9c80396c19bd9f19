"""A pytest plugin: cameras that run the real firmware, for tests of a back end.

    def test_late_will(lapel_fleet, our_backend):
        fleet = lapel_fleet({"baltimore": 3}, media="none", clock="stepped", seed=7)

    def test_our_backend(lapel_conformance, our_backend):  # in each situation of `lapel-fleet conformance --list`
        lapel_conformance(our_backend)

    def test_our_evidence_system(lapel_fleet, our_evidence_system):
        fleet = lapel_fleet({"baltimore": 1}, destination=Destination(url=…, user=…, secret_file=…, receipt_keys=(…,)))

Each fleet runs in a thread of its own, so it works in tests with and without an event loop, and with any asyncio mode.
Lapel's modules are imported when a test uses one of the fixtures, not before.
"""

import contextlib
import random
import secrets
from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from lapel_fleet.broker.address import Address
    from lapel_fleet.control.conformance.pytest_fixture import ConformanceTest
    from lapel_fleet.control.handles import FleetHandle
    from lapel_fleet.runs.destination import Destination

_REPLAY = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options to pytest."""
    group = parser.getgroup("lapel", "simulated cameras (Lapel)")
    group.addoption(
        "--lapel-broker", metavar="URL", help="mqtt:// or mqtts:// (default: an embedded one for the session)"
    )
    group.addoption("--lapel-ca", default="", metavar="FILE", help="authority that signed the broker's certificate")
    group.addoption(
        "--lapel-identities", default="", metavar="DIR", help="certificates, made by `lapel-fleet provision`"
    )
    group.addoption(
        "--lapel-agency", metavar="NAME", help="first level of the topics (default: random, for each fleet)"
    )
    group.addoption("--lapel-seed", type=int, metavar="N", help="for fleets without a seed (default: random)")


@pytest.fixture(scope="session")
def lapel_broker(request: pytest.FixtureRequest) -> Iterator["Address"]:
    """The cameras' broker: `lapel_broker.url`, or `lapel_broker.host` and `lapel_broker.port`."""
    from lapel_fleet.broker.address import Address

    option = request.config.getoption
    url = option("--lapel-broker")
    with _usage_errors():
        if url:
            address = Address(url=url, ca=option("--lapel-ca"), identities=option("--lapel-identities"))
            address.of_operator()
            yield address
            return
        from lapel_fleet.broker.embedded import embedded_broker
        from lapel_fleet.time.loop_thread import LoopThread

        thread = LoopThread(embedded_broker(), "lapel-broker")
    try:
        yield Address(url=thread.inside.url, software=f"{thread.inside.name} {thread.inside.version}")
    finally:
        thread.close()


class FleetMaker:
    """The fixture `lapel_fleet`: a function that starts a fleet, which is stopped at the end of the test."""

    def __init__(self, address: "Address", agency: str | None, seed: int | None, stack: contextlib.ExitStack) -> None:
        self._address, self._agency, self._seed, self._stack = address, agency, seed, stack
        self.replays: list[str] = []
        """How to replay each fleet."""

    def __call__(
        self,
        sites: Mapping[str, int],
        *,
        media: str = "none",
        clock: str = "stepped",
        seed: int | None = None,
        destination: "Destination | None" = None,
        **keys: Any,
    ) -> "FleetHandle":
        """Start a fleet with so many cameras at each site, from `baltimore/cam-0001` on, and wait until all are online.
        `destination`: the evidence system to which docked cameras offload. `keys` are those of a scenario. Raises
        ConfigError naming a wrong one.
        """
        from lapel.errors import ConfigError
        from lapel_fleet.control.fleet_thread import scenario_of
        from lapel_fleet.control.handles import FleetHandle

        if clock != "stepped":
            raise ConfigError(f'lapel_fleet: clock="{clock}": only "stepped" is possible; `lapel-fleet run` runs live')
        if seed is None:
            seed = self._seed if self._seed is not None else random.SystemRandom().getrandbits(31)
        self.replays.append(f"lapel_fleet({dict(sites)}, seed={seed}), or --lapel-seed {seed}")
        agency = self._agency or f"test-{secrets.token_hex(4)}"
        if destination is not None:
            keys.setdefault("offload", {})
        fleet = FleetHandle(scenario_of(sites, media=media, **keys), seed, agency, self._address, destination)
        self._stack.callback(fleet.close)
        return fleet


@pytest.fixture
def lapel_fleet(request: pytest.FixtureRequest, lapel_broker: "Address") -> Iterator[FleetMaker]:
    """Starts fleets: `lapel_fleet({"baltimore": 3}, seed=7)`. Clears their retained messages, even after a failure."""
    option = request.config.getoption
    with contextlib.ExitStack() as stack:
        maker = FleetMaker(lapel_broker, option("--lapel-agency"), option("--lapel-seed"), stack)
        request.node.stash[_REPLAY] = maker.replays
        yield maker


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that uses `lapel_conformance` once for each situation."""
    if "lapel_conformance" in metafunc.fixturenames:
        from lapel_fleet.control.conformance.catalogue import SITUATIONS

        metafunc.parametrize("lapel_conformance", list(SITUATIONS), indirect=True)


@pytest.fixture
def lapel_conformance(request: pytest.FixtureRequest) -> "ConformanceTest":
    """Examines a back end in one situation: `lapel_conformance(our_backend)`. The test runs once for each situation."""
    from lapel_fleet.control.conformance.pytest_fixture import ConformanceTest

    test = ConformanceTest(request, request.param)
    request.node.stash[_REPLAY] = [f"--lapel-seed {test.seed}"]
    return test


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failure how to replay its fleets."""
    report = yield
    replays = item.stash.get(_REPLAY, [])
    if report.failed and replays:
        report.sections.append(("lapel: replay", "\n".join(replays)))
    return report


@contextlib.contextmanager
def _usage_errors() -> Iterator[None]:
    """End the session with one line, not a traceback, when an option cannot be used."""
    from lapel.errors import LapelError

    try:
        yield
    except LapelError as error:
        pytest.exit(f"lapel: {error}", returncode=int(pytest.ExitCode.USAGE_ERROR))
