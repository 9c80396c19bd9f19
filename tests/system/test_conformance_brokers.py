"""The conformance suite in other languages, on a second real broker: JavaScript with mqtt.js, and aedes from npm."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lapel_fleet.broker.embedded import free_port
from system.brokers import real
from system.test_conformance import BACK_END, EXAMPLES, SOME, verdicts

AEDES = """
import aedes from "aedes";
import { createServer } from "node:net";
const server = createServer(aedes().handle);
server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("listening"));
"""
BUG = ("if (!this.events.has(message.id)) this.events.set(message.id, message);", "this.events.set(Symbol(), message);")
"""Counts a repeated event twice."""


@pytest.fixture(scope="module")
def javascript(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example back end, mqtt.js and aedes."""
    real("node")
    folder = tmp_path_factory.mktemp("javascript")
    shutil.copy(EXAMPLES / "javascript" / "backend.js", folder)
    shutil.copy(EXAMPLES / "javascript" / "package.json", folder)
    command = [real("npm"), "install", "--no-audit", "--no-fund", "--no-package-lock", "aedes@^0.51.3"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=110, check=False)
    if done.returncode:
        (pytest.fail if os.environ.get("LAPEL_REAL") == "1" else pytest.skip)(f"npm install: {done.stderr[-500:]}")
    return folder


@pytest.fixture
def aedes(javascript: Path) -> Iterator[str]:
    """The address of an aedes."""
    (javascript / "aedes.mjs").write_text(AEDES)
    port = free_port()
    command = [real("node"), "aedes.mjs", str(port)]
    with subprocess.Popen(command, cwd=javascript, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        yield f"mqtt://127.0.0.1:{port}"
        process.terminate()


def probe_command(folder: Path, name: str = "backend.js") -> str:
    return f"node {shlex.quote(str(folder / name))} {{broker}} {{agency}} {folder / 'events.jsonl'}"


def test_a_back_end_in_javascript_passes_on_mosquitto(javascript: Path) -> None:
    real("mosquitto")
    found = verdicts(*SOME, "unknown-kinds-of-event", "--restarts", "--probe-command", probe_command(javascript))
    assert set(found.values()) == {"passed"}


def test_a_bug_in_it_is_found_on_aedes(javascript: Path, aedes: str) -> None:
    source = (javascript / "backend.js").read_text()
    assert BUG[0] in source
    (javascript / "bug.js").write_text(source.replace(*BUG))
    options = ("--broker", aedes, "--restarts", "--probe-command", probe_command(javascript, "bug.js"))
    found = verdicts("late-will", "repeated-events", "restart-of-the-back-end", *options)
    assert found == {"late-will": "passed", "repeated-events": "failed", "restart-of-the-back-end": "passed"}


def test_the_example_passes_on_aedes(aedes: str, tmp_path: Path) -> None:
    command = f"{BACK_END} --ask --journal {tmp_path / 'journal'}"
    found = verdicts(*SOME, "--broker", aedes, "--restarts", "--probe-command", command)
    assert set(found.values()) == {"passed"}


@pytest.mark.soak
def test_all_verdicts_are_the_same_through_both_probes_on_both_brokers(aedes: str, tmp_path: Path) -> None:
    real("mosquitto")
    found = []
    for number, broker in enumerate((None, aedes)):
        options = ("--seed", "5", *(("--broker", broker) if broker else ()))
        own = f"{BACK_END} --ask --journal {tmp_path / f'command-{number}'}"
        found.append(verdicts(*options, "--restarts", "--probe-command", own))
        port = free_port()
        served = f"{BACK_END} --http {port} --journal {tmp_path / f'http-{number}'}"
        url = f"http://127.0.0.1:{port}/fleet/{{site}}/{{camera}}"
        found.append(verdicts(*options, "--probe", url, "--back-end", served))
    assert all(one == found[0] for one in found)
    assert set(found[0].values()) == {"passed"}
