"""Growth: what one step costs in an instance that has lived long, has many open branches, or works on many items.

Instances of one kind and of different sizes take turns step by step. Surprise: an instance that a step makes smaller or older than
its size says is begun anew between the turns, not in them.
"""

from __future__ import annotations

from collections import deque

from engine.api import Actor, Scope
from tests.bench.clock import Turns, take_turns
from tests.bench.steps import RESULT, Loop, engine_on
from tests.engine.drawing import boundary, flows, many, plain, process, timer, user

SIZES = {"rounds": (10, 200, 5000), "branches": (2, 50), "items": (10, 1000)}
BLOCK = 5  # steps of each in turn, before those that need it are begun anew


class Rounds(Loop):
    """A loop at round `size`: so many tasks were completed before."""

    def __init__(self, database, size: int):
        super().__init__(database)
        self.at = size
        self._go_there()

    def _go_there(self) -> None:
        while self.steps < self.at:
            self.step()

    def ready(self) -> None:
        """Begin anew where it has gone far beyond its round."""
        if self.steps > 2 * self.at + 20:
            self.fresh()
            self._go_there()


class Wide:
    """An instance with many open tasks; `step()` completes the one that waits longest."""

    def __init__(self, database, key: str, *parts: str, **values):
        self.key, self.values = key, values
        self.engine = engine_on(database, process(key, *parts), **dict.fromkeys(values, "any"))
        self.begin()

    def begin(self) -> None:
        self.steps = 0
        result = self.engine.start(self.key, self.values, business_key="B-1", scope=Scope(1), actor=Actor("lin"))
        self.root, self.tasks = result.instance_id, deque(result.opened)

    def step(self) -> None:
        result = self.engine.complete(self.tasks.popleft(), RESULT, actor=Actor("lin"), request_id=f"{self.root}-{self.steps}")
        self.tasks.extend(result.opened)
        self.steps += 1

    def size(self) -> int:
        """Bytes of the stored token state."""
        return len(self.engine.instance(self.root).tokens)


class Branches(Wide):
    """`size` open branches, each a loop of one person with a deadline."""

    def __init__(self, database, size: int):
        numbers = range(1, size + 1)
        super().__init__(
            database, f"bench-branches-{size}", plain("startEvent", "s"), plain("parallelGateway", "f"), plain("endEvent", "e"),
            *(user(f"w{n}", due='=now + duration("PT1H")') + plain("exclusiveGateway", f"x{n}") + user(f"l{n}")
              + boundary(f"t{n}", f"w{n}", timer("Duration", "PT1H"), interrupting=False) for n in numbers),
            flows("s > f", *(arrow for n in numbers for arrow in (
                f"f > w{n}", f"w{n} > x{n}", f'x{n} > w{n} : passed = "no"', f'x{n} > e : passed = "yes"', f"t{n} > l{n}", f"l{n} > e"))))

    def ready(self) -> None:
        """As many branches are open after a step as before it."""


class Items(Wide):
    """`size` items, each a turn of a parallel multi-instance with a task and a result of its own."""

    def __init__(self, database, size: int):
        super().__init__(
            database, f"bench-items-{size}", plain("startEvent", "s"), plain("endEvent", "e"),
            many(user("check", due='=now + duration("PT1H")'), "things", outputs="results", output="passed"), flows("s > check", "check > e"),
            things=[f"灭火器 {n}" for n in range(size)])

    def ready(self) -> None:
        """Begin anew where half of the items are done."""
        if len(self.tasks) <= len(self.values["things"]) // 2:
            self.begin()


KINDS = {"rounds": Rounds, "branches": Branches, "items": Items}


def measure(database, blocks: int, sizes: dict[str, tuple[int, ...]] = SIZES) -> dict[str, float]:
    """By kind and size ms of a step, its CPU and bytes of the state; the ratio to the smallest of its kind: `items_1000_to_10`."""
    found = {}
    for kind, numbers in sizes.items():
        stories = {size: KINDS[kind](database, size) for size in numbers}
        turns = {size: Turns() for size in numbers}
        for _ in range(blocks):
            for story in stories.values():
                story.ready()
            take_turns([(turns[size], story.step) for size, story in stories.items()], BLOCK)
        first = turns[numbers[0]]
        for size, spent in turns.items():
            found |= {f"step_{kind}_{size}": spent.median, f"cpu_{kind}_{size}": spent.median_cpu, f"state_{kind}_{size}": stories[size].size()}
            if size != numbers[0]:
                found |= {f"{kind}_{size}_to_{numbers[0]}": spent.median / first.median,
                          f"{kind}_{size}_to_{numbers[0]}_cpu": spent.median_cpu / first.median_cpu}
    return found


def show(kind: str, found: dict[str, float], sizes: dict[str, tuple[int, ...]] = SIZES) -> None:
    print(f"\n{kind}: one step as an instance grows, ms; its CPU; bytes of the stored tokens; times the smallest of its kind")
    for name, numbers in sizes.items():
        for size in numbers:
            ratio, cpu = (found.get(f"{name}_{size}_to_{numbers[0]}{end}", 1) for end in ("", "_cpu"))
            print(f"  {f'{size:,} {name}':25s} {found[f'step_{name}_{size}']:9.2f} {found[f'cpu_{name}_{size}']:7.2f}"
                  f" {found[f'state_{name}_{size}']:9,d}   {ratio:.2f}x, CPU {cpu:.2f}x", flush=True)
