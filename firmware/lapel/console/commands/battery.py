"""The battery's charge."""

from lapel.console.command import Answer, Noun, Verb
from lapel.console.invocation import Invocation
from lapel.console.layout import Pairs, Text


async def _show(call: Invocation) -> Answer:
    battery = call.camera.battery()
    if battery is None:
        return Answer(None, (Text("this camera has no battery gauge"),))
    left = f"{battery.minutes_left:.0f} min" if battery.minutes_left is not None else "unknown"
    rows = [
        ("charge", f"{battery.percent:.0f} %"),
        ("remaining", left),
        ("charging", "yes" if battery.charging else "no"),
    ]
    if battery.temperature_c is not None:
        rows.append(("temperature", f"{battery.temperature_c:.0f} °C"))
    return Answer(battery, (Pairs(rows),))


NOUN = Noun(
    "battery", "charge and remaining time", (Verb("show", _show, "charge, remaining recording time, temperature"),)
)
