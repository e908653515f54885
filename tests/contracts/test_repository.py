"""What may be in the repository: our own text only, nothing of the machine it was written on, locks that fix every byte."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.txt", "requirements-node.txt")
PICTURES = (".png", ".jpg", ".svg", ".heic", ".webp")

# Written in pieces, so that this file does not find itself.
HOSTS = re.compile("|".join(("registry[.]npm" "js", "py" "pi[.]org", "python" "hosted", "deb[.]deb" "ian")))
MACHINE = re.compile("(?<![\\w.-])/(wo" "rk/(main|shared|[.])|far" "m/|ro" "ot/|ho" "me/|tmp/(bash" "_jobs|z" "b))")
FOREIGN_NAME = re.compile(r"(^|/)(node_modules|vendor|dist)/|\.min\.(js|css)$|\.(whl|jar|zip|gz|woff2?|ttf|otf|exe|so)$")
FOREIGN_TEXT = re.compile(r"^\s*(//|/\*)[#!@]\s*(lic" r"ense|source" r"MappingURL)|Copy" r"right \([cC]\)")

PYTHONS = ("3.11", "3.12", "3.13")
PROCESSORS = ("x86_64", "aarch64")


def committed() -> list[str]:
    """Every file that git keeps or would keep."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout
    return [name for name in listed.splitlines() if (ROOT / name).is_file()]


def texts() -> list[tuple[str, int, str]]:
    """Every line of every text file: name, line number, line."""
    return [(name, number, line) for name in committed() if not name.endswith(PICTURES)
            for number, line in enumerate((ROOT / name).read_text(encoding="utf-8", errors="replace").splitlines(), 1)]


def lines_with(pattern: re.Pattern, *, without: tuple[str, ...] = ()) -> list[str]:
    return [f"{name}:{number}: {line.strip()[:80]}" for name, number, line in texts()
            if name not in without and pattern.search(line)]


def test_no_file_names_a_package_registry():
    assert lines_with(HOSTS) == []


def test_no_file_names_a_folder_of_somebodys_machine():
    assert lines_with(MACHINE) == []


def test_no_third_party_file_is_committed():
    assert [name for name in committed() if FOREIGN_NAME.search(name)] == []
    assert lines_with(FOREIGN_TEXT, without=("LICENSE", "THIRD-PARTY.md")) == []


def test_no_file_is_larger_than_a_person_would_read():
    limit = {True: 1_500_000, False: 400_000}
    assert [name for name in committed() if (ROOT / name).stat().st_size > limit[name.endswith(PICTURES)]] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_has_hashes_for_everything_and_no_addresses(lock):
    lines = (line.split("#")[0].rstrip() for line in (ROOT / lock).read_text().replace("\\\n", " ").splitlines())
    entries = [line for line in lines if line.strip()]
    assert entries and not any("://" in entry or "file:" in entry for entry in entries)
    assert [entry for entry in entries if not re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", entry)] == []


def test_the_javascript_lock_has_hashes_for_everything_and_no_addresses():
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert [name for name, entry in packages.items() if name and not entry.get("link") and "integrity" not in entry] == []


def locked() -> set[str]:
    return {match[1] for match in re.finditer(r"^([a-z0-9-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)}


@pytest.mark.parametrize("processor", PROCESSORS)
@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_is_complete_for_every_supported_python_and_processor(python, processor):
    environment = {"python_version": python, "python_full_version": python + ".0", "platform_machine": processor, "extra": ""}
    needed = {canonicalize_name(requirement.name)
              for package in locked()
              for requirement in map(Requirement, importlib.metadata.requires(package) or [])
              if requirement.marker is None or requirement.marker.evaluate(environment)}
    assert needed - locked() == set()


def test_the_lock_holds_what_the_project_names():
    named = [Requirement(line) for line in importlib.metadata.requires("zhiban")]
    wanted = {canonicalize_name(requirement.name) for requirement in named
              if requirement.marker is None or requirement.marker.evaluate({"extra": "test"})}
    assert wanted - locked() == set()


def test_every_package_that_is_fetched_is_named_with_its_licence():
    page = (ROOT / "THIRD-PARTY.md").read_text(encoding="utf-8")
    named = {canonicalize_name(name) if not name.startswith("@") else name for name in re.findall(r"[@\w][\w./-]*", page)}
    npm = {name.split("node_modules/")[-1] for name in json.loads((ROOT / "package-lock.json").read_text())["packages"] if name}
    fetched = locked() | {name if name.startswith("@") else canonicalize_name(name) for name in npm}
    assert {name for name in fetched if not name.startswith("@esbuild/")} - named == set()


def test_continuous_integration_runs_what_the_readme_tells_people_to_run():
    assert "make test" in (ROOT / ".ci/run").read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"run", "test"} <= set(re.findall(r"^make ([a-z-]+)", (ROOT / "README.md").read_text(), re.MULTILINE)) <= targets


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "scripts").glob("*.sh")))
def test_the_script_is_correct_shell(script):
    assert subprocess.run(["bash", "-n", ROOT / "scripts" / script], capture_output=True, text=True).stderr == ""


def relative_links() -> list[tuple[str, str]]:
    pages = [name for name in committed() if name.endswith(".md")]
    return [(page, target) for page in pages
            for target in re.findall(r"\]\(([^)#\s]+)", (ROOT / page).read_text(encoding="utf-8"))
            if "://" not in target and not target.startswith("mailto:")]


def test_every_link_of_a_page_leads_somewhere():
    assert [(page, target) for page, target in relative_links() if not (ROOT / page).parent.joinpath(target).exists()] == []
