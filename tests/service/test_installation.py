"""`lapel-camera install` into a folder: its steps, without packages and users, which need a Debian."""

import json
from pathlib import Path

import pytest

from lapel.config import load
from lapel.errors import ConfigError
from lapel.service.answers import Answers, ask, read_answers
from lapel.service.installation import CONFIG, RECORD, UNIT, WANTED, install, uninstall, without_serial_console
from lapel.service.system import System

CMDLINE = "console=serial0,115200 console=tty1 root=PARTUUID=1-02 rootfstype=ext4 rootwait\n"
COMMAND = "/opt/lapel/bin/lapel-camera"
ANSWERS = Answers(agency="baltimore-pd", camera="cam-7", video="/dev/video0", console="/dev/ttyAMA0")


class Card(System):
    """The root of a Pi's card in a folder; commands are noted, and users are added to the file."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.commands: list[tuple[str, ...]] = []
        self.write("/etc/passwd", "root:x:0:0::/root:/bin/bash\n")
        self.write("/etc/group", "root:x:0:\nvideo:x:44:\ngpio:x:997:\n")
        self.write("/boot/firmware/cmdline.txt", CMDLINE)
        self.write("/boot/firmware/config.txt", "dtparam=audio=on\n")

    def run(self, *command: str) -> None:
        self.commands.append(command)
        if command[0] == "useradd":
            self.write("/etc/passwd", self.read("/etc/passwd") + f"{command[-1]}:x:999:999::/:/usr/sbin/nologin\n")
        if command[0] == "userdel":
            lines = self.read("/etc/passwd").splitlines(keepends=True)
            self.write("/etc/passwd", "".join(line for line in lines if not line.startswith(f"{command[-1]}:")))

    def content(self) -> dict[str, str]:
        found = [path for path in self.root.rglob("*") if path.is_symlink() or path.is_file()]
        return {
            str(path.relative_to(self.root)): str(path.readlink()) if path.is_symlink() else path.read_text()
            for path in found
        }


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return Card(tmp_path)


def lines(card: Card, answers: Answers = ANSWERS, *, dry_run: bool = False) -> list[str]:
    return [*install(card, answers, COMMAND, dry_run=dry_run)]


def test_it_makes_a_camera_of_the_card(card: Card) -> None:
    assert all(line.startswith("done   ") for line in lines(card))
    config = load(card.path(CONFIG))
    assert (config.camera.agency, config.camera.name, config.video.source) == ("baltimore-pd", "cam-7", "/dev/video0")
    unit = card.read(UNIT)
    assert f"ExecStart={COMMAND} run --config /etc/lapel/camera.toml" in unit
    assert "--console /dev/ttyAMA0" in unit
    assert "SupplementaryGroups=video gpio\n" in unit, "those that the system has"
    assert str(card.path(WANTED).readlink()) == UNIT
    assert "console=serial0" not in card.read("/boot/firmware/cmdline.txt")
    assert card.read("/boot/firmware/config.txt") == "dtparam=audio=on\nenable_uart=1\n"
    assert str(card.path("/etc/systemd/system/serial-getty@ttyAMA0.service").readlink()) == "/dev/null"


def test_a_second_time_nothing_is_left_to_do(card: Card) -> None:
    lines(card)
    before, commands = card.content(), list(card.commands)
    assert all(line.startswith("have   ") for line in lines(card))
    assert (card.content(), card.commands) == (before, commands)


def test_a_dry_run_changes_nothing(card: Card) -> None:
    before = card.content()
    assert {line[:7] for line in lines(card, dry_run=True)} == {"would  "}
    assert card.content() == before


def test_uninstalling_leaves_what_was_there_and_the_recordings(card: Card) -> None:
    before = card.content()
    lines(card)
    recording = card.path("/var/lib/lapel/evidence/1/video.mp4")
    recording.parent.mkdir(parents=True)
    recording.write_text("footage")
    undone = [*uninstall(card, dry_run=False)]
    assert len(undone) == len(lines(Card(card.root / "other")))
    after = card.content()
    assert after.pop("var/lib/lapel/evidence/1/video.mp4") == "footage"
    assert {name: text for name, text in after.items() if not name.startswith("other/")} == before


def test_uninstalling_without_recordings_leaves_no_folder(card: Card) -> None:
    lines(card)
    [*uninstall(card, dry_run=False)]
    assert not card.path("/var/lib/lapel").exists()
    assert not card.path("/etc/lapel").exists()


def test_what_was_there_before_is_not_removed(card: Card) -> None:
    card.write(CONFIG, '[camera]\nname = "mine"\n')
    assert f"have   {CONFIG}" in lines(card)
    [*uninstall(card, dry_run=False)]
    assert load(card.path(CONFIG)).camera.name == "mine"
    assert RECORD.rpartition("/")[2] not in [path.name for path in card.path("/etc/lapel").iterdir()]


def test_an_installation_that_was_interrupted_is_continued(card: Card) -> None:
    steps = install(card, ANSWERS, COMMAND, dry_run=False)
    for _ in range(2):
        next(steps)
    steps.close()
    assert [line[:4] for line in lines(card)][:2] == ["have", "have"]
    assert json.loads(card.read(RECORD)).keys() >= {"user", "folder", "unit"}


def test_without_a_serial_console_the_boot_files_stay(card: Card) -> None:
    lines(card, Answers(video="/dev/video0"))
    assert card.read("/boot/firmware/cmdline.txt") == CMDLINE


def test_only_consoles_on_serial_lines_leave_the_command_line() -> None:
    assert without_serial_console(CMDLINE) == "console=tty1 root=PARTUUID=1-02 rootfstype=ext4 rootwait\n"
    assert without_serial_console("") == ""


def test_answers_are_checked_and_named(tmp_path: Path) -> None:
    file = tmp_path / "answers.toml"
    for text, why in (("camera = 7", "camera"), ("kamera = 'x'", "kamera"), ("= 1", "is not TOML")):
        file.write_text(text)
        with pytest.raises(ConfigError, match=why):
            read_answers(file)
    with pytest.raises(ConfigError, match="No such file"):
        read_answers(tmp_path / "missing.toml")


def test_the_dialogue_takes_defaults_for_empty_lines() -> None:
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return {"name": "cam-9", "receiver": "yes"}.get(
            next((w for w in ("name", "receiver") if w in question), ""), ""
        )

    meanings = {name: name for name in Answers.__struct_fields__} | {"camera": "the name", "gpsd": "a receiver?"}
    assert ask(answer, meanings) == Answers(camera="cam-9", gpsd=True)
    assert "[none]" in asked[4]


def test_an_answer_that_no_camera_can_use_is_refused_before_anything_is_done(card: Card) -> None:
    before = card.content()
    with pytest.raises(ConfigError, match="install"):
        lines(card, Answers(camera="x" * 65))
    assert card.content() == before
