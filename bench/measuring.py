"""How benchmarks measure: CPU time rather than time on the wall, ours and the peer's in turn, several rounds."""

import os
import resource
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time

Measurement = Callable[[], float]
"""Measures once."""


def in_turn(*measurements: Measurement, rounds: int) -> list[list[float]]:
    """The results of each, one of each in every round: what disturbs the machine meanwhile disturbs all."""
    results = [[measure() for measure in measurements] for _ in range(rounds)]
    return [list(one) for one in zip(*results, strict=True)]


def cpu_s(job: Callable[[], object]) -> float:
    """CPU time of this process, with its threads, for a job."""
    began_s = process_time()
    job()
    return process_time() - began_s


def command_cpu_s(command: Sequence[str | Path], stdin: Path | None = None) -> float:
    """CPU time of a child process. Raises CalledProcessError when it fails."""
    began_s = _children_cpu_s()
    with open(stdin or os.devnull, "rb") as source:
        subprocess.run(command, stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    return _children_cpu_s() - began_s


def process_cpu_s(pid: int) -> float:
    """CPU time of a running process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def process_bytes(pid: int, kind: str = "VmRSS") -> int:
    """Resident memory of a running process; with `VmHWM` the most so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{kind}:"))


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
