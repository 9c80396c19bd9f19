import subprocess
import sys

import pytest

from lapel.errors import EvidenceError
from lapel.evidence.extras import extra


def test_a_library_that_is_not_installed_gives_the_command_that_installs_it() -> None:
    with pytest.raises(
        EvidenceError, match=r"time stamping needs the extra `evidence`: pip install '\.\[evidence\]' in Lapel's folder"
    ):
        with extra("time stamping"):
            import lapel_library_that_nobody_has  # type: ignore[import-not-found]  # noqa: F401


def test_the_command_loads_neither_media_nor_network_libraries() -> None:
    code = "import sys, lapel.evidence.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(result.stdout.split())
    assert {"cryptography", "msgspec"} <= loaded
    assert not loaded & {"av", "cv2", "numpy", "aiomqtt", "paho", "transitions", "rfc3161_client", "c2pa"}
