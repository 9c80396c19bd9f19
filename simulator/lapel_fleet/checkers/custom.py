"""Checkers of a user's own: a function in a module or a file, as `--checker MODULE:FUNCTION` names it."""

import importlib
import importlib.util
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from lapel.config import suggestion
from lapel.errors import ConfigError
from lapel_fleet.checkers.records import Case, Checker
from lapel_fleet.checkers.registry import CHECKERS


def load(name: str) -> Checker:
    """`package.module:function`, or `path/to/file.py:function`. Raises ConfigError saying what is wrong with it.

    So does the checker itself, when it raises or yields what is no verdict: with its name, the camera and the line.
    """
    where, colon, function = name.rpartition(":")
    if not colon or not where or not function:
        raise ConfigError(f"--checker {name}: MODULE:FUNCTION or FILE.py:FUNCTION is wanted")
    module = _from_file(name, Path(where)) if where.endswith(".py") else _from_module(name, where)
    found = getattr(module, function, None)
    if found is None:
        known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise ConfigError(f"--checker {name}: {where} has no {function}{suggestion(function, known)}")
    if not callable(found):
        raise ConfigError(f"--checker {name}: {function} is no function")
    return _guarded(name, found)


def loaded(names: Iterable[str]) -> dict[str, Checker]:
    """Each under its function's name, with dashes as ours have. Raises ConfigError also for a name that is taken."""
    checkers: dict[str, Checker] = {}
    for name in names:
        called = name.rpartition(":")[2].replace("_", "-")
        if called in CHECKERS or called in checkers:
            raise ConfigError(f"--checker {name}: there is a {called} already; call it something else")
        checkers[called] = load(name)
    return checkers


def _from_module(name: str, module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise ConfigError(f"--checker {name}: {module} needs {error.name}, which is not installed") from error
        hint = f"; for a file, say {module}.py:…" if "." not in module else ""
        raise ConfigError(f"--checker {name}: there is no module {module}{hint}") from error
    except Exception as error:
        raise ConfigError(f"--checker {name}: cannot be imported: {_last_line(error)}") from error


def _from_file(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ConfigError(f"--checker {name}: there is no file {path}")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(f"--checker {name}: cannot be imported: {_last_line(error)}") from error
    return module


def _guarded(name: str, checker: Callable[[Case], Any]) -> Checker:
    def guarded(case: Case) -> Iterator[str | None]:
        camera = case[0].camera
        try:
            results = checker(case)
            if not isinstance(results, Iterable):
                raise ConfigError(
                    f"--checker {name}: {camera}: gave {results!r}; it must yield None or a text for each occasion"
                )
            for result in results:
                if result is not None and not isinstance(result, str):
                    raise ConfigError(f"--checker {name}: {camera}: yielded {result!r}; None or a text is wanted")
                yield result
        except ConfigError:
            raise
        except Exception as error:
            raise ConfigError(f"--checker {name}: {camera}: {_last_line(error)}") from error

    return guarded


def _last_line(error: Exception) -> str:
    """The error, and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"
