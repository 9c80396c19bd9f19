"""Draws the wiring of a body-worn camera of a Raspberry Pi: `docs/wiring.svg`, as the guide's example connects it."""

from dataclasses import dataclass
from pathlib import Path

ROW, TOP, LEFT = 34, 70, 40
_HEADER = 330


@dataclass(frozen=True, slots=True)
class Wire:
    """From a pin of the 40-pin header to a part."""

    physical: int
    pin: str
    part: str
    through: str = ""


WIRES = (
    Wire(1, "3.3 V", "gauge MAX17048: VIN"),
    Wire(3, "GPIO 2, SDA", "gauge: SDA"),
    Wire(5, "GPIO 3, SCL", "gauge: SCL"),
    Wire(6, "ground", "all grounds"),
    Wire(11, "GPIO 17", "event button", "to ground"),
    Wire(13, "GPIO 27", "power button", "to ground"),
    Wire(18, "GPIO 24", "select button", "to ground"),
    Wire(16, "GPIO 23", "holster contact", "to ground"),
    Wire(29, "GPIO 5", "red LED", "330 ohm"),
    Wire(31, "GPIO 6", "green LED", "330 ohm"),
    Wire(32, "GPIO 12", "blue LED", "330 ohm"),
    Wire(33, "GPIO 13", "buzzer (active)", "NPN transistor, 1 kohm"),
    Wire(35, "GPIO 19", "vibration motor", "NPN transistor, 1 kohm, diode"),
    Wire(8, "GPIO 14, TXD", "serial adapter: RXD", "3.3 V levels"),
    Wire(10, "GPIO 15, RXD", "serial adapter: TXD", "3.3 V levels"),
)


def drawing() -> str:
    """The drawing, as SVG."""
    height = TOP + ROW * len(WIRES) + 20
    rows = "\n".join(_row(number, wire) for number, wire in enumerate(WIRES))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 {height}"
 font-family="sans-serif" font-size="14">
<title>Wiring of a body-worn camera on the 40-pin header of a Raspberry Pi</title>
<rect width="860" height="{height}" fill="white"/>
<text x="{LEFT}" y="36" font-size="18">40-pin header of a Raspberry Pi</text>
<rect x="{LEFT}" y="50" width="{_HEADER - LEFT}" height="{height - 64}" rx="8" fill="#eef3ee" stroke="#4a6b4a"/>
{rows}
</svg>
"""


def _row(number: int, wire: Wire) -> str:
    y = TOP + ROW * number + 12
    through = f'<text x="355" y="{y - 6}" font-size="12" fill="#555">{wire.through}</text>' if wire.through else ""
    return (
        f'<circle cx="{_HEADER}" cy="{y}" r="6" fill="#c9a227"/>'
        f'<text x="{_HEADER - 14}" y="{y + 5}" text-anchor="end">{wire.pin}</text>'
        f'<text x="{LEFT + 12}" y="{y + 5}" fill="#555">pin {wire.physical}</text>'
        f'<line x1="{_HEADER + 6}" y1="{y}" x2="580" y2="{y}" stroke="#333" stroke-width="2"/>{through}'
        f'<rect x="580" y="{y - 13}" width="240" height="26" rx="5" fill="#f4f1e8" stroke="#8a7a4a"/>'
        f'<text x="592" y="{y + 5}">{wire.part}</text>'
    )


if __name__ == "__main__":
    Path(__file__).with_name("wiring.svg").write_text(drawing(), encoding="utf-8")
