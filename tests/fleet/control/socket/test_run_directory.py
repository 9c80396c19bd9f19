"""The folder of the sockets: private to its user."""

import os
import stat
from pathlib import Path

import pytest

from lapel.errors import ConfigError, StorageError
from lapel_fleet.control.socket import run_directory


def test_the_folder_is_ours_alone(tmp_path: Path) -> None:
    made = run_directory.folder({"XDG_RUNTIME_DIR": str(tmp_path / "run")})
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert run_directory.folder({"XDG_RUNTIME_DIR": str(tmp_path / "run")}) == made


def test_without_a_runtime_folder_it_is_named_after_the_user(tmp_path: Path) -> None:
    assert run_directory.folder({}, tmp_path) == tmp_path / f"lapel-fleet-{os.getuid()}"


def test_a_folder_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lapel-fleet").mkdir(mode=0o755)
    with pytest.raises(StorageError, match="no other user can enter; remove it, or chmod 700 it"):
        run_directory.folder({"XDG_RUNTIME_DIR": str(tmp_path)})


def test_a_link_or_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "lapel-fleet").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="must be a folder of yours"):
        run_directory.folder({"XDG_RUNTIME_DIR": str(tmp_path)})
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be made for the sockets of runs"):
        run_directory.folder({"XDG_RUNTIME_DIR": str(tmp_path / "file")})


@pytest.mark.parametrize("run_id", ["", "-x", "a/b", "../up", "a b", "x" * 33, "ä", "a\n"])
def test_what_cannot_be_a_name(run_id: str) -> None:
    with pytest.raises(ConfigError, match="at most 32 letters"):
        run_directory.checked_id(run_id)


def test_drawn_names_can_be_names() -> None:
    drawn = {run_directory.new_id() for _ in range(100)}
    assert all(run_directory.checked_id(one) == one for one in drawn)


def test_a_path_that_the_kernel_does_not_take(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="too long for a socket; set XDG_RUNTIME_DIR"):
        run_directory.path_of("demo", tmp_path / ("x" * 120))
