"""Addresses of brokers: an invalid one is refused when it is read, not at the first connect."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapel.errors import ConfigError
from lapel.link.broker_address import brokers_at

_SCHEMES = st.sampled_from(["", "mqtt://", "mqtts://", "http://", "mqtt:", "//"])


@given(_SCHEMES, st.text(max_size=80))
def test_an_address_is_used_or_refused_in_words(scheme: str, rest: str) -> None:
    with contextlib.suppress(ConfigError):
        for broker in brokers_at(scheme + rest, allow_plain=True):
            assert broker.host.encode("idna")
            assert "\0" not in broker.host


@pytest.mark.parametrize("host", ["a..b", "x" * 64, ".example", "a\0b"])
def test_a_name_that_no_host_can_have_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match="is no valid host name"):
        brokers_at(f"mqtts://{host}")


@pytest.mark.parametrize("host", ["broker.example", "broker.example.", "192.0.2.1", "[2001:db8::1]", "bücher.example"])
def test_names_and_addresses_are_taken(host: str) -> None:
    (broker,) = brokers_at(f"mqtts://{host}:8883")
    assert broker.host == host.strip("[]")


@pytest.mark.parametrize(
    ("url", "port", "path"),
    [
        ("mqtt://127.0.0.1", 1883, None),
        ("mqtts://broker.example", 8883, None),
        ("ws://127.0.0.1:9001", 9001, "/mqtt"),
        ("wss://broker.example/fleet", 443, "/fleet"),
    ],
)
def test_each_scheme_has_its_port_and_path(url: str, port: int, path: str | None) -> None:
    (broker,) = brokers_at(url)
    assert (broker.port, broker.websocket_path) == (port, path)


def test_a_websocket_without_encryption_to_another_machine_is_refused() -> None:
    with pytest.raises(ConfigError, match="would not be encrypted; use mqtts:// or wss://"):
        brokers_at("ws://broker.example")


def test_a_password_file_keeps_the_secret_out_of_the_address(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret@/:\nsecond line\n")
    (broker,) = brokers_at("mqtts://camera@broker.example", password_file=file)
    assert (broker.username, broker.password) == ("camera", "s3cret@/:")
    assert "s3cret" not in repr(broker)


@pytest.mark.parametrize(
    ("url", "content", "error"),
    [
        ("mqtts://broker.example", "secret", "has no user name; write it as mqtts://USER@HOST"),
        ("mqtts://camera:other@broker.example", "secret", "has a password, too; remove it from one of them"),
        ("mqtts://camera@broker.example", "", "is empty; write the password in its first line"),
        ("mqtts://camera@broker.example", None, "cannot be read: No such file or directory"),
    ],
)
def test_a_password_file_that_cannot_be_used_is_refused_with_the_reason(
    tmp_path: Path, url: str, content: str | None, error: str
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=error):
        brokers_at(url, password_file=file)
