"""Shell completion of the commands: bash itself takes the script and completes with it."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lapel import cli
from lapel_fleet.cli import main as fleet_main

COMMANDS = {"lapel-camera": cli.main, "lapel-fleet": fleet_main}
_COMPLETE = """
source {script}
function=$(complete -p {command} | sed 's/.*-F \\([^ ]*\\).*/\\1/')
COMP_WORDS=({words}) COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
$function {command}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["lapel-camera", "ru"], "run"),
        (["lapel-camera", "run", "--pre"], "--prebuffer"),
        (["lapel-fleet", "sen"], "send"),
        (["lapel-fleet", "ls", "--wat"], "--watch"),
        (["lapel-fleet", "ls", "--ca", "authority"], "authority.crt"),
    ],
)
def test_bash_completes(words: list[str], offered: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = words[0]
    with pytest.raises(SystemExit, match="0"):
        COMMANDS[command](["--print-completion", "bash"])
    script = tmp_path / "completion"
    script.write_text(capsys.readouterr().out)
    (tmp_path / "authority.crt").touch()
    text = _COMPLETE.format(script=script, command=command, words=" ".join(words))
    done = subprocess.run(["bash", "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True)
    assert offered in done.stdout.split()


@pytest.mark.parametrize("main", COMMANDS.values(), ids=COMMANDS)
def test_without_the_package_it_says_what_to_install(
    main: Callable[[Sequence[str]], int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["--print-completion", "zsh"]) == 2
    assert "pip install 'lapel[fleet]'" in capsys.readouterr().err
