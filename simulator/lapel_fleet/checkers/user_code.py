"""Loads a user's own Python: what an option names as `MODULE:NAME` or `FILE.py:NAME`."""

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from lapel.config import suggestion
from lapel.errors import ConfigError


def load_module(option: str, name: str) -> tuple[ModuleType, str]:
    """The module of `package.module:name`, or `path/to/file.py:name`, and that name in it. Raises ConfigError, which
    begins with the option, saying what is wrong.
    """
    where, colon, attribute = name.rpartition(":")
    if not colon or not where or not attribute:
        raise ConfigError(f"{option} {name}: give MODULE:FUNCTION or FILE.py:FUNCTION")
    origin = f"{option} {name}"
    return (_from_file(origin, Path(where)) if where.endswith(".py") else _from_module(origin, where)), attribute


def load_object(option: str, name: str) -> Any:
    """What `MODULE:NAME` or `FILE.py:NAME` names. Raises ConfigError."""
    module, attribute = load_module(option, name)
    found = getattr(module, attribute, None)
    if found is None:
        raise not_found(option, name, module)
    return found


def not_found(option: str, name: str, module: ModuleType) -> ConfigError:
    """The error for a name that is not in its module, with what was probably meant."""
    where, _, attribute = name.rpartition(":")
    known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
    return ConfigError(f"{option} {name}: {where} has no {attribute}{suggestion(attribute, known)}")


def last_line(error: Exception) -> str:
    """The error, and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"


def _from_module(origin: str, module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise ConfigError(f"{origin}: {module} needs {error.name}, which is not installed") from error
        hint = f"; for a file, give {module}.py:…" if "." not in module else ""
        raise ConfigError(f"{origin}: there is no module {module}{hint}") from error
    except Exception as error:
        raise ConfigError(f"{origin}: cannot be imported: {last_line(error)}") from error


def _from_file(origin: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ConfigError(f"{origin}: there is no file {path}")
    folder = str(path.parent.resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)  # as for a script: it may import its neighbours
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(f"{origin}: cannot be imported: {last_line(error)}") from error
    return module
