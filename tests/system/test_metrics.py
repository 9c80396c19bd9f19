"""`lapel-fleet run --metrics`, scraped as Prometheus would."""

import asyncio
import json
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from lapel_fleet.broker.embedded import free_port
from system.brokers import real
from system.process import until
from system.test_fleet_live import SHORT_DAY, run


def scraped(url: str) -> dict[str, float]:
    """The sum of each metric."""
    with urllib.request.urlopen(url, timeout=10) as response:
        families = text_string_to_metric_families(response.read().decode())
    sums: dict[str, float] = {}
    for family in families:
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0) + sample.value
    return sums


async def test_a_run_serves_what_it_receives(tmp_path: Path) -> None:
    real("mosquitto")
    (tmp_path / "day.toml").write_text(SHORT_DAY.replace("duration_s = 4", "duration_s = 6"))
    port = free_port()
    with run(tmp_path, tmp_path / "day.toml", "--metrics", str(port), "--json") as fleet:
        await until(lambda: f"metrics: http://127.0.0.1:{port}/metrics" in fleet.err, lambda: fleet.err)
        newest: dict[str, float] = {}

        def measured() -> bool:
            nonlocal newest
            newest = scraped(f"http://127.0.0.1:{port}/metrics")
            return newest.get("lapel_events_total", 0) > 20

        while not await asyncio.to_thread(measured):
            await asyncio.sleep(0.2)
        with run(tmp_path, "smoke", "--metrics", str(port), name="second") as second:
            assert await second.ends() == 2
            assert f"--metrics {port}: cannot listen there" in second.err
        assert await fleet.ends() == 0, fleet.err
    assert newest["lapel_cameras"] == 4
    assert newest["lapel_invalid_messages_total"] == 0
    assert "lapel_cameras_clock_off" not in newest  # the clock of the run is that of its cameras
    assert 20 < newest["lapel_messages_total"] <= json.loads(fleet.out)["messages"]


async def test_metrics_need_real_time(tmp_path: Path) -> None:
    with run(tmp_path, "smoke", "--virtual", "--metrics", "0") as fleet:
        assert await fleet.ends() == 2
        assert fleet.err.startswith("lapel-fleet: --metrics with --virtual: metrics are scraped in real time")
