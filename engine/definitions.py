"""A procedure folder becomes a process definition: diagram, decision tables, forms, texts, control sheet, scenarios.

Reading opens files and nothing else: it never executes, and it collects what is wrong in `faults` so that an author sees all
at once. Only a folder that is not safe to read at all is refused at once. Surprise: the hash covers what changes how an
instance runs or reads (diagram, tables, forms, English texts, control sheet), not the README or the scenarios.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from engine import dialect
from engine.dialect import Diagram, Fault
from engine.errors import DefinitionRefused
from engine.forms import Form
from engine.forms import definition as form_definition

MAX_FILES = 200
MAX_BYTES = 10 * 1024 * 1024
MAX_YAML_BYTES = 256 * 1024
MAX_YAML_EVENTS = 50_000
MAX_YAML_DEPTH = 30

CONTROL_SHEET = "control-sheet.yaml"
ENGLISH = "en.yaml"
README = "README.md"

READ_CHECKS: dict[str, tuple[str, str]] = {
    "safe-folder": ("A procedure is at most 200 ordinary files of together 10 MB, without links or names that lead out.",
                    "Keep only the procedure's own files in the folder."),
    "one-diagram": ("A procedure has exactly one diagram, and its process id equals the name of the folder.",
                    "Name the folder, the .bpmn file and the process id alike."),
    "yaml": ("YAML files are plain data: at most 256 kB, no anchors, no key twice.",
             "Write the file without anchors (&, *) and with each key once."),
    "form-id": ("A form's id equals its file's name, and no two forms share one.",
                "Set the form's id to the file's name without .form."),
    "stray-file": ("Every file of the folder has a place in a procedure.",
                   "Move it away; known are *.bpmn, *.dmn, forms/*.form, scenarios/*.yaml, control-sheet.yaml, en.yaml, README.md."),
}
_WARNINGS = frozenset({"stray-file"})


@dataclass(frozen=True)
class Procedure:
    """One edition of one procedure. With `faults` other than warnings it cannot be deployed; `diagram` may then be None."""

    key: str
    name: str
    diagram: Diagram | None
    decisions: dict[str, bytes]  # file name -> DMN
    forms: dict[str, Form]  # form id -> form
    translations: dict[str, Any]  # en.yaml
    control_sheet: dict[str, Any]
    readme: str
    scenarios: dict[str, dict]  # file name -> story
    files: dict[str, bytes]
    hash: str
    faults: tuple[Fault, ...] = ()

    @classmethod
    def from_files(cls, files: dict[str, bytes], key: str | None = None) -> Procedure:
        """The procedure made of these files (relative posix names). `key`: the folder's name, where there was a folder.

        Raises DefinitionRefused if the names or sizes are not safe; every other fault is kept in `faults`.
        """
        _refuse_unsafe(files)
        return _Folder(files, key).procedure()


def read_folder(path: str | Path) -> Procedure:
    """The procedure in the folder `path`. Raises DefinitionRefused if the folder is not safe to read."""
    folder = Path(path)
    if folder.is_symlink() or not folder.is_dir():
        raise DefinitionRefused([_fault("safe-folder", folder.name, "It is no folder.")])
    files: dict[str, bytes] = {}
    total = 0
    for entry in sorted(folder.rglob("*")):
        name = entry.relative_to(folder).as_posix()
        if any(part.startswith(".") for part in Path(name).parts):
            continue
        if entry.is_symlink() or not (entry.is_file() or entry.is_dir()):
            raise DefinitionRefused([_fault("safe-folder", name, "It is a link or no ordinary file.")])
        if entry.is_file():
            total += entry.stat().st_size
            if total > MAX_BYTES or len(files) >= MAX_FILES:
                raise DefinitionRefused([_fault("safe-folder", name, f"More than {MAX_FILES} files or {MAX_BYTES:,} bytes.")])
            files[name] = entry.read_bytes()
    return Procedure.from_files(files, folder.resolve().name)


def read_yaml(text: bytes, file: str) -> tuple[Any, list[Fault]]:
    """The plain data of a YAML file, or None with a fault. Anchors, deep nesting and double keys are refused."""
    if len(text) > MAX_YAML_BYTES:
        return None, [_fault("yaml", file, f"The file has {len(text):,} bytes, more than {MAX_YAML_BYTES:,}.")]
    try:
        decoded = text.decode("utf-8")
        _refuse_bombs(decoded)
        return yaml.load(decoded, _PlainLoader), []
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        return None, [_fault("yaml", file, f"The file is not plain YAML: {' '.join(str(error).split())[:200]}.")]


def _fault(check: str, file: str, reason: str, element: str | None = None) -> Fault:
    return Fault(file, element, reason, READ_CHECKS[check][1], check, check in _WARNINGS)


def _refuse_unsafe(files: dict[str, bytes]) -> None:
    faults = [_fault("safe-folder", name[:100], "The name leads out of the folder or is not plain.")
              for name in files if not _plain_name(name)]
    if len(files) > MAX_FILES or sum(map(len, files.values())) > MAX_BYTES:
        faults.append(_fault("safe-folder", "-", f"More than {MAX_FILES} files or {MAX_BYTES:,} bytes."))
    if faults:
        raise DefinitionRefused(faults)


def _plain_name(name: str) -> bool:
    parts = name.split("/")
    return (0 < len(name) <= 200 and name.isprintable() and not re.search(r"[\\:]", name)
            and all(part and part not in (".", "..") for part in parts))


class _PlainLoader(yaml.SafeLoader):
    """A SafeLoader that refuses a key given twice."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = next((k for i, k in enumerate(keys) if k in keys[:i]), None)
        if twice is not None:
            raise yaml.YAMLError(f"the key {twice!r} is given twice")
        return super().construct_mapping(node, deep)


def _refuse_bombs(text: str) -> None:
    depth = 0
    for count, event in enumerate(yaml.parse(text, yaml.SafeLoader)):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.YAMLError("it uses anchors")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_YAML_DEPTH or count > MAX_YAML_EVENTS:
            raise yaml.YAMLError("it is nested too deep or too long")


class _Folder:
    """Sorts the files of one folder into a Procedure; what does not fit becomes a fault."""

    def __init__(self, files: dict[str, bytes], key: str | None):
        self.files, self.key = files, key
        self.faults: list[Fault] = []

    def procedure(self) -> Procedure:
        diagram = self.diagram()
        key = self.key or (diagram.key if diagram else "")
        decisions = {name: content for name, content in sorted(self.files.items()) if name.endswith(".dmn")}
        control_sheet = self.control_sheet()
        name = control_sheet.get("name") if isinstance(control_sheet.get("name"), str) else None
        self.stray_files()
        return Procedure(
            key, name or (diagram.name if diagram else key), diagram, decisions, self.forms(), self.mapping(ENGLISH),
            control_sheet, self.files.get(README, b"").decode("utf-8", "replace"), self.scenarios(), self.files,
            content_hash(self.files), tuple(self.faults))

    def control_sheet(self) -> dict[str, Any]:
        """The control sheet; `variables` and `messages` that are no mappings are told and left out."""
        sheet = dict(self.mapping(CONTROL_SHEET))
        messages = sheet.get("messages") or {}
        fit = {"variables": isinstance(sheet.get("variables") or {}, dict),
               "messages": isinstance(messages, dict) and all(isinstance(v or {}, dict) for v in messages.values())}
        for key in (key for key, good in fit.items() if not good):
            self.faults.append(_fault("yaml", CONTROL_SHEET, f"{key} is no mapping of names to types."))
            sheet.pop(key)
        return sheet

    def diagram(self) -> Diagram | None:
        names = sorted(name for name in self.files if name.endswith(".bpmn") and "/" not in name)
        if len(names) != 1:
            self.faults.append(_fault("one-diagram", self.key or "-", f"The folder has {len(names)} diagrams."))
            return None
        diagram, faults = dialect.read(self.files[names[0]], names[0])
        self.faults += faults
        stem = names[0].removesuffix(".bpmn")
        expected = self.key or stem
        if diagram and (diagram.key != expected or stem != expected):
            self.faults.append(_fault("one-diagram", names[0], f"The process id is {diagram.key}, the file {stem}.bpmn, the folder "
                                      f"{expected}.", diagram.key))
        if diagram and not re.fullmatch(r"[a-z][a-z0-9-]{0,59}", diagram.key):
            self.faults.append(_fault("one-diagram", names[0], "The process id is not made of small letters, digits and '-'.",
                                      diagram.key))
        return diagram

    def forms(self) -> dict[str, Form]:
        forms: dict[str, Form] = {}
        for name in self.named("forms/", ".form"):
            form, faults = form_definition.read(self.files[name], name)
            self.faults += faults
            stem = name.rpartition("/")[2].removesuffix(".form")
            if form is not None and (form.id != stem or form.id in forms):
                self.faults.append(_fault("form-id", name, f"The form's id is {form.id[:60]}.", form.id[:60]))
            if form is not None:
                forms[form.id] = form
        return forms

    def scenarios(self) -> dict[str, dict]:
        return {name.rpartition("/")[2].removesuffix(".yaml"): self.mapping(name)
                for name in self.named("scenarios/", ".yaml")}

    def named(self, folder: str, ending: str) -> list[str]:
        return sorted(n for n in self.files if n.startswith(folder) and n.endswith(ending) and n.count("/") == 1)

    def mapping(self, name: str) -> dict[str, Any]:
        """A YAML file that has to be a mapping; empty where the file is absent or not fit."""
        if name not in self.files:
            return {}
        data, faults = read_yaml(self.files[name], name)
        if not faults and data is not None and not isinstance(data, dict):
            faults = [_fault("yaml", name, "The file is no mapping of keys to values.")]
        self.faults += faults
        return data if isinstance(data, dict) else {}

    def stray_files(self) -> None:
        known = {CONTROL_SHEET, ENGLISH, README, *self.named("forms/", ".form"), *self.named("scenarios/", ".yaml")}
        for name in sorted(set(self.files) - known):
            if "/" in name or not name.endswith((".bpmn", ".dmn")):
                self.faults.append(_fault("stray-file", name, "The file has no place in a procedure."))


def content_hash(files: dict[str, bytes]) -> str:
    """sha256 over the names and contents of what makes an edition: diagram, tables, forms, en.yaml, control sheet."""
    digest = hashlib.sha256()
    for name in sorted(files):
        if name in (CONTROL_SHEET, ENGLISH) or name.endswith((".bpmn", ".dmn", ".form")):
            digest.update(f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n".encode())
    return digest.hexdigest()
