"""The base of all tables of a scenario file, and the check for keys that do not exist."""

from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from lapel.config import suggestion
from lapel.errors import ConfigError


class Table(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A table of a scenario file."""


def refuse_unknown_keys(tree: Mapping[str, Any], kind: type[Table], origin: str, path: str = "") -> None:
    """Raise ConfigError for a key that `kind` and the tables in it do not have, with the key that was probably meant.

    msgspec refuses unknown keys too, but suggests none. `path` leads to `tree` and ends with a dot.
    """
    for key in tree:
        if key not in kind.__struct_fields__:
            raise ConfigError(f"{origin}: {path}{key}: no such key{suggestion(key, kind.__struct_fields__)}")
    hints = get_type_hints(kind)
    for key, value in tree.items():
        for table, inner, at in _inner_tables(_without_none(hints[key]), value, f"{path}{key}"):
            refuse_unknown_keys(table, inner, origin, f"{at}.")


def _inner_tables(hint: Any, value: Any, path: str) -> Iterator[tuple[Mapping[str, Any], type[Table], str]]:
    """The tables in a value, each with the type it should have and the path to it."""
    if _is_table(hint) and isinstance(value, dict):
        yield value, hint, path
    elif get_origin(hint) is list and _is_table(inner := get_args(hint)[0]) and isinstance(value, list):
        for number, one in enumerate(value):
            if isinstance(one, dict):
                yield one, inner, f"{path}[{number}]"


def _without_none(hint: Any) -> Any:
    """`T` for `T | None`."""
    if isinstance(hint, UnionType) and NoneType in get_args(hint):
        return next(one for one in get_args(hint) if one is not NoneType)
    return hint


def _is_table(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Table)
