import stat
from pathlib import Path

import pytest

from lapel.errors import ConfigError
from lapel.tokens import Tokens, tokens_from


def test_a_file_is_made_that_only_its_owner_reads_and_the_token_stays(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    first = tokens_from(path, "ann")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert tokens_from(path, "bob").by_name == first.by_name
    assert [*first.by_name] == ["ann"]


def test_without_a_file_each_start_has_its_own() -> None:
    assert tokens_from(None, "ann").by_name != tokens_from(None, "ann").by_name


def test_only_the_whole_token_counts() -> None:
    tokens = Tokens({"ann": "a" * 24, "bob b": "b" * 24})
    assert tokens.owner("b" * 24) == "bob b"
    for wrong in ("", "a" * 23, "a" * 25, "ann", "ä" * 24):
        assert tokens.owner(wrong) is None


@pytest.mark.parametrize("text", ["ann", "ann short", "ann " + "ä" * 24, " " + "a" * 24])
def test_a_bad_line_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "tokens").write_text(f"\n{text}\n")
    with pytest.raises(ConfigError, match=r"tokens, line 2: give NAME TOKEN, with a token of at least 20"):
        tokens_from(tmp_path / "tokens", "ann")
