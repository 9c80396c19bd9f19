from pathlib import Path

import pytest

from lapel.errors import ConfigError
from lapel.policy.profile import load_profile, parse_profile, shipped_profiles

HEAD = 'name = "mine"\ntitle = "The profile of a test."\n'


def limit(**keys: str) -> str:
    lines = {"kind": '"limit"', "id": '"one"', "text": '"A rule in a sentence."', "answer": '"refuse"', **keys}
    return "[[rule]]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())


def zone(**keys: str) -> str:
    lines = {
        "id": '"court"', "text": '"The court house."', "context": '"courtroom"', "latitude": "39.3",
        "longitude": "-76.6", "radius_m": "100", **keys,
    }  # fmt: skip
    return "[[zone]]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())


def test_three_profiles_come_with_it() -> None:
    assert shipped_profiles() == ["court-order-example", "development", "federal-2024"]
    for name in shipped_profiles():
        assert load_profile(name).name == name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name = ", "is not TOML"),
        (HEAD + "nmae = 1", "unknown field `nmae`"),
        (HEAD + limit(sources='["wearer", "drone"]'), "rule one: .*sources can be wearer, command, peer"),
        (HEAD + limit(contexts='["church"]'), "contexts can be first-amendment, medical, courtroom"),
        (HEAD + limit(answer='"deny"'), "rule one: "),
        (HEAD + limit(surces='["wearer"]'), "rule one: .*unknown field `surces`"),
        (HEAD + limit(valid_from="2026-13-01"), "is not TOML"),
        (
            HEAD + limit(valid_from="2026-02-01", valid_until="2026-01-31"),
            "rule one: valid_until .* is before valid_from",
        ),
        (HEAD + limit() + limit(), "rule one: there are 2 of this id"),
        (
            HEAD + limit() + limit(id='"two"', contexts='["medical"]'),
            "rule two: can never apply, since rule one before",
        ),
        (HEAD + limit(sources='["wearer", "peer"]'), "rule one: the wearer's own start is never refused"),
        (HEAD + limit(answer='"ask"', sources='["command"]'), 'rule one: answer = "ask" is for the wearer alone'),
        (HEAD + limit(text='"short"'), "rule one: "),
        (HEAD + '[[rule]]\nkind = "law"\nid = "d"\ntext = "A rule in a sentence."\n', "kind can be duty, limit"),
        (HEAD + zone(context='"church"'), "zone court: .*context can be first-amendment"),
        (HEAD + zone(latitude="91"), "zone court: "),
        (HEAD + zone(begins="09:00:00"), "zone court: a time window needs both"),
        (HEAD + zone(begins="09:00:00", ends="09:00:00"), "zone court: begins and ends at"),
        (HEAD + zone(valid_from="2026-02-01", valid_until="2026-01-31"), "zone court: valid_until .* is before"),
        (HEAD + limit(id='"court"') + zone(), "rule court: there are 2 of this id"),
        (
            HEAD + '[[rule]]\nkind = "duty"\nid = "d"\ntext = "A rule in a sentence."\nactivities = []\n',
            "rule d: ",
        ),
        (
            HEAD + '[[rule]]\nkind = "duty"\nid = "d"\ntext = "A rule in a sentence."\n'
            'activities = ["arrest"]\nstart_within_s = -1\n',
            "rule d: ",
        ),
    ],
)
def test_what_is_wrong_is_named_with_the_file_and_the_rule(text: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=f"^mine.toml: .*{expected}"):
        parse_profile(text, "mine.toml")


def test_rules_of_the_extended_profile_follow(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + 'extends = "federal-2024"\n' + limit())
    rules = [rule.id for rule in load_profile(str(path)).rules]
    assert rules == ["one", *[rule.id for rule in load_profile("federal-2024").rules]]


def test_a_profile_that_extends_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + f'extends = "{path}"\n')
    with pytest.raises(ConfigError, match="extends itself"):
        load_profile(str(path))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("federal", "did you mean `federal-2024`"),
        ("nowhere.toml", "cannot be read"),
        ("mine.yaml", "path of a .toml file"),
    ],
)
def test_a_profile_that_is_not_there_is_named(name: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        load_profile(name)
