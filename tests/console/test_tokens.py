"""Lines as words, as commands, and as what Tab makes of them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapel.console.command import Answer, Noun, Option, Parameter, Table, Verb, all_commands
from lapel.console.tokens import is_inside_quotes, split
from lapel.errors import ConsoleError


async def _nothing(_: object) -> Answer:
    return Answer(None)


TABLE = Table(
    [
        Noun("stop", "", (Verb("", _nothing, ""),)),
        Noun("store", "", (Verb("show", _nothing, ""), Verb("shut", _nothing, "", parameters=(Parameter("way", ""),)))),
        Noun("sto", "", (Verb("", _nothing, "", parameters=(Parameter("side", "", choices=("left", "lower")),)),)),
        Noun(
            "note",
            "",
            (Verb("", _nothing, "", parameters=(Parameter("text", "", rest=True),), options=(Option("ticket", ""),)),),
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
def test_an_open_quotation_mark_is_known(line: str, inside: bool) -> None:
    assert is_inside_quotes(line) is inside


@given(st.text(max_size=80))
def test_any_line_is_a_command_or_one_clear_error(line: str) -> None:
    table = all_commands()
    is_inside_quotes(line)
    table.complete(line, None)  # type: ignore[arg-type]  # no parameter of these is completed from the camera
    for job in (table.parse, table.help):
        if line.strip():
            with contextlib.suppress(ConsoleError):
                job(line)


@given(
    st.lists(st.sampled_from(["record", "start", "-j", "-h", "config", "set", "note", "--ticket", "'", '"', "x", "?"]))
)
def test_so_is_any_line_of_known_words(words: list[str]) -> None:
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
def test_unique_beginnings_will_do(line: str, name: str, words: dict[str, str]) -> None:
    parsed = TABLE.parse(line)
    assert (parsed.name, parsed.words) == (name, words)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("s", "may be sto, stop, store"),
        ("x", "is no command"),
        ("store sh", "may be show, shut"),
        ("store x", "is no verb of store"),
        ("store shut", "needs WAY"),
        ("store shut a b", "is too much"),
        ("sto l", "may be left, lower"),
        ("sto x", "is no choice"),
        ("note a --ticket", "--ticket needs a value"),
    ],
)
def test_what_cannot_be_says_what_would_be_right(line: str, said: str) -> None:
    with pytest.raises(ConsoleError, match=said):
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
def test_tab(line: str, add: str, choices: tuple[str, ...]) -> None:
    completion = TABLE.complete(line, None)  # type: ignore[arg-type]
    assert (completion.add, completion.choices) == (add, choices)


def test_json_and_help_may_stand_anywhere() -> None:
    assert TABLE.parse("store -j show").json
    assert TABLE.parse("store shut -h").help
