"""`make bench`: prints the table, writes bench.json, ends with one line of JSON.

Every figure is the median of five rounds. Within a round the bare step-shaped commit, the lean one, a step and an action take
turns one by one on the same database, so that disk, caches and a noisy neighbour are the same for all; a ratio compares within
its round. CPU time is that of the process and of FEEL's child processes. `--full` adds growth, timers, workers and processes. What
each figure means: docs/reference/bench.md.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.engine import make_url

from service import db
from tests.bench import crowd, growth, processes, stored
from tests.bench.action import Actions
from tests.bench.clock import alternate, cpu_seconds
from tests.bench.floor import Floor, Lean
from tests.bench.pages import bytes_logged, pages_written, rows_written
from tests.bench.search import Search
from tests.bench.search import show as show_search
from tests.bench.steps import Loop
from tests.postgres import Cluster

ROUNDS = 5
TICKETS = 100_000
STORED_STEPS = 500  # among 1,000 instances and among 100,000, each of another one


def cpu_milliseconds(call, times: int) -> float:
    """CPU time of one call in ms: of this process and of the FEEL children that it asks."""
    before = cpu_seconds()
    for _ in range(times):
        call()
    return (cpu_seconds() - before) * 1000 / times


def measure(url: str, folder: Path, steps: int) -> dict:
    """All figures of one database."""
    database, address = db.connect(url), make_url(url)
    db.upgrade(database)
    loop, deep, actions = Loop(database), Loop(database), Actions(url, folder)
    for _ in range(2000):
        deep.step()
    floor, lean = Floor(address, deep), Lean(address)
    rounds = []
    for _ in range(ROUNDS):
        loop.fresh()
        floor.fresh()
        for _ in range(16):
            loop.step()
        row = alternate({"commit": floor.commit, "lean": lean.commit, "step": loop.step, "step_1000": deep.step}, steps)
        row["commit_cpu"], row["step_cpu"] = cpu_milliseconds(floor.commit, steps), cpu_milliseconds(loop.step, steps)
        row |= actions.medians(max(4, steps // 20), {"commit": floor.commit, "lean": lean.commit})
        rounds.append(row | ratios(row))
    figures = {name: statistics.median(row[name] for row in rounds) for name in rounds[0]} | {"state_bytes": deep.size()}
    figures |= written(database, {"lean": lean, "commit": floor, "step": loop})
    for bare in (floor, lean):
        bare.close()
    actions.close()
    database.dispose()
    return figures


def ratios(row: dict[str, float]) -> dict[str, float]:
    return {"step_to_commit": row["step"] / row["commit"], "step_to_lean": row["step"] / row["lean"],
            "action_to_commit": row["action"] / row["commit_beside_action"],
            "action_to_lean": row["action"] / row["lean_beside_action"],
            "life_to_commit": row["life"] / row["commit_beside_action"], "steps_per_cpu_second": 1000 / row["step_cpu"],
            "step_1000_to_step_10": row["step_1000"] / row["step"]}


def written(database, what: dict) -> dict[str, float]:
    """Rows and pages (SQLite), or kilobytes of log (PostgreSQL), of one commit of each."""
    found = {}
    for name, one in what.items():
        call = one.step if name == "step" else one.commit
        if database.dialect.name == "sqlite":
            found[f"{name}_rows"] = rows_written(database if name == "step" else one.connection, call, 20)
            found[f"{name}_pages"] = pages_written(database.url, call, 40)
        else:
            found[f"{name}_log_kb"] = bytes_logged(database, call, 100) / 1024
    return found


def among(kind: str, fresh: Callable[[], str]) -> dict[str, float]:
    """Prints and gives a step among few and among many stored instances."""
    figures = stored.measure([fresh(), fresh()], STORED_STEPS)
    stored.show(kind, figures)
    return figures


def search(kind: str, url: str, folder: Path) -> dict[str, float]:
    """Prints what each kind of search costs among many tickets; ends the bench where a search finds something wrong."""
    many = Search(url, folder, TICKETS)
    figures = show_search(kind, many, many.measure())
    wrong = many.differences()
    many.close()
    if wrong:
        raise SystemExit(f"{kind}: these searches find something else than reading everything: {'; '.join(wrong)}")
    return figures


def full(kind: str, fresh: Callable[[], str], folder: Path) -> dict[str, float]:
    """Prints and gives growth, timers, workers and processes, each on databases of their own."""
    database = db.connect(fresh())
    db.upgrade(database)
    grown = growth.measure(database, blocks=40)
    database.dispose()
    growth.show(kind, grown)
    many = crowd.timers(fresh()) | crowd.workers(fresh())
    crowd.show(kind, many)
    folder.mkdir()
    processes.found_centre(centre := fresh(), folder)
    own = processes.measure(centre, folder)
    processes.show(kind, own)
    return grown | many | own


def addresses(kind: str, folder: str, stack: contextlib.ExitStack) -> tuple[Callable[[], str], str]:
    """What gives a new database that keeps every commit, and one to fill in bulk and then only read."""
    if kind == "sqlite":
        names = itertools.count(1)
        return lambda: f"sqlite:///{folder}/bench-{next(names)}.db", f"sqlite:///{folder}/search.db"
    durable, quick = Cluster(durable=True), Cluster(shared_buffers="128MB", max_wal_size="2GB")
    for cluster in (durable, quick):
        stack.callback(cluster.stop)
    return lambda: durable.url(durable.create()), quick.url(quick.create())


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    arguments.add_argument("--full", action="store_true", help="ten times as many steps per round; growth, timers, processes")
    arguments.add_argument("--databases", default="sqlite,postgresql")
    options = arguments.parse_args()
    steps = 1000 if options.full else 100
    found = {}
    with tempfile.TemporaryDirectory(prefix="zhiban-bench-") as folder, contextlib.ExitStack() as stack:
        for kind in options.databases.split(","):
            fresh, quick = addresses(kind, folder, stack)
            found[kind] = measure(fresh(), Path(folder) / kind, steps)
            show(kind, found[kind])
            found[kind] |= among(kind, fresh)
            if options.full:
                found[kind] |= full(kind, fresh, Path(folder) / f"{kind}-processes")
            found[kind] |= search(kind, quick, Path(folder) / f"{kind}-search")
    line = {f"{name}_{kind}": round(value, 3) for kind, figures in found.items() for name, value in figures.items()}
    Path("bench.json").write_text(json.dumps(line, indent=1) + "\n")
    print(json.dumps(line))


def show(kind: str, figures: dict) -> None:
    def amount(name: str) -> str:
        if kind == "sqlite":
            return f"{figures[f'{name}_rows']:.1f} rows, {figures[f'{name}_pages']:.1f} pages"
        return f"{figures[f'{name}_log_kb']:.1f} kB of log"

    print(f"\n{kind}: medians of {ROUNDS} interleaved rounds, ms")
    print(f"  bare step-shaped commit     {figures['commit']:7.2f}   {amount('commit')}; the rows of a step by the driver alone")
    print(f"  lean commit                 {figures['lean']:7.2f}   {amount('lean')}; no history, no request id, no lists")
    print(f"  engine step                 {figures['step']:7.2f}   {amount('step')}; {figures['step_to_commit']:.1f}x the commit,"
          f" {figures['step_to_lean']:.1f}x the lean one; {figures['steps_per_cpu_second']:.0f} steps per CPU second")
    print(f"  step at round 1,000         {figures['step_1000']:7.2f}   {figures['step_1000_to_step_10']:.2f}x an early one")
    print(f"  whole action                {figures['action']:7.2f}   {figures['action_to_commit']:.1f}x the commit,"
          f" {figures['action_to_lean']:.1f}x the lean one; {figures['action_cpu']:.2f} ms of CPU")
    print(f"  mean action of a life       {figures['life']:7.2f}   {figures['life_to_commit']:.1f}x the commit; registering takes"
          f" {figures['registering']:.2f}")
    print(f"  stored tokens at round 1,000 {figures['state_bytes']:5d} bytes", flush=True)


if __name__ == "__main__":
    main()
