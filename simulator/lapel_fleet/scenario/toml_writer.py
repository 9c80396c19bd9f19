"""Writes a scenario as a TOML file that `loading.load` reads."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from lapel_fleet.scenario.scenario import Scenario

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def as_toml(scenario: Scenario) -> str:
    """The text of the file. Keys with their default values are left out."""
    return "\n".join(_lines(scenario)) + "\n"


def _lines(scenario: Scenario) -> Iterator[str]:
    given = _given(scenario)
    for key, value in given.items():
        if not _is_table(value) and not _is_list_of_tables(value):
            yield f"{_key(key)} = {_value(value)}"
    for key, value in given.items():
        if _is_table(value):
            yield from ("", f"[{_key(key)}]", *_pairs(value))
        elif _is_list_of_tables(value):
            for one in value:
                yield from ("", f"[[{_key(key)}]]", *_pairs(one))


def _pairs(table: Any) -> Iterator[str]:
    for key, value in _given(table).items():
        yield f"{_key(key)} = {_value(value)}"


def _given(table: Any) -> Mapping[str, Any]:
    """A table's keys and values without those that have their defaults."""
    if isinstance(table, dict):
        return table
    values = {field.name: getattr(table, field.name) for field in msgspec.structs.fields(table)}
    return {
        field.name: values[field.name]
        for field in msgspec.structs.fields(table)
        if field.required or values[field.name] != _default(field)
    }


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()


def _is_table(value: Any) -> bool:
    return isinstance(value, msgspec.Struct | dict)


def _is_list_of_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], msgspec.Struct)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _value(key)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # TOML escapes DEL too
        case list() | tuple():
            return f"[{', '.join(map(_value, value))}]"
        case msgspec.Struct():
            return f"{{ {', '.join(_pairs(value))} }}"
        case _:
            raise TypeError(f"{value!r} cannot be written as TOML")
