"""Loads a user's own checkers: functions named as `--checker MODULE:FUNCTION` or `--checker FILE.py:FUNCTION`."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lapel.errors import ConfigError
from lapel_fleet.checkers.records import Case, Checker
from lapel_fleet.checkers.registry import CHECKERS
from lapel_fleet.checkers.renamed import RENAMED, current_function
from lapel_fleet.checkers.user_code import last_line, load_module, not_found


def load(name: str) -> Checker:
    """The checker `package.module:function`, or `path/to/file.py:function`. Raises ConfigError saying what is wrong.

    The checker itself raises ConfigError too, with its name, the camera and the line, when the function raises an error
    or yields something that is no verdict. A function of Lapel's own is also found under its former name.
    """
    module, function = load_module("--checker", name)
    found = getattr(module, function, None)
    if found is None and module.__name__.startswith(f"{__package__}."):
        found = getattr(module, current_function(function), None)
    if found is None:
        raise not_found("--checker", name, module)
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
            raise ConfigError(f"--checker {name}: {camera}: {last_line(error)}") from error

    return guarded
