from pathlib import Path

from fleet.operator.messages import reply, state
from fleet.operator.metrics.measured_fleet import Fleet, event, scraped, telemetry, total
from fleet.report.observed import observed
from fragments import EPOCH
from lapel.clock import iso
from lapel.link.messages import Command
from lapel.link.transport import Inbound
from lapel_fleet.operator.metrics.fleet_metrics import FleetMetrics
from lapel_fleet.operator.received import ClearedTopic, UnreadableMessage, read
from lapel_fleet.report.summary import summarise
from waited_clock import WaitedClock


def test_cameras_are_counted_by_site_and_state_and_flag() -> None:
    fleet = Fleet()
    fleet.sends("a/1", state("a/1", flags=["clock-unsynced"]))
    fleet.sends("a/2", state("a/2", "recording"))
    fleet.sends("b/1", state("b/1", "offline", flags=["clock-unsynced"]))
    assert fleet.total("lapel_cameras", site="a", state="recording") == 1
    assert fleet.total("lapel_cameras") == 3
    assert fleet.total("lapel_cameras_flagged", flag="clock-unsynced") == 1  # not of those offline
    fleet.metrics.take(ClearedTopic("b/1"))
    assert fleet.total("lapel_cameras") == 2


def test_no_label_names_a_camera_and_labels_from_messages_are_bounded() -> None:
    fleet = Fleet()
    for number in range(300):
        name = f"site-{number}/cam-{number}"
        fleet.sends(name, state(name, flags=[f"flag-{number}"]), telemetry(iso(fleet.clock.now().utc)))
    samples = scraped(fleet.metrics)
    assert all("cam-" not in str(labels) for found in samples.values() for labels, _ in found)
    assert len(samples["lapel_cameras"]) == 201
    assert fleet.total("lapel_cameras", site="other") == 100
    assert fleet.total("lapel_cameras_flagged", flag="other") == 260


def test_a_command_s_latency_is_from_its_first_sending_to_its_final_reply() -> None:
    fleet = Fleet()
    command = Command(id="1", command="start-recording")
    fleet.sends("a/1", command, command, reply("1", "accepted"))
    fleet.clock.wait(0.4)
    fleet.sends("a/1", reply("1"), reply("1"), reply("unknown"))
    assert fleet.total("lapel_commands_sent_total") == 1
    assert fleet.total("lapel_commands_total", command="start-recording", result="done") == 1
    assert fleet.total("lapel_command_seconds_bucket", le="0.25") == 0
    assert fleet.total("lapel_command_seconds_bucket", le="0.5") == 1


def test_the_age_of_messages_and_clocks_that_are_off() -> None:
    fleet = Fleet()
    now = fleet.clock.now()
    fleet.sends("a/1", telemetry(iso(now.shifted(-3).utc)))
    fleet.sends("a/2", telemetry(iso(now.shifted(60).utc)))  # ahead: no age below 0
    fleet.sends("a/3", state("a/3", time=iso(EPOCH)), retained=True)  # its age is that of the state, not of the message
    assert fleet.total("lapel_message_age_seconds_count") == 2
    assert fleet.total("lapel_message_age_seconds_bucket", kind="telemetry", le="2.0") == 1
    assert fleet.total("lapel_cameras_clock_off") == 1


def test_a_connected_camera_that_sends_nothing_is_silent() -> None:
    fleet = Fleet()
    fleet.sends("a/1", state("a/1"), retained=True)
    fleet.sends("a/2", state("a/2", "offline"), retained=True)
    assert fleet.total("lapel_cameras_silent") == 0
    fleet.clock.wait(121)
    assert fleet.total("lapel_cameras_silent") == 1
    fleet.sends("a/1", telemetry(iso(fleet.clock.now().utc)))
    assert fleet.total("lapel_cameras_silent") == 0


def test_shortfalls_and_lost_footage_count_once_although_an_event_may_come_twice() -> None:
    fleet = Fleet()
    short = event("1", "prebuffer-saved", recording="r", actual_s=20.0, configured_s=30.0, shortfall="was off")
    whole = event("2", "prebuffer-saved", recording="r", actual_s=30.4, configured_s=30.0, shortfall=None)
    lost = event("3", "footage-lost", recording="r", frames=30, seconds=1.5, reason="disk too slow")
    fleet.sends("a/1", short, short, whole, lost, lost)
    assert fleet.total("lapel_prebuffer_shortfalls_total") == 1
    assert fleet.total("lapel_prebuffer_missing_seconds_total") == 10
    assert fleet.total("lapel_footage_lost_seconds_total") == 1.5
    assert fleet.total("lapel_events_total") == 3
    assert fleet.total("lapel_messages_total", kind="event") == 5


def test_details_of_a_wrong_type_and_invalid_messages_do_no_harm() -> None:
    fleet = Fleet()
    fleet.sends("a/1", event("1", "footage-lost", seconds="many"), event("2", "prebuffer-saved", shortfall="yes"))
    fleet.metrics.take(UnreadableMessage("a/1", "state", "not JSON"))
    assert fleet.total("lapel_invalid_messages_total") == 1
    assert fleet.total("lapel_footage_lost_seconds_total") == 0


def test_sums_and_extremes_of_telemetry() -> None:
    fleet = Fleet()
    now = iso(fleet.clock.now().utc)
    waiting = {"offload_recordings_left": 3, "offload_bytes_left": 900, "offload_awaiting_receipt": 1}
    fleet.sends("a/3", telemetry(now, **waiting), state("a/3"))
    fleet.sends("b/2", telemetry(now, **waiting), state("b/2"))
    fleet.sends("a/1", telemetry(now, events_waiting=2, battery_percent=80.0, storage_free_bytes=10))
    fleet.sends("a/2", telemetry(now, events_waiting=3, battery_percent=7.5))
    fleet.sends("b/1", telemetry(now))
    assert fleet.total("lapel_outbox_messages", site="a") == 5
    assert fleet.total("lapel_offload_recordings", site="a") == 3
    assert fleet.total("lapel_offload_bytes") == 1800
    assert fleet.total("lapel_offload_unconfirmed_recordings") == 2
    assert fleet.total("lapel_battery_lowest_percent", site="a") == 7.5
    assert fleet.total("lapel_storage_lowest_free_bytes", site="a") == 10
    assert "b" not in {labels["site"] for labels, _ in scraped(fleet.metrics)["lapel_battery_lowest_percent"]}


def test_they_agree_with_the_report_of_the_run(tmp_path: Path) -> None:
    result = observed("smoke", 3, tmp_path / "trace")
    metrics = FleetMetrics(WaitedClock())  # ages are not compared
    for line in (tmp_path / "trace").read_text().splitlines():
        _, topic, text = line.split(" ", 2)
        if topic.startswith("lapel/v1/"):
            metrics.take(read("fleet", Inbound(topic, text.encode())))
    summary = summarise(result)
    assert summary.recordings > 20
    assert total(metrics, "lapel_messages_total") == summary.messages
    assert total(metrics, "lapel_events_total", kind="recording-started") == summary.recordings
    assert total(metrics, "lapel_invalid_messages_total") == 0
    for site in summary.sites:
        assert total(metrics, "lapel_cameras", site=site.site) == site.cameras
        assert total(metrics, "lapel_messages_total", site=site.site) == site.messages
