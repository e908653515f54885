"""Time: CPU time of this process and of the child processes that answer FEEL, wall time of calls that take turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engine.feel import sandbox


def cpu_seconds() -> float:
    """What both have used so far. A child that was ended in between is no longer counted, so measure where none is."""
    return time.process_time() + sum(child._cpu_seconds() for child in list(sandbox.shared._all))


@dataclass
class Turns:
    """What the turns of one call took, in ms: by the wall and of CPU."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def take(self, call: Callable) -> None:
        cpu, start = cpu_seconds(), time.perf_counter()
        call()
        self.wall.append((time.perf_counter() - start) * 1000)
        self.cpu.append((cpu_seconds() - cpu) * 1000)

    @property
    def median(self) -> float:
        return statistics.median(self.wall)

    @property
    def median_cpu(self) -> float:
        return statistics.median(self.cpu)

    @property
    def p95(self) -> float:
        return p95(self.wall)


def take_turns(calls: list[tuple[Turns, Callable]], times: int) -> None:
    """Make the calls in turns, so that disk, caches and a noisy neighbour are the same for all."""
    for _ in range(times):
        for turns, call in calls:
            turns.take(call)


def alternate(calls: Mapping[str, Callable], times: int) -> dict[str, float]:
    """The median of each call's turns, in ms."""
    spent = {name: Turns() for name in calls}
    take_turns([(spent[name], call) for name, call in calls.items()], times)
    return {name: turns.median for name, turns in spent.items()}


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]
