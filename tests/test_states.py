"""The state chart: every pair of state and event, effects, refusals."""

from dataclasses import fields
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lapel.states import TABLE, Chart, Effect, Event, Facts, Go, No, State, mermaid, table_text

GOLDEN = Path(__file__).parent / "golden" / "states.txt"
ALL_FACTS = [Facts(*values) for values in product((False, True), repeat=len(fields(Facts)))]


def test_the_table_is_the_reviewed_one() -> None:
    assert table_text() == GOLDEN.read_text(), "reviewed? lapel-camera states --table > tests/golden/states.txt"


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_every_pair_of_state_and_event_has_an_outcome_under_all_facts(state: State, event: Event) -> None:
    for facts in ALL_FACTS:
        chart = Chart()
        chart.state = state.value
        outcome = chart.handle(event, facts)
        rows = TABLE[state][event]
        row = next(row for row in rows if row.when is None or getattr(facts, row.when))
        assert (outcome.before, outcome.event) == (state, event)
        assert chart.state == outcome.after
        match row:
            case Go(to, effects):
                assert (outcome.after, outcome.effects, outcome.refusal) == (to, effects, None)
            case No(reason):
                assert (outcome.after, outcome.effects, outcome.refusal) == (state, (), reason)


def test_each_refusal_of_a_state_has_its_own_reason() -> None:
    for state, answers in TABLE.items():
        reasons = [row.reason for rows in answers.values() for row in rows if isinstance(row, No)]
        assert len(set(reasons)) == len(reasons), state


@given(st.lists(st.tuples(st.sampled_from(Event), st.sampled_from(ALL_FACTS))))
def test_capture_and_recording_are_started_and_stopped_alternately(events: list[tuple[Event, Facts]]) -> None:
    chart, capturing, recording = Chart(), False, False
    for event, facts in events:
        for effect in chart.handle(event, facts).effects:
            match effect:
                case Effect.START_CAPTURE | Effect.STOP_CAPTURE:
                    assert capturing is (effect is Effect.STOP_CAPTURE)
                    capturing = not capturing
                case Effect.OPEN_RECORDING | Effect.CLOSE_RECORDING:
                    assert recording is (effect is Effect.CLOSE_RECORDING)
                    assert capturing
                    recording = not recording
                case _:
                    pass
        assert recording is (chart.state == State.RECORDING)
        assert capturing is (chart.state in {State.RECORDING, State.BUFFERING})


def test_charts_share_a_machine_but_no_state() -> None:
    one, other = Chart(), Chart()
    one.handle(Event.POWER_ON, Facts())
    assert (one.state, other.state) == ("booting", "off")


def test_the_diagram_names_every_state() -> None:
    text = mermaid()
    assert text.startswith("---") or "stateDiagram" in text
    assert all(state.value in text for state in State)
