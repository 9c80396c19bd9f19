import pytest

from lapel.errors import EvidenceError
from lapel.evidence.extras import extra


def test_a_library_that_is_not_installed_gives_the_command_that_installs_it() -> None:
    with pytest.raises(
        EvidenceError, match=r"time stamping needs the extra `evidence`: pip install '\.\[evidence\]' in Lapel's folder"
    ):
        with extra("time stamping"):
            import lapel_library_that_nobody_has  # type: ignore[import-not-found]  # noqa: F401
