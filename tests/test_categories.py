"""Categories: the agency's list, and the choice before, during and after a recording."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from body_worn_camera import BodyWornHarness, run_steps
from lapel.categories import NAME_CHARS, Categories, categories_of
from lapel.config import RecordingSection, load
from lapel.errors import ConfigError
from lapel.recording import Account

CONFIG = load(
    flags={
        ("recording", "min_free_bytes"): 0,
        ("recording", "categories"): "traffic stop, arrest, use of force",
        ("recording", "critical_categories"): "use of force",
    }
)


def section(**keys: str) -> RecordingSection:
    return RecordingSection(**keys)


def test_the_list_is_taken_in_its_order_and_stepped_through_in_a_ring() -> None:
    categories = categories_of(CONFIG.recording)
    assert (categories.names, categories.critical) == (["traffic stop", "arrest", "use of force"], {"use of force"})
    steps = [""]
    for _ in range(4):
        steps.append(categories.after(steps[-1]))
    assert steps == ["", "traffic stop", "arrest", "use of force", ""]
    assert categories.find("ARREST") == "arrest"
    assert categories.find("uncategorised") == ""


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"categories": "a, b", "critical_categories": "c"}, "critical_categories: c is not in `categories`"),
        ({"categories": "a, b, a"}, "categories: a is there twice"),
        ({"categories": "a\x1b[2J"}, "cannot be the name of a category"),
        ({"categories": "uncategorised"}, "cannot be the name of a category"),
        ({"categories": "x" * (NAME_CHARS + 1)}, "cannot be the name of a category"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused(keys: dict[str, str], reason: str) -> None:
    with pytest.raises(ConfigError) as error:
        categories_of(section(**keys))
    assert reason in str(error.value)
    assert str(error.value).isprintable()


def test_an_unknown_category_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="arest is no category; did you mean `arrest`"):
        categories_of(CONFIG.recording).find("arest")
    with pytest.raises(ConfigError, match="there are no categories"):
        Categories().find("arrest")


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_text_makes_anything_but_a_list_or_an_error(names: str, critical: str) -> None:
    try:
        categories = categories_of(section(categories=names, critical_categories=critical))
    except ConfigError as error:
        reason = str(error)
    else:
        reason = ""
    assert reason.isprintable()
    if reason:
        return
    assert categories.critical <= set(categories.names)
    assert all(name.isprintable() and 0 < len(name) <= NAME_CHARS for name in categories.names)


# -- in a camera -------------------------------------------------------------------------------------------------------


def run(steps: Any) -> tuple[BodyWornHarness, list[Account]]:
    harness = run_steps(steps, config=CONFIG)
    return harness, harness.storage.listing()


async def stop(harness: BodyWornHarness) -> None:
    await harness.buttons.hold("event", 3.5)
    await harness.clock.sleep(0.5)


def test_a_category_before_is_that_of_the_next_recording_alone() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        harness.buttons.press("select")
        await harness.clock.sleep(1)
        await harness.start_recording()
        await stop(harness)
        await harness.start_recording()
        await stop(harness)
        await harness.clock.sleep(10)

    harness, (first, second) = run(steps)
    assert (first.category, second.category) == ("traffic stop", "")
    (event,) = harness.link.events("category-chosen")
    assert event.detail == {"recording": None, "category": "traffic stop", "critical": False, "source": "button"}


def test_a_category_during_a_recording() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await harness.start_recording()
        for _ in range(3):
            harness.buttons.press("select")
            await harness.clock.sleep(1)
        await stop(harness)
        assert harness.count("signals category asked") == 0

    harness, (account,) = run(steps)
    assert (account.category, account.is_critical) == ("use of force", True)
    assert harness.count("signals category") == 3


@pytest.mark.parametrize(("pause_s", "category"), [(3.0, "traffic stop"), (6.9, "traffic stop"), (7.1, "")])
def test_a_category_within_eight_seconds_of_the_stop(pause_s: float, category: str) -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await harness.start_recording()
        await stop(harness)  # a second ago by now
        assert harness.count("signals category asked") == 1
        assert harness.link.events("recording-saved") == []
        await harness.clock.sleep(pause_s)
        harness.buttons.press("select")
        await harness.clock.sleep(20)
        assert len(harness.link.events("recording-saved")) == 1

    _, (account,) = run(steps)
    assert (account.status, account.category) == ("complete", category)


def test_a_recording_that_waits_for_its_category_is_closed_by_what_comes_next() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await harness.start_recording()
        await stop(harness)
        await harness.start_recording()
        assert len(harness.link.events("recording-saved")) == 1
        await stop(harness)
        harness.dock.put_in()
        await harness.clock.sleep(0.1)
        assert len(harness.link.events("recording-saved")) == 2
        harness.dock.take_out()
        await harness.clock.sleep(1)
        await harness.start_recording()
        await stop(harness)

    _, accounts = run(steps)
    assert [account.status for account in accounts] == ["complete"] * 3


def test_a_category_by_command() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await harness.start_recording()
        harness.link.command("category", "1", category="Arrest")
        harness.link.command("category", "2", category="murder\x1b")
        await harness.clock.sleep(1)
        harness.link.command("category", "3")
        await harness.clock.sleep(1)
        harness.link.command("category", "4", category="arrest")
        await harness.clock.sleep(1)

    harness, (account,) = run(steps)
    assert [(reply.id, reply.result) for reply in harness.link.replies] == [
        ("1", "done"), ("2", "refused"), ("3", "done"), ("4", "done"),
    ]  # fmt: skip
    assert account.category == "arrest"
    assert harness.link.replies[1].reason is not None
    assert harness.link.replies[1].reason.isprintable()


def test_without_categories_nothing_is_asked_and_the_button_refuses() -> None:
    async def steps(harness: BodyWornHarness) -> None:
        await harness.start_recording()
        harness.buttons.press("select")
        await stop(harness)
        assert harness.count("signals refused") == 1
        assert len(harness.link.events("recording-saved")) == 1

    run_steps(steps)
