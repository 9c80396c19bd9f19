"""The estimate of a fleet's needs is computed from its assumptions; tests/test_docs.py compares docs/scaling.md."""

import msgspec
import pytest

from docs.scaling_estimate import Assumptions, changed, estimate
from lapel.errors import ConfigError

SMALL = Assumptions(
    cameras=1000, messages_per_camera_s=0.1, message_bytes=100, broker_messages_s=1000, broker_share=0.5,
    broker_connections=10_000, connects_per_s=10, connects_each=3, keepalive_s=50, activations_per_hour=1,
    recording_s=360, events_per_recording=5, shift_h=10, peak=2, bitrate_bps=8e6, dock_h=10, kept_days=10,
    verify_bytes_s=1e6, virtual_cpu_s=3.6, camera_bytes=1e6, ports_per_address=600, generator_cameras=300,
)  # fmt: skip


def values(given: Assumptions) -> dict[str, str]:
    return {row.what: row.value for row in estimate(given)}


def test_a_small_fleet_by_hand() -> None:
    found = values(SMALL)
    assert found["messages to the brokers"] == "100 a second"
    assert found["broker nodes"] == "1"
    assert found["all back after one node's outage"] == "5 min"
    assert found["connects if cameras did not spread them"] == "30 a second"
    assert found["evidence of a camera"] == "1 h, 3.6 GB a day"
    assert found["ingest while docked"] == "1 Gb/s"  # 3.6 TB in 36,000 s are 0.8 Gb/s
    assert found["cores that verify it"] == "100"
    assert found["its shift in virtual time"] == "1.0 core-hours, 1 min on 64 cores"
    assert found["machines of two cores to run it live"] == "4"
    assert found["source addresses, if all of it were one broker"] == "2"


def test_brokers_are_added_for_connections_or_for_messages() -> None:
    by_connections = msgspec.structs.replace(SMALL, broker_connections=100)
    by_messages = msgspec.structs.replace(SMALL, messages_per_camera_s=10.0)
    assert (values(by_connections)["broker nodes"], values(by_messages)["broker nodes"]) == ("10", "20")


def test_any_assumption_is_an_argument() -> None:
    assert changed(["cameras=200000", "peak=3"]) == msgspec.structs.replace(Assumptions(), cameras=200000, peak=3)
    for argument in ("camera=3", "cameras", "cameras=many", "cameras=0", "cameras=inf", "peak=nan"):
        with pytest.raises(ConfigError, match=argument.partition("=")[0]):
            changed([argument])
