"""A few ratios, measured in a minute, beside the recorded ones: what CI runs.

CPU time, ours and the peer's in turn, the best round of each: what else the machine does disturbs the times, hardly the
ratio. A ratio fails when it is more than a third above the recorded one, twice in a row.
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import bench_copy, bench_encoder, bench_evidence, bench_sound, bench_virtual
from bench.figure import Figure

RECORDED = Path(__file__).with_name("recorded.json")
TOLERANCE = 4 / 3
_SIZE = (1280, 720)


def _first(figures: list[Figure]) -> float:
    return ratio_of(figures[0])


def ratio_of(figure: Figure) -> float:
    """The best round; of a figure that is a share already, its value."""
    return min(figure.ratios) if figure.ratios else figure.ratio or figure.value


RATIOS: Mapping[str, Callable[[], float]] = {
    "fragments beside the encoder alone": lambda: _first(bench_encoder.main(_SIZE, 45, 3)),
    "copying beside encoding": lambda: _first(bench_copy.main(45)),
    "sealing beside encoding": lambda: _first(bench_evidence.main(2, _SIZE, 5)),
    "sound beside encoding": lambda: _first(bench_sound.main(3)),
    "virtual time beside a fixed piece of Python": lambda: ratio_of(bench_virtual.beside_python(5.0, 3, 200)),
}


def main(*, records: bool) -> int:
    """Measure all ratios, and record or compare them. Returns the exit code."""
    if records:
        RECORDED.write_text(
            json.dumps({name: round(measure(), 4) for name, measure in RATIOS.items()}, indent=1) + "\n"
        )
        print(f"recorded in {RECORDED.name}")
        return 0
    recorded: dict[str, float] = json.loads(RECORDED.read_text())
    fallen = [line for name, measure in RATIOS.items() if (line := regression(name, measure, recorded[name]))]
    for line in fallen:
        print(line, file=sys.stderr)
    return 1 if fallen else 0


def regression(name: str, measure: Callable[[], float], recorded: float) -> str:
    """What fell behind by how much; empty when it did not, at once or when it is measured again."""
    ratio = measure()
    if ratio > recorded * TOLERANCE:
        ratio = min(ratio, measure())
    print(f"{name}: {ratio:.3g}, recorded {recorded:.3g}", flush=True)
    return f"{name}: {ratio:.3g} is more than a third above {recorded:.3g}" if ratio > recorded * TOLERANCE else ""
