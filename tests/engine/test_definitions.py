"""A folder becomes one frozen edition; what is not safe to read is refused, what does not fit is told with a remedy."""

import os
from pathlib import Path

import pytest

from engine.definitions import MAX_BYTES, MAX_FILES, READ_CHECKS, Procedure, read_folder, read_yaml
from engine.errors import DefinitionRefused

GOOD = Path(__file__).parent / "diagrams" / "dialect-good"


def files():
    return dict(read_folder(GOOD).files)


def checks_of(procedure):
    return [fault.check for fault in procedure.faults]


def test_a_folder_is_read_whole():
    procedure = read_folder(GOOD)
    assert (procedure.key, procedure.name) == ("dialect-good", "样例")
    assert set(procedure.forms) == {"register", "handle"} and set(procedure.scenarios) == {"calm", "urgent"}
    assert list(procedure.decisions) == ["service-level.dmn"]
    assert procedure.control_sheet["variables"] == {"ticket_number": "text", "urgency": "text"}
    assert procedure.translations["elements"]["register"] == "Register"
    assert procedure.readme.startswith("A procedure") and not procedure.faults


def test_the_same_files_give_the_same_edition_wherever_they_come_from():
    assert Procedure.from_files(files()) == read_folder(GOOD)
    assert Procedure.from_files(dict(reversed(files().items()))).hash == read_folder(GOOD).hash


@pytest.mark.parametrize("name", ["dialect-good.bpmn", "service-level.dmn", "forms/handle.form", "en.yaml", "control-sheet.yaml"])
def test_what_instances_run_on_changes_the_hash(name):
    changed = files()
    changed[name] += b"\n"
    assert Procedure.from_files(changed).hash != read_folder(GOOD).hash


@pytest.mark.parametrize("name", ["README.md", "scenarios/calm.yaml"])
def test_readme_and_scenarios_do_not_change_the_hash(name):
    changed = files()
    changed[name] += b"\n"
    assert Procedure.from_files(changed).hash == read_folder(GOOD).hash


def test_content_cannot_move_between_files_without_changing_the_hash():
    changed = files()
    changed["forms/handle.form"], changed["forms/register.form"] = changed["forms/register.form"], changed["forms/handle.form"]
    assert Procedure.from_files(changed).hash != read_folder(GOOD).hash


@pytest.mark.parametrize("name", ["../evil.form", "/etc/passwd", "forms/../../x", "forms//x.form", "./x", "a\\b", "C:x", "x\n", "",
                                  "forms/./x.form", "x" * 201])
def test_names_that_lead_out_are_refused(name):
    with pytest.raises(DefinitionRefused) as refused:
        Procedure.from_files(files() | {name: b"x"})
    assert refused.value.faults[0].check == "safe-folder"


def test_too_many_files_and_too_many_bytes_are_refused():
    with pytest.raises(DefinitionRefused):
        Procedure.from_files({f"forms/{n}.form": b"{}" for n in range(MAX_FILES + 1)})
    with pytest.raises(DefinitionRefused):
        Procedure.from_files({"README.md": b"x" * (MAX_BYTES + 1)})


def test_links_are_refused(tmp_path):
    folder = tmp_path / "dialect-good"
    folder.mkdir()
    for name, content in files().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    assert not read_folder(folder).faults
    os.symlink("/etc/passwd", folder / "forms" / "x.form")
    with pytest.raises(DefinitionRefused, match="link"):
        read_folder(folder)


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(DefinitionRefused):
        read_folder(tmp_path / "nothing")


def test_the_key_is_the_folders_name(tmp_path):
    folder = tmp_path / "other-name"
    folder.mkdir()
    (folder / "dialect-good.bpmn").write_bytes(files()["dialect-good.bpmn"])
    assert checks_of(read_folder(folder)) == ["one-diagram"]


def test_a_folder_without_diagram_or_with_two_is_told():
    without = {name: content for name, content in files().items() if not name.endswith(".bpmn")}
    assert Procedure.from_files(without).diagram is None and checks_of(Procedure.from_files(without)) == ["one-diagram"]
    assert checks_of(Procedure.from_files(files() | {"b.bpmn": b""})) == ["one-diagram"]


def test_a_process_id_of_other_letters_is_told():
    content = files()["dialect-good.bpmn"].replace(b'"dialect-good"', b'"Dialect_Good"')
    assert "one-diagram" in checks_of(Procedure.from_files({"Dialect_Good.bpmn": content}))


def test_a_forms_id_is_its_files_name():
    changed = files()
    changed["forms/other.form"] = changed["forms/handle.form"]
    assert checks_of(Procedure.from_files(changed)) == ["form-id"]


def test_a_file_without_a_place_is_a_warning():
    procedure = Procedure.from_files(files() | {"notes.txt": b"x", "forms/deep/x.form": b"{}"})
    assert checks_of(procedure) == ["stray-file", "stray-file"] and all(f.warning for f in procedure.faults)


@pytest.mark.parametrize("text", [b"a: &x [1]\nb: *x", b"a: &x 1", b"[" * 40 + b"]" * 40, b"a: 1\na: 2", b"a: !!python/object:os.x {}",
                                  b"\xff\xfe\x00", b"a: [", b"? {a: 1}\n: 2", b"a: 2026-13-45", b"x" * 300_000, b"a: " + b"[[" * 5000])
def test_yaml_bombs_and_broken_yaml_are_told(text):
    data, faults = read_yaml(text, "en.yaml")
    assert data is None and [f.check for f in faults] == ["yaml"]


def test_yaml_that_is_no_mapping_is_told():
    assert checks_of(Procedure.from_files(files() | {"en.yaml": b"- a"})) == ["yaml"]
    assert checks_of(Procedure.from_files(files() | {"en.yaml": b""})) == []


@pytest.mark.parametrize("line", [b"variables: 5", b"variables: [a]", b"messages: x", b"messages: {ticket.urge: [text]}"])
def test_variables_and_messages_are_mappings(line):
    key = line.partition(b":")[0].decode()
    procedure = Procedure.from_files(files() | {"control-sheet.yaml": b"name: x\n" + line})
    assert checks_of(procedure) == ["yaml"] and key not in procedure.control_sheet


def test_every_fault_of_reading_is_listed():
    assert {"safe-folder", "one-diagram", "yaml", "form-id", "stray-file"} == set(READ_CHECKS)
