"""Sessions at the console as text files, played in virtual time and compared to the letter.

    # a comment
    @ attach 40                 a client opens the line: a terminal of 80 columns, or that many, or `dumb`
    @ type status               typed, with Enter
    @ keys sto<tab>             typed without; <tab>, <enter>, <up>, <left>, <backspace>, <^C> and so on
    @ wait 5 s                  time passes: s, min or h
    @ log warning the lens …    the camera says something of that level
    @ press                     the wearer presses the recording button
    @ card full / card empty    the card
    @ button held / button free
    @ power cut                 and power comes back
    @ hang up / stop reading / go on reading

Below each such line stands what it changed on the terminal: from the row where the cursor was to the row where it is.
Write the `@` lines, then let the rest be written: PYTHONPATH=tests .venv/bin/python -m console.transcript
"""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from console.rig import Rig, play
from console.terminals import Dumb, Emulator
from lapel.console.command import all_commands
from lapel.logs import LEVELS

FOLDER = Path(__file__).parent / "transcripts"
HELP = FOLDER / "help.txt"
_KEYS = {
    "tab": b"\t", "enter": b"\r", "backspace": b"\x7f", "delete": b"\x1b[3~", "up": b"\x1b[A", "down": b"\x1b[B",
    "left": b"\x1b[D", "right": b"\x1b[C", "home": b"\x1b[H", "end": b"\x1b[F",
}  # fmt: skip
_SECONDS = {"s": 1, "min": 60, "h": 3600}


def played(text: str) -> str:
    """`text` with what stands below its `@` lines written anew."""
    orders = [line for line in text.splitlines() if line.startswith(("@ ", "#")) or not line]
    orders = [line for line in orders if line]

    async def story(rig: Rig) -> list[str]:
        lines: list[str] = []
        for order in orders:
            lines.append(order)
            if order.startswith("@ "):
                begin = rig.terminal.row
                if order.startswith("@ attach"):
                    begin = 0
                await _obey(rig, order[2:])
                lines += [rig.terminal.text(row) for row in range(begin, rig.terminal.row + 1)]
        return lines

    with _somewhere() as folder:
        return "\n".join(play(folder, story)) + "\n"


async def _obey(rig: Rig, order: str) -> None:
    word, _, rest = order.partition(" ")
    match word, rest:
        case "attach", _:
            await rig.attach(Dumb() if rest == "dumb" else Emulator(int(rest or 80)))
        case "type", _:
            await rig.type(f"{rest}\r")
        case "keys", _:
            await rig.type(_keys(rest))
        case "wait", _:
            number, unit = rest.split()
            await rig.settle(float(number) * _SECONDS[unit])
        case "log", _:
            level, _, said = rest.partition(" ")
            rig.log.add(said, next(one for one in LEVELS if one == level))
        case "press", "":
            assert rig.camera is not None
            rig.camera.press()
        case "card", "full" | "empty":
            rig.card.is_full = rest == "full"
        case "button", "held" | "free":
            rig.desk.holds = rest == "held"
        case "hang", "up":
            rig.line.hang_up()
        case "stop", "reading":
            rig.line.stop_reading()
        case "go", "on reading":
            rig.line.go_on_reading()
        case "power", "cut":
            await rig.power_off()
            rig.power_on()
        case _:
            raise ValueError(f"@ {order}: is no order of a transcript")
    await rig.settle()


def _keys(text: str) -> bytes:
    parts = re.split(r"<(\^?\w+)>", text)
    return b"".join(_key(part) if at % 2 else part.encode() for at, part in enumerate(parts))


def _key(name: str) -> bytes:
    return bytes([ord(name[1]) & 0x1F]) if name.startswith("^") else _KEYS[name]


def help_orders() -> str:
    """The session whose transcript is the help of every command."""
    wanted = ["help"]
    for noun in all_commands().nouns:
        wanted += [f"help {noun.name}"] if len(noun.verbs) > 1 else []
        wanted += [f"{noun.name} {verb.name} -h".replace("  ", " ") for verb in noun.verbs]
    typed = "".join(f"@ type {line}\n" for line in wanted)
    return f"# Written anew by: PYTHONPATH=tests .venv/bin/python -m console.transcript\n{_LOGGED_IN}{typed}"


_LOGGED_IN = "@ attach 80\n@ type viewer\n@ type look and see\n"


@contextlib.contextmanager
def _somewhere() -> Iterator[Path]:
    """A folder whose name is the same everywhere: it is shown."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            Path("evidence").mkdir()
            yield Path("evidence")
        finally:
            os.chdir(before)


if __name__ == "__main__":
    HELP.write_text(help_orders())
    for path in sorted(FOLDER.glob("*.txt")):
        path.write_text(played(path.read_text()))
        print(f"wrote {path.name}")
