import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapel.credentials import settings_without_credentials, without_credentials


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mqtts://broker.example:8883", "mqtts://broker.example:8883"),
        ("mqtts://cam:secret@broker.example", "mqtts://…@broker.example"),
        ("mqtts://cam:p@ss/wo rd@broker.example/mqtt", "mqtts://…@broker.example/mqtt"),
        ("mqtts://a:b@one mqtt://c:d@two wss://three/x", "mqtts://…@one mqtt://…@two wss://three/x"),
        ("rtsp://u:p@10.0.0.2/stream: delivers no frames", "rtsp://…@10.0.0.2/stream: delivers no frames"),
        ("someone@example", "someone@example"),
        ("", ""),
    ],
)
def test_the_user_information_of_an_address_is_not_shown(text: str, shown: str) -> None:
    assert without_credentials(text) == shown


@given(st.text(min_size=8).filter(lambda text: "://" not in text), st.sampled_from(["mqtts", "rtsp", "https"]))
def test_no_password_shows_whatever_is_in_it(password: str, scheme: str) -> None:
    assert without_credentials(f"{scheme}://cam:{password}@host/path") == f"{scheme}://…@host/path"


def test_settings_keep_their_other_values() -> None:
    settings = {"link": {"broker": "mqtt://a:b@host", "keepalive_s": 30}, "video": {"source": "scene", "width": None}}
    shown = {"link": {"broker": "mqtt://…@host", "keepalive_s": 30}, "video": {"source": "scene", "width": None}}
    assert settings_without_credentials(settings) == shown
