"""Loads a user's own checkers: functions named as `--checker MODULE:FUNCTION` or `--checker FILE.py:FUNCTION`."""

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
from lapel_fleet.checkers.renamed import RENAMED, current_function


def load(name: str) -> Checker:
    """The checker `package.module:function`, or `path/to/file.py:function`. Raises ConfigError saying what is wrong.

    The checker itself raises ConfigError too, with its name, the camera and the line, when the function raises an error
    or yields something that is no verdict. A function of Lapel's own is also found under its former name.
    """
    where, colon, function = name.rpartition(":")
    if not colon or not where or not function:
        raise ConfigError(f"--checker {name}: give MODULE:FUNCTION or FILE.py:FUNCTION")
    module = _from_file(name, Path(where)) if where.endswith(".py") else _from_module(name, where)
    found = getattr(module, function, None)
    if found is None and module.__name__.startswith(f"{__package__}."):
        found = getattr(module, current_function(function), None)
    if found is None:
        known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise ConfigError(f"--checker {name}: {where} has no {function}{suggestion(function, known)}")
    if not callable(found):
        raise ConfigError(f"--checker {name}: {function} is not a function")
    return _guarded(name, found)


def loaded(names: Iterable[str]) -> dict[str, Checker]:
    """The checkers by the names of their functions, with dashes. Raises ConfigError also for a name that is in use."""
    checkers: dict[str, Checker] = {}
    for name in names:
        checker = name.rpartition(":")[2].replace("_", "-")
        if checker in {*CHECKERS, *RENAMED, *checkers}:
            raise ConfigError(f"--checker {name}: the name {checker} is in use; rename the function")
        checkers[checker] = load(name)
    return checkers


def _from_module(name: str, module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise ConfigError(f"--checker {name}: {module} needs {error.name}, which is not installed") from error
        hint = f"; for a file, give {module}.py:…" if "." not in module else ""
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
                    f"--checker {name}: {camera}: returned {results!r}; it must yield None or a text for each occasion"
                )
            for result in results:
                if result is not None and not isinstance(result, str):
                    raise ConfigError(f"--checker {name}: {camera}: yielded {result!r}; yield None or a text")
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
