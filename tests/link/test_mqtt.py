"""Addresses of brokers: what can be none is refused when it is read, not when somebody connects."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapel.errors import ConfigError
from lapel.link.mqtt import brokers_at

_SCHEMES = st.sampled_from(["", "mqtt://", "mqtts://", "http://", "mqtt:", "//"])


@given(_SCHEMES, st.text(max_size=80))
def test_an_address_is_used_or_refused_in_words(scheme: str, rest: str) -> None:
    with contextlib.suppress(ConfigError):
        for broker in brokers_at(scheme + rest, allow_plain=True):
            assert broker.host.encode("idna")
            assert "\0" not in broker.host


@pytest.mark.parametrize("host", ["a..b", "x" * 64, ".example", "a\0b"])
def test_a_name_that_no_host_can_have_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match="can be no host's name"):
        brokers_at(f"mqtts://{host}")


@pytest.mark.parametrize("host", ["broker.example", "broker.example.", "192.0.2.1", "[2001:db8::1]", "bücher.example"])
def test_names_and_addresses_are_taken(host: str) -> None:
    (broker,) = brokers_at(f"mqtts://{host}:8883")
    assert broker.host == host.strip("[]")
