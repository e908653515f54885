"""Which room may use which, and what no room may use: read from the code itself, so that a slip shows at once."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("engine", "service", "webui")
FORBIDDEN_FROM = {"engine": {"service", "webui", "flask"}, "service": {"webui", "flask"}, "webui": set()}
SAVES_CODE = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
RUNS_TEXT = {"eval", "exec", "compile", "__import__"}
READS_THE_CLOCK = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.localtime"}


def sources(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.lineno, node.module


def calls(tree: ast.Module) -> Iterator[tuple[int, str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func), node


def imports_where(wrong: Callable[[str, str], bool], *folders: str) -> list[str]:
    return [f"{file}:{line} imports {module}" for file, tree in sources(*folders)
            for line, module in imported(tree) if wrong(file, module.split(".")[0])]


def test_the_rooms_are_where_this_test_looks_for_them():
    assert all(any(file.startswith(room + "/") for file, _ in sources(room)) for room in ROOMS)


def test_nothing_points_back():
    def wrong(file: str, package: str) -> bool:
        return package in FORBIDDEN_FROM[file.split("/")[0]]

    assert imports_where(wrong, *ROOMS) == []


def test_only_the_token_layer_imports_spiffworkflow():
    def wrong(file: str, package: str) -> bool:
        return package == "SpiffWorkflow" and not file.startswith("engine/spiff/")

    assert imports_where(wrong, *ROOMS) == []


def test_rules_are_pure():
    def wrong(file: str, package: str) -> bool:
        return file.endswith("/rules.py") and package in {"sqlalchemy", "flask"}

    assert imports_where(wrong, "service") == []


def test_nothing_is_saved_in_a_form_that_can_carry_code():
    assert imports_where(lambda file, package: package in SAVES_CODE, *ROOMS) == []


def test_no_text_is_run_as_python():
    assert [f"{file}:{line} calls {name}" for file, tree in sources(*ROOMS)
            for line, name, _ in calls(tree) if name in RUNS_TEXT] == []


def test_nothing_is_run_through_a_shell():
    def through_a_shell(name: str, call: ast.Call) -> bool:
        return name in {"os.system", "os.popen"} or any(
            word.arg == "shell" and getattr(word.value, "value", True) for word in call.keywords)

    assert [f"{file}:{line} calls {name}" for file, tree in sources(*ROOMS)
            for line, name, call in calls(tree) if through_a_shell(name, call)] == []


def test_only_the_clock_reads_the_time():
    def reads(name: str) -> bool:
        return ".".join(name.split(".")[-2:]) in READS_THE_CLOCK

    assert [f"{file}:{line} calls {name}" for file, tree in sources(*ROOMS) if file != "engine/clock.py"
            for line, name, _ in calls(tree) if reads(name)] == []
