"""Every library that a camera needs has a wheel for a Raspberry Pi, by pip's own platform options."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
PLATFORMS = [f"manylinux_2_{minor}_aarch64" for minor in (17, 26, 27, 28, 34)] + ["manylinux2014_aarch64"]
"""Debian 12 has glibc 2.36."""


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("version", ["3.11", "3.13"])
def test_every_library_has_a_wheel_for_aarch64(tmp_path: Path, version: str) -> None:
    asked = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["pi"]]
    if version == "3.13":
        asked = [one for one in asked if "python_version" not in one]  # lgpio: Debian's package stands in
    options = [f"--platform={platform}" for platform in PLATFORMS]
    options += [f"--python-version={version}", "--implementation=cp"]
    options += [f"--abi={abi}" for abi in (f"cp{version.replace('.', '')}", "abi3", "none")]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", *options]
    command += ["--dest", str(tmp_path), *(one.split(";")[0] for one in asked)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len([*tmp_path.glob("*.whl")]) == len(asked)
