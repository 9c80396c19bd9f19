import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.operator.messages import state
from lapel.errors import ConfigError
from lapel_fleet.operator.selector import parse

FLEET = {
    "baltimore/cam-0001": state("baltimore/cam-0001", "recording"),
    "baltimore/cam-0002": state("baltimore/cam-0002", flags=["source-lost"]),
    "buffalo/cam-0001": state("buffalo/cam-0001", "offline"),
    "buffalo/front": state("buffalo/front", "recording", flags=["clock-unsynced", "muted"]),
    "detroit/dented": None,
}
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/,=*?[]", exclude_categories=["C", "Z"]), min_size=1)


@pytest.mark.parametrize(
    ("texts", "chosen"),
    [
        (["*"], list(FLEET)),
        (["*/*"], list(FLEET)),
        (["baltimore/*"], ["baltimore/cam-0001", "baltimore/cam-0002"]),
        (["cam-0001"], ["baltimore/cam-0001", "buffalo/cam-0001"]),
        (["b*/cam-000[12]"], ["baltimore/cam-0001", "baltimore/cam-0002", "buffalo/cam-0001"]),
        (["baltimore/cam-0002,buffalo/front"], ["baltimore/cam-0002", "buffalo/front"]),
        (["baltimore/cam-0002", " buffalo/front"], ["baltimore/cam-0002", "buffalo/front"]),
        (["state=recording"], ["baltimore/cam-0001", "buffalo/front"]),
        (["state=recording,state=offline"], ["baltimore/cam-0001", "buffalo/cam-0001", "buffalo/front"]),
        (["buffalo/*,state=recording"], ["buffalo/front"]),
        (["state=recording", "flag=muted"], ["buffalo/front"]),
        (["flag=muted,flag=source-lost"], ["baltimore/cam-0002", "buffalo/front"]),
        (["state!=offline,state!=recording"], ["baltimore/cam-0002", "detroit/dented"]),
        (["buffalo/*,flag!=muted"], ["buffalo/cam-0001"]),
    ],
)
def test_the_selected_cameras(texts: list[str], chosen: list[str]) -> None:
    assert parse(texts).choose(FLEET) == chosen


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("baltimor/*", "did you mean `baltimore/*`?"),
        ("baltimore", "did you mean `baltimore/*`?"),
        ("baltimore/*,bufalo/front", "did you mean `buffalo/front`?"),
        ("x", "there are baltimore/*, buffalo/*, detroit/*"),
        ("state=recordin", "did you mean `recording`?"),
        ("stat=recording", "did you mean `state`?"),
        ("flag=mute", "did you mean `muted`?"),
        ("flag=", "name a flag"),
        ("state=docked", "there are 1 buffering, 1 offline, 2 recording"),
        ("a/b/c", "give SITE/CAMERA"),
        ("baltimore/*,,", "give SITE/CAMERA"),
        ("", "give SITE/CAMERA"),
    ],
)
def test_a_selector_that_selects_nothing_is_an_error(text: str, error: str) -> None:
    with pytest.raises(ConfigError, match=error.replace("*", r"\*").replace("?", r"\?")):
        parse([text]).choose(FLEET)


def test_an_empty_fleet_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no camera of this agency has published"):
        parse(["*"]).choose({})


@given(NAMES, NAMES, st.sets(NAMES))
def test_a_full_name_selects_that_camera_only(site: str, name: str, others: set[str]) -> None:
    fleet = dict.fromkeys([f"{site}/{name}", *(f"{site}/{other}" for other in others), f"{site}x/{name}"])
    if "!" not in name + site:
        assert parse([f"{site}/{name}"]).choose(fleet) == [f"{site}/{name}"]


@given(st.text(), st.sampled_from(sorted(FLEET)))
def test_any_text_selects_cameras_or_is_an_error(text: str, camera: str) -> None:
    try:
        chosen = parse([text]).choose(FLEET)
    except ConfigError:
        return
    assert chosen
    assert (camera in chosen) is parse([text]).fits(camera, FLEET[camera])
