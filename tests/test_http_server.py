from pathlib import Path

import pytest

from lapel.errors import ConfigError
from lapel.http_server import listening


def test_a_port_alone_is_one_of_this_machine() -> None:
    with listening("--live", "0") as found:
        assert found.url == f"http://127.0.0.1:{found.port}"
        assert found.port > 0
        with (
            pytest.raises(ConfigError, match=f"--live {found.port}: cannot listen there"),
            listening("--live", str(found.port)),
        ):
            pass


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("", "give PORT or HOST:PORT"), ("http", "give PORT or HOST:PORT"), (":80", "give PORT or HOST:PORT"),
        ("-1", "give PORT or HOST:PORT"), ("127.0.0.1:65536", "cannot listen there"),
        ("0.0.0.0:0", "only with TLS"), ("[::]:0", "only with TLS"), ("camera.example:0", "only with TLS"),
    ],
)  # fmt: skip
def test_what_cannot_be_listened_at_is_one_clear_line(where: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text), listening("--live", where):
        pass


def test_a_certificate_is_checked_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "cert").write_text("no certificate")
    with (
        pytest.raises(ConfigError, match="cannot be used as a certificate"),
        listening("--live", "0.0.0.0:0", tmp_path / "cert", tmp_path / "cert"),
    ):
        pass
    with (
        pytest.raises(ConfigError, match="both a certificate and its key"),
        listening("--live", "0", tmp_path / "cert"),
    ):
        pass
