"""`make bench`: prints the table, writes bench.json, ends with one line of JSON.

Every figure is the median of five rounds. Within a round a bare step-shaped commit, a step and an action take turns one by one
on the same database, so that disk, caches and a noisy neighbour are the same for all; a ratio compares within its round.
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
from tests.bench.action import Actions
from tests.bench.floor import Floor
from tests.bench.search import Search
from tests.bench.search import show as show_search
from tests.bench.steps import Loop
from tests.postgres import Cluster

ROUNDS = 5
TICKETS = 100_000


def alternate(calls: dict, times: int) -> dict[str, float]:
    """Median wall time in ms of each call, taken in turns, so that disk and caches are the same for all."""
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(times):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            spent[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) * 1000 for name, values in spent.items()}


def cpu_milliseconds(call, times: int) -> float:
    """CPU time of this process for one call, in ms."""
    start = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - start) * 1000 / times


def measure(url: str, folder: Path, steps: int) -> dict:
    """All figures of one database."""
    database = db.connect(url)
    db.upgrade(database)
    floor, loop, deep, actions = Floor(make_url(url)), Loop(database), Loop(database), Actions(url, folder)
    for _ in range(2000):
        deep.step()
    rounds = []
    for _ in range(ROUNDS):
        loop.fresh()
        for _ in range(16):
            loop.step()
        row = alternate({"commit": floor.commit, "step": loop.step, "step_1000": deep.step}, steps)
        row["step_cpu"] = cpu_milliseconds(loop.step, steps)
        row["action"], row["commit_beside_action"] = actions.medians(max(4, steps // 20), floor.commit)
        row["step_to_commit"] = row["step"] / row["commit"]
        row["action_to_commit"] = row["action"] / row["commit_beside_action"]
        row["step_1000_to_step_10"] = row["step_1000"] / row["step"]
        rounds.append(row)
    figures = {name: statistics.median(row[name] for row in rounds) for name in rounds[0]} | {"state_bytes": deep.size()}
    floor.close()
    actions.close()
    database.dispose()
    return figures


def search(kind: str, url: str, folder: Path) -> dict[str, float]:
    """Prints what each kind of search costs among many tickets; ends the bench where a search finds something wrong."""
    crowd = Search(url, folder, TICKETS)
    figures = show_search(kind, crowd, crowd.measure())
    wrong = crowd.differences()
    crowd.close()
    if wrong:
        raise SystemExit(f"{kind}: these searches find something else than reading everything: {'; '.join(wrong)}")
    return figures


def addresses(kind: str, folder: str, stack: contextlib.ExitStack) -> tuple[str, str]:
    """A database that keeps every commit, and one to fill in bulk and then only read."""
    if kind == "sqlite":
        return f"sqlite:///{folder}/bench.db", f"sqlite:///{folder}/search.db"
    clusters = Cluster(durable=True), Cluster(shared_buffers="128MB", max_wal_size="2GB")
    for cluster in clusters:
        stack.callback(cluster.stop)
    return tuple(cluster.url(cluster.create()) for cluster in clusters)


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    arguments.add_argument("--full", action="store_true", help="ten times as many steps per round")
    arguments.add_argument("--databases", default="sqlite,postgresql")
    options = arguments.parse_args()
    steps = 1000 if options.full else 100
    found = {}
    with tempfile.TemporaryDirectory(prefix="zhiban-bench-") as folder, contextlib.ExitStack() as stack:
        for kind in options.databases.split(","):
            address, quick = addresses(kind, folder, stack)
            found[kind] = measure(address, Path(folder) / kind, steps)
            show(kind, found[kind])
            found[kind] |= search(kind, quick, Path(folder) / f"{kind}-search")
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
