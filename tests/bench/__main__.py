"""`make bench`: prints the table, writes bench.json, ends with one line of JSON.

Every figure is the median of five interleaved rounds, so that a noisy neighbour hits all rows alike. A ratio compares with the
bare step-shaped commit of the same round on the same database.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import tempfile
import time
from pathlib import Path

from sqlalchemy.engine import make_url

from service import db
from tests.bench.floor import Floor
from tests.bench.steps import Loop
from tests.postgres import Cluster

ROUNDS = 5


def milliseconds(call, times: int) -> tuple[float, float]:
    """Median wall time and mean CPU time of one call, in ms."""
    walls, cpu = [], time.process_time()
    for _ in range(times):
        start = time.perf_counter()
        call()
        walls.append(time.perf_counter() - start)
    return statistics.median(walls) * 1000, (time.process_time() - cpu) * 1000 / times


def measure(url: str, folder: Path, steps: int) -> dict:
    """All figures of one database."""
    from tests.bench.action import Actions
    database = db.connect(url)
    db.upgrade(database)
    floor, loop, actions = Floor(make_url(url)), Loop(database), Actions(url, folder)
    rows = {"commit": [], "step": [], "step_cpu": [], "action": [], "step_10": [], "step_1000": []}
    deep = Loop(database)
    for _ in range(2000):
        deep.step()
    for _ in range(ROUNDS):
        rows["commit"].append(milliseconds(floor.commit, steps)[0])
        loop.fresh()
        for _ in range(16):
            loop.step()
        wall, _ = milliseconds(loop.step, 8)
        rows["step_10"].append(wall)
        wall, cpu = milliseconds(loop.step, steps)
        rows["step"].append(wall)
        rows["step_cpu"].append(cpu)
        rows["step_1000"].append(milliseconds(deep.step, steps)[0])
        rows["action"].append(actions.median(max(4, steps // 20)))
    size = deep.size()
    floor.close()
    actions.close()
    database.dispose()
    ratio = {name: statistics.median(a / b for a, b in zip(rows[name], rows["commit"], strict=True)) for name in ("step", "action")}
    median = {name: statistics.median(values) for name, values in rows.items()}
    return median | {"step_to_commit": ratio["step"], "action_to_commit": ratio["action"], "state_bytes": size,
                     "step_1000_to_step_10": median["step_1000"] / median["step"]}


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    arguments.add_argument("--full", action="store_true", help="ten times as many steps per round")
    arguments.add_argument("--databases", default="sqlite,postgresql")
    options = arguments.parse_args()
    steps = 1000 if options.full else 100
    found = {}
    with tempfile.TemporaryDirectory(prefix="zhiban-bench-") as folder, contextlib.ExitStack() as stack:
        for kind in options.databases.split(","):
            if kind == "sqlite":
                url = f"sqlite:///{folder}/bench.db"
            else:
                cluster = Cluster(durable=True)
                stack.callback(cluster.stop)
                url = cluster.url(cluster.create())
            found[kind] = measure(url, Path(folder) / kind, steps)
            show(kind, found[kind])
    line = {f"{name}_{kind}": round(value, 3) for kind, figures in found.items() for name, value in figures.items()}
    Path("bench.json").write_text(json.dumps(line, indent=1) + "\n")
    print(json.dumps(line))


def show(kind: str, figures: dict) -> None:
    print(f"\n{kind}: medians of {ROUNDS} interleaved rounds, ms")
    print(f"  bare step-shaped commit     {figures['commit']:7.2f}")
    print(f"  engine step                 {figures['step']:7.2f}   {figures['step_to_commit']:.1f}x the commit,"
          f" {1000 / figures['step_cpu']:.0f} steps per CPU second of the engine's process")
    print(f"  step at round 1,000         {figures['step_1000']:7.2f}   {figures['step_1000_to_step_10']:.2f}x an early one")
    print(f"  whole action                {figures['action']:7.2f}   {figures['action_to_commit']:.1f}x the commit")
    print(f"  stored tokens at round 1,000 {figures['state_bytes']:5d} bytes", flush=True)


if __name__ == "__main__":
    main()
