"""The line editor with an independent terminal emulator: the row shows what the editor holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.terminals import DumbTerminal, Emulator, Terminal
from lapel.console.editor import LINE_MAX_CHARS, LineEditor
from lapel.console.keys import KeyDecoder

PROMPT = "cam-0001 buffering> "
KEYS = st.lists(
    st.sampled_from("ab c'?é")
    | st.sampled_from(
        ["left", "right", "home", "end", "backspace", "delete", "kill-line", "kill-rest", "kill-word", "up", "down",
         "enter", "above", "prompt", "redraw"]
    ),
    max_size=60,
)  # fmt: skip


class EditingSession:
    """A user who edits lines at a terminal."""

    def __init__(self, terminal: Terminal, columns: int) -> None:
        self.terminal = terminal
        self.editor = LineEditor(lambda text: terminal.feed(text.encode()), lambda: columns)
        self.editor.begin(PROMPT)
        self.entered: list[str] = []

    def press(self, key: str) -> None:
        match key:
            case "above":
                self.editor.show_above(["something else"])
            case "prompt":
                self.editor.change_prompt("cam-0001 recording> ")
            case _:
                pressed = self.editor.press(key)
                if pressed == "line":
                    self.entered.append(self.editor.text)
                    self.editor.begin(PROMPT)
                elif pressed == "redraw":
                    self.editor.redraw()
                elif pressed == "help":
                    self.editor.insert("?")

    @property
    def shown(self) -> str:
        return self.terminal.text(self.terminal.row)


@given(KEYS, st.sampled_from([80, 200]))
def test_the_row_shows_the_prompt_and_the_line(keys: list[str], columns: int) -> None:
    for terminal in (Emulator(columns), DumbTerminal(columns)):
        session = EditingSession(terminal, columns)
        for key in keys:
            session.press(key)
            assert session.shown == (session.editor.prompt + session.editor.text).rstrip()
        if isinstance(terminal, Emulator):
            assert terminal.cursor.x == len(session.editor.prompt) + session.editor.cursor


@given(KEYS, st.integers(24, 50))
def test_on_a_narrow_terminal_it_stays_one_row_and_shows_the_text_at_the_cursor(keys: list[str], columns: int) -> None:
    terminal = Emulator(columns)
    session = EditingSession(terminal, columns)
    rows = 0
    for key in keys:
        session.press(key)
        rows += key in ("enter", "above")
        assert terminal.row == rows
        before = session.editor.text[: session.editor.cursor]
        assert session.shown.ljust(columns)[: terminal.cursor.x].endswith(before[-8:])


@given(st.lists(st.sampled_from("abc") | st.sampled_from(["left", "backspace", "home"]), max_size=40))
def test_without_echo_nothing_is_shown(keys: list[str]) -> None:
    terminal = Emulator(80)
    editor = LineEditor(lambda text: terminal.feed(text.encode()), lambda: 80)
    editor.begin("secret: ", echo=False)
    for key in keys:
        editor.press(key)
        assert terminal.text(0) == "secret:"


def test_the_length_of_a_line_is_limited() -> None:
    session = EditingSession(Emulator(80), 80)
    for _ in range(LINE_MAX_CHARS + 100):
        session.press("x")
    assert len(session.editor.text) == LINE_MAX_CHARS


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"a\r\nb\n\r", ["a", "enter", "b", "enter", "enter"]),
        (b"\x7f\x08", ["backspace", "backspace"]),
        (b"\x1b[A\x1bOB\x1b[1;5C\x1b[3~", ["up", "down", "right", "delete"]),
        (b"\x1b[24;80R", ["column 80"]),
        ("é".encode(), ["é"]),
        (b"\xff\xfe", []),
        ("漢".encode(), []),
        (b"\x1b\x1b[A", ["up"]),
    ],
)
def test_bytes_are_decoded_into_keys(data: bytes, keys: list[str]) -> None:
    decoder = KeyDecoder()
    assert [key for byte in data for key in decoder.feed(bytes([byte]))] == keys


@given(st.binary(max_size=400))
def test_any_bytes_give_known_keys_or_none(data: bytes) -> None:
    decoder, editor = KeyDecoder(), LineEditor(lambda _: None, lambda: 80)
    editor.begin(PROMPT)
    for key in decoder.feed(data):
        assert len(key) == 1 or key.replace("-", "").replace(" ", "").isalnum()
        editor.press(key)
