"""A pytest plugin: cameras that run the real firmware, for tests of a back end.

    def test_late_will(lapel_fleet, our_backend):
        fleet = lapel_fleet({"baltimore": 3}, media="none", clock="stepped", seed=7)

Cameras live in threads of their own, so tests with and without an event loop both work, and no asyncio mode is imposed.
Nothing of Lapel is imported before a test asks for it.
"""

import contextlib
import random
import secrets
from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from lapel_fleet.broker.address import Address
    from lapel_fleet.control.handles import FleetHandle

_REPLAY = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """What can be asked on the command line."""
    group = parser.getgroup("lapel", "simulated cameras (Lapel)")
    group.addoption(
        "--lapel-broker", metavar="URL", help="mqtt:// or mqtts:// (default: a broker of the session's own)"
    )
    group.addoption("--lapel-ca", default="", metavar="FILE", help="authority that signed the broker's certificate")
    group.addoption("--lapel-identities", default="", metavar="DIR", help="as `lapel-fleet provision` makes them")
    group.addoption("--lapel-agency", metavar="NAME", help="first level of the topics (default: one for each fleet)")
    group.addoption("--lapel-seed", type=int, metavar="N", help="for fleets that are given none (default: drawn)")


@pytest.fixture(scope="session")
def lapel_broker(request: pytest.FixtureRequest) -> Iterator["Address"]:
    """The broker that the cameras speak to; `lapel_broker.url` is its address."""
    from lapel_fleet.broker.address import Address

    option = request.config.getoption
    url = option("--lapel-broker")
    with _complaints():
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
    """The fixture `lapel_fleet`: makes fleets, and ends them with the test."""

    def __init__(self, address: "Address", agency: str | None, seed: int | None, stack: contextlib.ExitStack) -> None:
        self._address, self._agency, self._seed, self._stack = address, agency, seed, stack
        self.replays: list[str] = []
        """How to have each fleet again."""

    def __call__(
        self,
        sites: Mapping[str, int],
        *,
        media: str = "none",
        clock: str = "stepped",
        seed: int | None = None,
        **keys: Any,
    ) -> "FleetHandle":
        """Cameras by site, `baltimore/cam-0001` on; returns once all are online. `keys` are a scenario's."""
        from lapel.errors import ConfigError
        from lapel_fleet.control.fleet_thread import scenario_of
        from lapel_fleet.control.handles import FleetHandle

        if clock != "stepped":
            raise ConfigError(f'lapel_fleet: clock="{clock}": there is "stepped"; live runs are `lapel-fleet run`')
        if seed is None:
            seed = self._seed if self._seed is not None else random.SystemRandom().getrandbits(31)
        self.replays.append(f"lapel_fleet({dict(sites)}, seed={seed}), or --lapel-seed {seed}")
        agency = self._agency or f"test-{secrets.token_hex(4)}"
        fleet = FleetHandle(scenario_of(sites, media=media, **keys), seed, agency, self._address)
        self._stack.callback(fleet.close)
        return fleet


@pytest.fixture
def lapel_fleet(request: pytest.FixtureRequest, lapel_broker: "Address") -> Iterator[FleetMaker]:
    """Makes fleets: `lapel_fleet({"baltimore": 3}, seed=7)`. They leave nothing at the broker, even after a failure."""
    option = request.config.getoption
    with contextlib.ExitStack() as stack:
        maker = FleetMaker(lapel_broker, option("--lapel-agency"), option("--lapel-seed"), stack)
        request.node.stash[_REPLAY] = maker.replays
        yield maker


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Says beside a failure how to have its fleets again."""
    report = yield
    replays = item.stash.get(_REPLAY, [])
    if report.failed and replays:
        report.sections.append(("lapel: the same again", "\n".join(replays)))
    return report


@contextlib.contextmanager
def _complaints() -> Iterator[None]:
    """What cannot be is one line, not a traceback."""
    from lapel.errors import LapelError

    try:
        yield
    except LapelError as error:
        pytest.exit(f"lapel: {error}", returncode=int(pytest.ExitCode.USAGE_ERROR))
