"""Command lines: split into words, parsed, completed."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapel.console.command import Answer, Noun, Option, Parameter, Verb
from lapel.console.command_parser import CommandTable, all_commands
from lapel.console.tokens import is_inside_quotes, split
from lapel.errors import ConsoleError


async def _noop(_: object) -> Answer:
    return Answer(None)


TABLE = CommandTable(
    [
        Noun("stop", "", (Verb("", _noop, ""),)),
        Noun(
            "store",
            "",
            (Verb("show", _noop, ""), Verb("shut", _noop, "", parameters=(Parameter("way", ""),))),
        ),
        Noun("sto", "", (Verb("", _noop, "", parameters=(Parameter("side", "", choices=("left", "lower")),)),)),
        Noun(
            "note",
            "",
            (Verb("", _noop, "", parameters=(Parameter("text", "", rest=True),), options=(Option("ticket", ""),)),),
        ),
    ]
)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  a   b ", ["a", "b"]),
        ("record start 'a b'", ["record", "start", "a b"]),
        ('record start "a b"', ["record", "start", "a b"]),
        ("""note "it's" 'a "b"'""", ["note", "it's", 'a "b"']),
        ("note wearer's clip", ["note", "wearer's", "clip"]),
        ("a '' b", ["a", "", "b"]),
    ],
)
def test_quotation_marks_keep_words_together(line: str, words: list[str]) -> None:
    assert split(line) == words


@pytest.mark.parametrize("line", ["'", "a 'b", 'a "b c', "'a'b", "'''"])
def test_a_missing_quotation_mark_is_named(line: str) -> None:
    with pytest.raises(ConsoleError, match="a quotation mark is missing at"):
        split(line)


@pytest.mark.parametrize(
    ("line", "inside"),
    [("", False), ("a 'b", True), ("a 'b c", True), ("a 'b'", False), ("it's", False), ("'a'b", False)],
)
def test_an_open_quotation_mark_is_detected(line: str, inside: bool) -> None:
    assert is_inside_quotes(line) is inside


@given(st.text(max_size=80))
def test_any_line_is_a_command_or_a_console_error(line: str) -> None:
    table = all_commands()
    is_inside_quotes(line)
    table.complete(line, None)  # type: ignore[arg-type]  # none of these parameters is completed from the camera
    for job in (table.parse, table.help):
        if line.strip():
            with contextlib.suppress(ConsoleError):
                job(line)


@given(
    st.lists(st.sampled_from(["record", "start", "-j", "-h", "config", "set", "note", "--ticket", "'", '"', "x", "?"]))
)
def test_any_line_of_known_words_is_a_command_or_a_console_error(words: list[str]) -> None:
    line = " ".join(words)
    if line:
        with contextlib.suppress(ConsoleError):
            all_commands().parse(line)


@pytest.mark.parametrize(
    ("line", "name", "words"),
    [
        ("stop", "stop", {}),
        ("store", "store show", {}),
        ("stor sho", "store show", {}),
        ("sto le", "sto", {"side": "left"}),
        ("n a b", "note", {"text": "a b"}),
        ("note a --ticket 7 b", "note", {"text": "a b", "ticket": "7"}),
        ("store shut 'this way'", "store shut", {"way": "this way"}),
    ],
)
def test_unique_prefixes_are_accepted(line: str, name: str, words: dict[str, str]) -> None:
    parsed = TABLE.parse(line)
    assert (parsed.name, parsed.words) == (name, words)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("s", "`s` is ambiguous: sto, stop, store"),
        ("x", "unknown command `x`; use one of: note, sto, stop, store"),
        ("store sh", "`sh` is ambiguous: show, shut"),
        ("store x", "unknown store verb `x`; use one of: show, shut"),
        ("store shut", "needs WAY"),
        ("store shut a b", "unexpected word `b`; see `store shut -h`"),
        ("sto l", "`l` is ambiguous: left, lower"),
        ("sto x", "unknown value `x`; use one of: left, lower"),
        ("note a --ticket", "--ticket needs a value"),
    ],
)
def test_an_invalid_line_names_what_is_valid(line: str, message: str) -> None:
    with pytest.raises(ConsoleError, match=message):
        TABLE.parse(line)


@pytest.mark.parametrize(
    ("line", "add", "choices"),
    [
        ("n", "ote ", ("note",)),
        ("st", "o", ("sto", "stop", "store")),
        ("sto ", "l", ("left", "lower")),
        ("sto le", "ft ", ("left",)),
        ("store sh", "", ("show", "shut")),
        ("note x", "", ()),
        ("x ", "", ()),
    ],
)
def test_tab_completes(line: str, add: str, choices: tuple[str, ...]) -> None:
    completion = TABLE.complete(line, None)  # type: ignore[arg-type]
    assert (completion.add, completion.choices) == (add, choices)


def test_json_and_help_are_accepted_anywhere() -> None:
    assert TABLE.parse("store -j show").json
    assert TABLE.parse("store shut -h").help
