"""The dashboard for Grafana and the alert rules use only metrics and labels that exist."""

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from fleet.operator.messages import reply, state
from fleet.operator.metrics.measured_fleet import Fleet, event, telemetry
from lapel.clock import iso
from lapel.link.messages import Command, EventKind, PresenceState

FOLDER = Path(__file__).parents[4] / "examples" / "grafana"
NAME, SELECTOR = re.compile(r"\blapel_\w+"), re.compile(r"\b(lapel_\w+)\{([^}]*)\}")


def expressions() -> list[str]:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
    panels = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    sites = [one["query"]["query"] for one in dashboard["templating"]["list"] if one["type"] == "query"]
    return [*panels, *sites, *(rule["expr"] for rule in rules)]


@pytest.fixture
def samples() -> dict[str, set[str]]:
    """The labels of every sample, of a fleet in which everything has happened."""
    fleet = Fleet()
    now = iso(fleet.clock.now().utc)
    short = event("1", "prebuffer-saved", actual_s=1.0, configured_s=2.0, shortfall="was off")
    fleet.sends(
        "a/1", state("a/1", flags=["frozen"]), Command(id="1", command="status"), reply("1"), short,
        event("2", "footage-lost", seconds=1.0), telemetry(now, battery_percent=1.0, storage_free_bytes=1),
    )  # fmt: skip
    fleet.sends("a/2", telemetry(iso(fleet.clock.now().shifted(100).utc)), state("a/2"))
    fleet.clock.wait(1000)
    families = text_string_to_metric_families(generate_latest(fleet.metrics.registry).decode())
    return {sample.name: {*sample.labels} for family in families for sample in family.samples}


def test_every_name_exists(samples: dict[str, set[str]]) -> None:
    used = {name for expression in expressions() for name in NAME.findall(expression)}
    assert used <= samples.keys()
    own = {name for name in samples if not name.endswith(("_created", "_sum", "_count", "_bucket"))}
    assert own - used == set(), "metrics that nothing shows"


def test_every_label_and_its_values_exist(samples: dict[str, set[str]]) -> None:
    known = {"state": PresenceState.__args__, "kind": EventKind.__args__}  # type: ignore[attr-defined]
    for expression in expressions():
        for name, selector in SELECTOR.findall(expression):
            for label, value in re.findall(r'(\w+)=~?"([^"]*)"', selector):
                assert label in samples[name], f"{name} has no label {label}"
                if label in known and not value.startswith("$"):
                    assert set(value.split("|")) <= set(known[label])
