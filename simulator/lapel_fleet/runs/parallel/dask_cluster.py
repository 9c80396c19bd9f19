"""The connection to a Dask cluster whose workers have the same software as this process."""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from distributed import Client, Security, get_worker

from lapel.errors import ConfigError, LinkError
from lapel_fleet.runs.parallel.software import difference, software

_ADDRESS = re.compile(r"(tcp|tls|ws|wss)://[^/]+:\d+")
_CONNECT_LIMIT_S = 5.0


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """A client of the scheduler at `address`, as in `tcp://HOST:8786`, while the block runs. Raises LinkError when it
    cannot be reached, ConfigError when it has no workers, or workers with other software than this process has.
    """
    if not _ADDRESS.fullmatch(address):
        raise ConfigError(f"--dask {address}: give tcp://HOST:PORT or tls://HOST:PORT, as `dask scheduler` prints it")
    if address.startswith(("tls:", "wss:")) and Security().get_connection_args("client").get("ssl_context") is None:
        raise ConfigError(f"--dask {address}: no certificates: name them in Dask's configuration, see docs/scaling.md")
    for name in ("distributed", "distributed.client"):  # what matters of their lines is raised, or is a note
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=_CONNECT_LIMIT_S, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise LinkError(f"--dask {address}: no scheduler answers there; start one with `dask scheduler`") from error
    with client:
        _require_usable_workers(client)
        yield client


def require_same_software(wanted: Mapping[str, str]) -> None:
    """Called on a worker, which may have joined later. Raises ConfigError where its software is not that of the client,
    which is `wanted`.
    """
    if differs := difference(wanted, software()):
        raise ConfigError(f"the Dask worker {get_worker().address} has other software: {differs} in the client")


def _require_usable_workers(client: Client) -> None:
    try:
        found: Mapping[str, Mapping[str, str]] = client.run(_software_of_worker)
    except Exception as error:
        raise ConfigError(f"a Dask worker cannot load Lapel: {error}; install the same lapel[cluster] there") from error
    for worker, theirs in found.items():
        if differs := difference(software(), theirs):
            raise ConfigError(f"the Dask worker {worker} has other software: {differs}; install the same there")
    if not found:
        raise ConfigError("the Dask scheduler has no workers; start some with `dask worker`")


def _software_of_worker() -> dict[str, str]:
    return dict(software())
