"""`lapel-camera install`, `doctor` and `uninstall` as commands, and a wheel without the repository."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from lapel.evidence.store import EvidenceStore
from system.brokers import real
from system.process import lapel_camera

ROOT = Path(__file__).parents[2]
ANSWERS = 'agency = "baltimore-pd"\ncamera = "cam-7"\nvideo = "/dev/video0"\nconsole = "/dev/ttyAMA0"\ngpsd = true\n'


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    file = tmp_path / "answers.toml"
    file.write_text(ANSWERS)
    return file


def test_a_dry_run_says_what_would_be_done(tmp_path: Path, answers: Path) -> None:
    (tmp_path / "etc").mkdir()
    ended = lapel_camera("install", "--dry-run", "--root", tmp_path, "--answers", answers)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "would  user lapel" in ended.stdout
    assert {path.name for path in tmp_path.rglob("*")} == {"answers.toml", "etc"}
    assert "nothing to undo" in lapel_camera("uninstall", "--dry-run", "--root", tmp_path).stdout


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "card" / "etc").mkdir(parents=True)
    for arguments, why in (
        (("install", "--dry-run", "--root", tmp_path / "card"), "give --answers FILE"),
        (("install", "--dry-run", "--root", tmp_path), "mount the card's second partition"),
        (("install", "--dry-run", "--root", tmp_path / "missing"), "no such folder"),
        (("uninstall", "--dry-run", "--root", tmp_path / "missing"), "no such folder"),
        (("install", "--answers", "x", "--root", tmp_path / "card"), "x: cannot be read"),
    ):
        ended = lapel_camera(*arguments)
        assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1), ended.stderr
        assert why in ended.stderr


def test_a_service_cannot_start_what_is_in_a_home_folder(tmp_path: Path, answers: Path) -> None:
    ended = lapel_camera("install", "--dry-run", "--answers", answers, "--command", "/home/pi/lapel/bin/lapel-camera")
    assert (ended.returncode, "install Lapel elsewhere" in ended.stderr) == (2, True)


def test_the_doctor_works_on_a_laptop(tmp_path: Path) -> None:
    config = tmp_path / "camera.toml"
    config.write_text(f'[video]\nsource = "scene"\n[recording]\nevidence = "{tmp_path / "evidence"}"\n')
    ended = lapel_camera("doctor", "--config", config)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "video encoder" in ended.stdout


def built_wheel(folder: Path) -> Path:
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, timeout=300)
    (wheel,) = folder.glob("lapel-*.whl")
    return wheel


def record_scene(python: Path, folder: Path, **environment: str) -> None:
    """Record a few seconds, outside the repository."""
    program = (
        "import lapel, sys; print(lapel.__file__); from lapel.cli import main; "
        "sys.exit(main(['run', '--video', 'scene', '--width', '320', '--height', '180', '--evidence', 'evidence']))"
    )
    press = "import pty, os, sys, time\n"  # presses space twice, then q
    press += "pid, fd = pty.fork()\nif pid == 0: os.execv(sys.argv[1], [sys.argv[1], '-c', sys.argv[2]])\n"
    press += "out = b''\n"
    press += "for wait, key in ((b'buffer 1 s', b' '), (b'since the press', b' '), (b'saved', b'q')):\n"
    press += "    while wait not in out: out = out[-4000:] + os.read(fd, 4096)\n"
    press += "    os.write(fd, key)\n"
    press += "try:\n    while os.read(fd, 4096): pass\nexcept OSError: pass\nos.waitpid(pid, 0)\n"
    command = [sys.executable, "-c", press, str(python), program]
    subprocess.run(command, cwd=folder, env={**os.environ, **environment}, check=True, timeout=120)
    (account,) = EvidenceStore(folder / "evidence").listing()
    assert account.status == "complete"
    assert account.frames > 30


def test_a_wheel_records_without_the_repository(tmp_path: Path) -> None:
    """With the libraries of this environment; in a fresh one it is a soak test."""
    wheel, site = built_wheel(tmp_path / "wheel"), tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True, timeout=300)
    assert (site / "lapel" / "service" / "lapel-camera.service").is_file()
    record_scene(Path(sys.executable), tmp_path, PYTHONPATH=str(site))


@pytest.mark.soak
def test_a_wheel_in_a_fresh_environment_records(tmp_path: Path) -> None:
    wheel = built_wheel(tmp_path / "wheel")
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel]
    subprocess.run(install, check=True, timeout=600)
    record_scene(python, tmp_path)
    assert subprocess.run([python.with_name("lapel-camera"), "doctor"], cwd=tmp_path, check=False).returncode in (0, 2)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_install_into_a_debian_and_back(tmp_path: Path, answers: Path, suite: str) -> None:
    debian = tmp_path / "debian"
    bootstrap = [real("debootstrap"), "--variant=minbase", suite, str(debian)]
    subprocess.run(bootstrap, check=True, stdout=subprocess.DEVNULL, timeout=600)
    before = files_of(debian)
    for word in ("done", "have"):
        ended = lapel_camera("install", "--root", debian, "--answers", answers)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert {line.split()[0] for line in ended.stdout.splitlines()} == {word}
    assert "installed as a service" in lapel_camera("doctor", "--root", debian).stdout
    footage = debian / "var/lib/lapel/evidence/1/video.mp4"
    footage.parent.mkdir(parents=True)
    footage.touch()
    assert lapel_camera("uninstall", "--root", debian).returncode == 0
    assert files_of(debian) - before <= {str(footage.relative_to(debian))}


def files_of(root: Path) -> set[str]:
    """Files but for what the package manager and its hooks keep for themselves."""
    kept = ("var/lib/dpkg", "var/lib/apt", "var/cache", "var/log", "etc/ld.so.cache", "etc/hosts")
    own = (*kept, "tmp", "proc", "sys", "run")
    found = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() or path.is_symlink()}
    return {name for name in found if not name.startswith(own) and not name.endswith("-")}
