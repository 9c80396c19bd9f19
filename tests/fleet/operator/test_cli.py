"""The operator's command line: what it makes of the options, and its errors, before it connects to a broker."""

from pathlib import Path

import pytest

from fleet.one_line import refusal
from lapel.clock import SystemClock
from lapel.errors import ConfigError
from lapel_fleet.broker.authority import Authority
from lapel_fleet.cli.main import _parser, main
from lapel_fleet.operator.cli import command_from, setting_changes
from lapel_fleet.operator.watch import parse_kinds


def test_a_command_has_the_given_parameters() -> None:
    typed = ["send", "a/*", "b/1", "identify", "--reason", "found?", "--sender", "me", "--seconds", "5", "--ttl", "3"]
    command = command_from(_parser().parse_args(typed))
    fields = (command.command, command.reason, command.sender, command.seconds, command.ttl_s)
    assert fields == ("identify", "found?", "me", 5, 3)


def test_settings_have_the_types_of_the_configuration() -> None:
    texts = ["link.telemetry_s=5", "video.width=640", "video.overlay=true", "link.broker=mqtt://a=b", "link.ca="]
    assert setting_changes(texts) == {
        "link": {"telemetry_s": 5.0, "broker": "mqtt://a=b", "ca": ""},
        "video": {"width": 640, "overlay": True},
    }


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("send * identify --lines 5", "--lines is for request-log, not for identify"),
        ("send * identify --seconds 301", "--seconds: Expected `float` <= 300.0"),
        ("send * request-log --lines 0", "--lines: Expected `int` >= 1"),
        ("send * set-configuration", "give --set SECTION.KEY=VALUE"),
        ("send * set-configuration --set link.telemetry_s=often", "[link] telemetry_s = 'often': Expected `float`"),
        ("send * set-configuration --set lnk.telemetry_s=5", "[lnk] is not a section; did you mean `link`?"),
        ("send * set-configuration --set link.telemetry=5", "no such key; did you mean `telemetry_s`?"),
        ("send * set-configuration --set telemetry_s=5", "give SECTION.KEY=VALUE"),
        ("send * set-configuration --set video.width=null", "not removed"),
        ("send * status --broker mqtt://192.0.2.1", "--broker: the connection to 192.0.2.1 would not be encrypted"),
        ("ls --broker http://localhost", "--broker: give mqtt://HOST"),
        ("ls --broker=", "--broker: give mqtt://HOST"),
        ("ls --broker mqtts://me@localhost --password-file nowhere", "--password-file: nowhere: cannot be read"),
        ("ls --agency +", "agency: '+' contains '+'"),
        ("ls --identity nowhere", "--identity nowhere: no operator has an identity there"),
        ("ls --operator me", "--operator needs --identity"),
        ("ls --broker mqtts://localhost --ca nowhere.crt", "--ca, --cert, --key (nowhere.crt): cannot be used"),
        ("ls state=recordng", "did you mean `recording`?"),
        ("watch --kinds markers", "--kinds 'markers': no such kind of message or event; did you mean `marker`?"),
        ("watch --only a/b/c", "give SITE/CAMERA"),
    ],
)
def test_an_impossible_option_is_one_line(typed: str, error: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert error in refusal(typed, capsys)


def test_one_of_several_operators_must_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Authority(tmp_path, SystemClock().now().utc).provision([], ["day", "night"], [], 30)
    assert main(["ls", "--identity", str(tmp_path)]) == 2
    assert "there are day, night; choose one with --operator" in capsys.readouterr().err
    assert main(["ls", "--identity", str(tmp_path), "--operator", "nigt"]) == 2
    assert "did you mean `night`?" in capsys.readouterr().err


def test_kinds_of_messages_and_of_events() -> None:
    assert parse_kinds(["state,marker", "reply"]) == {"state", "marker", "reply"}
    with pytest.raises(ConfigError):
        parse_kinds([""])


def test_an_absent_broker_is_exit_4(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", "--broker", "mqtt://127.0.0.1:1"]) == 4
    assert "is a broker running there?" in capsys.readouterr().err
