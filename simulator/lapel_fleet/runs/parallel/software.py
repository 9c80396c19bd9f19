"""The software that a process runs, as far as the result of a run depends on it."""

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import lapel
import lapel_fleet


@cache
def software() -> Mapping[str, str]:
    """Versions by name. That of Lapel includes a digest of its files: a changed copy is another version."""
    return {
        "lapel": f"{lapel.__version__} (files {_digest()[:12]})",
        "python": platform.python_version(),
        "distributed": _version("distributed"),
    }


def difference(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """How `theirs` differs from `ours`, as in `python 3.11.2, here 3.11.7`; empty when it does not."""
    names = dict.fromkeys([*ours, *theirs])
    return "; ".join(
        f"{name} {theirs.get(name, 'missing')}, here {ours.get(name, 'missing')}"
        for name in names
        if ours.get(name) != theirs.get(name)
    )


def _digest() -> str:
    """Of every file of Lapel's packages that decides what a run does."""
    digest = hashlib.sha256()
    for package in (lapel, lapel_fleet):
        assert package.__file__ is not None
        root = Path(package.__file__).parent
        for path in sorted(one for one in root.rglob("*") if one.suffix in (".py", ".toml")):
            digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
