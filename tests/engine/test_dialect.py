"""What a diagram may say, and that everything else is refused with its element and a remedy, all at once."""

from pathlib import Path

import pytest

from engine.dialect import (
    MAX_NODES,
    READ_CHECKS,
    BadText,
    EventKind,
    Kind,
    TimerKind,
    check_cycle,
    check_duration,
    read,
    timer_expression,
)

GOOD = (Path(__file__).parent / "diagrams" / "dialect-good" / "dialect-good.bpmn").read_text(encoding="utf-8")


def changed(old, new, count=1):
    assert old in GOOD
    return GOOD.replace(old, new, count)


def inserted(xml):
    """The good diagram with `xml` at the end of its process."""
    return GOOD.replace("  </bpmn:process>", f"{xml}\n  </bpmn:process>")


def found(xml):
    return [(f.check, f.element) for f in read(xml, "x.bpmn")[1]]


def element(identity, xml=GOOD):
    return read(xml, "x.bpmn")[0].elements[identity]


# --- what is read -----------------------------------------------------------------------------------------------------

def test_the_good_diagram_has_no_fault_and_says_every_kind():
    diagram, faults = read(GOOD, "dialect-good.bpmn")
    assert faults == [] and (diagram.key, diagram.name, diagram.file) == ("dialect-good", "样例", "dialect-good.bpmn")
    assert {e.kind for e in diagram.elements.values()} == set(Kind) - {Kind.SEND, Kind.RECEIVE, Kind.INCLUSIVE}  # test_constructs.py


def test_a_user_task_is_read_with_everything_it_says():
    task = element("register")
    assert (task.form, task.groups, task.due, task.priority, task.clause) == (
        "register", '"specialist"', 'now + duration("PT1H")', "50", "1")
    assert (task.incoming, task.outgoing, task.scope) == (("f1",), ("f2",), "dialect-good")


def test_automatic_tasks_are_read():
    assert (element("level").decision, element("level").result) == ("service-level", "service_level")
    assert (element("count").script, element("count").result) == ("1", "rounds")
    assert element("targets").operation == "ticket.set-targets"
    assert [(m.source, m.target) for m in element("targets").inputs] == [("service_level.minutes", "minutes")]
    assert (element("escalate").called, element("escalate").propagate_all) == ("escalation", False)


def test_events_are_read():
    late = element("check_late")
    assert (late.attached_to, late.interrupting, late.event.kind, late.event.timer) == (
        "check", False, EventKind.TIMER, TimerKind.DURATION)
    more = element("more").event
    assert (more.kind, more.message, more.correlation_key) == (EventKind.MESSAGE, "ticket.add-information", "ticket_number")
    assert element("closed").event.kind is EventKind.TERMINATE
    assert element("help").triggered_by_event and not element("help_start").interrupting


def test_flows_carry_conditions_and_the_default():
    flows = read(GOOD, "x.bpmn")[0].flows
    assert flows["f6"].condition == 'urgency = "urgent"' and flows["f7"].default and not flows["f6"].default


def test_a_label_without_text_is_the_id():
    assert element("start").name == "start" and element("register").name == "登记"


def test_literal_texts_become_feel():
    xml = changed('candidateGroups="specialist"', 'candidateGroups="specialist, cashier" assignee="a &quot;b&quot;"')
    assert element("register", xml).groups == '["specialist", "cashier"]'
    assert element("register", xml).assignee == r'"a \"b\""'


@pytest.mark.parametrize(("text", "feel"), [("2026-12-01T10:00:00+08:00", 'date and time("2026-12-01T10:00:00+08:00")'),
                                            ("PT4H", 'duration("PT4H")'), ("= due_at ", "due_at")])
def test_due_dates_are_instants_durations_or_feel(text, feel):
    assert element("register", changed("=now + duration(&#34;PT1H&#34;)", text)).due == feel


def test_documentation_is_kept_and_not_executed():
    xml = inserted('<bpmn:group id="g1" /><bpmn:dataObject id="d1" />').replace("<bpmn:process ", (
        '<bpmn:collaboration id="c"><bpmn:participant id="p" processRef="dialect-good" /><bpmn:participant id="q" '
        'processRef="customer" /><bpmn:messageFlow id="m" sourceRef="q" targetRef="start" /></bpmn:collaboration>'
        '<bpmn:process id="customer" isExecutable="false"><bpmn:task id="asks" /></bpmn:process><bpmn:process '), 1)
    diagram, faults = read(xml, "x.bpmn")
    assert faults == []
    assert {"note", "note_line", "paper", "g1", "d1", "p", "q", "m", "customer", "asks"} <= set(diagram.documentation_only)


def test_a_lane_names_the_group_of_tasks_that_name_none():
    lanes = ('<bpmn:laneSet id="ls"><bpmn:lane id="l1" name="engineering"><bpmn:flowNodeRef>register</bpmn:flowNodeRef>'
             '<bpmn:flowNodeRef>handle</bpmn:flowNodeRef></bpmn:lane><bpmn:lane id="l2" name="客服"><bpmn:extensionElements>'
             '<zeebe:properties><zeebe:property name="group" value="specialist" /></zeebe:properties></bpmn:extensionElements>'
             '<bpmn:flowNodeRef>check</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>')
    xml = GOOD.replace('candidateGroups="specialist"', "").replace('<bpmn:startEvent id="start" />', lanes + '<bpmn:startEvent id="start" />')
    assert (element("register", xml).groups, element("register", xml).lane) == ('"engineering"', "engineering")
    assert element("verify", xml).groups == '"specialist"'  # inherited from the sub-process that stands in the lane
    assert element("handle", xml).groups == '"engineering"' == element("handle").groups
    assert found(xml) == []


# --- timer texts ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("kind", "text", "feel"), [
    (TimerKind.DURATION, "PT15M", 'duration("PT15M")'), (TimerKind.DURATION, "P1DT2H", 'duration("P1DT2H")'),
    (TimerKind.DURATION, '=duration("PT4H")', 'duration("PT4H")'), (TimerKind.CYCLE, "R3/PT1H", '"R3/PT1H"'),
    (TimerKind.CYCLE, "R/PT1H", '"R/PT1H"'), (TimerKind.CYCLE, "0 30 8 * * MON-FRI", '"0 30 8 * * MON-FRI"'),
    (TimerKind.CYCLE, "R/2026-01-31T09:00:00+08:00/P1M", '"R/2026-01-31T09:00:00+08:00/P1M"'), (TimerKind.CYCLE, "PT1H", 'duration("PT1H")'),
    (TimerKind.DATE, "2026-12-01T10:00:00Z", 'date and time("2026-12-01T10:00:00Z")'), (TimerKind.DATE, "=x", "x")])
def test_timer_texts_become_feel(kind, text, feel):
    assert timer_expression(kind, text) == feel


@pytest.mark.parametrize(("kind", "text"), [
    (TimerKind.DURATION, "15 minutes"), (TimerKind.DURATION, "PT1D"), (TimerKind.DURATION, "-PT1H"), (TimerKind.DURATION, "P"),
    (TimerKind.DURATION, "PT"), (TimerKind.DURATION, "PT0S"), (TimerKind.DURATION, "P1M"), (TimerKind.DURATION, "P1W"),
    (TimerKind.DURATION, "PT1.5S"), (TimerKind.DURATION, "="), (TimerKind.DURATION, "PT9999999999H"), (TimerKind.DURATION, "pt1h"),
    (TimerKind.DATE, "2026-12-01"), (TimerKind.DATE, "2026-12-01T10:00:00"), (TimerKind.DATE, "2026-13-01T10:00:00Z"),
    (TimerKind.DATE, "tomorrow"), (TimerKind.DATE, "PT1H"), (TimerKind.CYCLE, "R/PT0S"), (TimerKind.CYCLE, "R0/PT1H"),
    (TimerKind.CYCLE, "R3/-PT1H"), (TimerKind.CYCLE, "R3"), (TimerKind.CYCLE, "0 0 25 * * *"), (TimerKind.CYCLE, "R1/2026-01-31/P1M")])
def test_bad_timer_texts_are_told_with_a_remedy(kind, text):
    with pytest.raises(BadText) as bad:
        timer_expression(kind, text)
    assert str(bad.value) and bad.value.remedy


def test_a_bad_timer_is_a_fault_at_its_element():
    assert found(changed(">P1D<", ">15 minutes<")) == [("timer-text", "a_day")]
    assert found(changed(">P1D<", "><")) == [("event-definition", "a_day")]


def test_durations_and_cycles_can_be_asked_alone():
    assert check_duration("P1Y2M") == "P1Y2M" and check_duration("PT0S") == "PT0S"
    assert check_cycle("R3/PT1H") == "R3/PT1H" and check_cycle("R/P1D") == "R/P1D"


# --- what is refused --------------------------------------------------------------------------------------------------

REFUSED_NODES = ["task", "manualTask", "complexGateway", "adHocSubProcess", "dataStoreReference", "callChoreography", "brandNewTask"]


@pytest.mark.parametrize("tag", REFUSED_NODES)
def test_other_nodes_are_refused_and_flows_to_them_are_no_second_fault(tag):
    xml = inserted(f'<bpmn:{tag} id="odd" name="x" />')
    assert found(xml) == [("unknown-element", "odd")]
    if tag != "brandNewTask":
        assert "odd" in read(xml, "x.bpmn")[0].refused


REST = next(line for line in (Path(__file__).parents[2] / "docs/reference/bpmn.md").read_text(encoding="utf-8").splitlines()
            if "test_whatever_else_bpmn_has_is_refused_by_its_name" in line).strip("| ").split(" | ")[0].split(", ")


@pytest.mark.parametrize("tag", REST)
def test_whatever_else_bpmn_has_is_refused_by_its_name(tag):
    odd = f'<bpmn:{tag} id="odd" />'
    task = '<bpmn:userTask id="register"'
    start = GOOD.index(">", GOOD.index(task)) + 1
    for xml in (inserted(odd), GOOD.replace("</bpmn:process>", f"</bpmn:process>{odd}"), GOOD[:start] + odd + GOOD[start:]):
        (fault,) = read(xml, "x.bpmn")[1]
        assert fault.check == "unknown-element" and tag in fault.reason and fault.remedy


@pytest.mark.parametrize("xml", [
    inserted('<bpmn:ioSpecification><bpmn:dataInput id="i"/><bpmn:inputSet/><bpmn:outputSet/></bpmn:ioSpecification><bpmn:property id="x"/>'),
    GOOD.replace("</bpmn:process>", '</bpmn:process><bpmn:itemDefinition id="i"/><bpmn:category id="c"><bpmn:categoryValue id="v" value="x"/>'
                 '</bpmn:category><bpmn:relationship id="r" type="x"/>', 1),
    inserted('<bpmn:scriptTask id="odd"><bpmn:dataInputAssociation/><bpmn:dataOutputAssociation/></bpmn:scriptTask>')])
def test_data_of_other_engines_is_not_read(xml):
    assert [f for f in read(xml, "x.bpmn")[1] if f.check == "unknown-element"] == []


@pytest.mark.parametrize(("kind", "event"), [
    ("intermediateThrowEvent", "error"), ("intermediateThrowEvent", "cancel"), ("intermediateThrowEvent", "timer"),
    ("intermediateThrowEvent", "conditional"), ("intermediateCatchEvent", "error"), ("intermediateCatchEvent", "escalation"),
    ("intermediateCatchEvent", "compensate"), ("intermediateCatchEvent", "terminate"), ("endEvent", "timer"), ("endEvent", "link"),
    ("startEvent", "compensate"), ("startEvent", "cancel"), ("boundaryEvent", "terminate"), ("boundaryEvent", "link")])
def test_events_are_refused_where_bpmn_does_not_know_them(kind, event):
    xml = inserted(f'<bpmn:{kind} id="odd"><bpmn:{event}EventDefinition id="e" /></bpmn:{kind}>')
    assert found(xml) == [("event-definition", "odd")]


@pytest.mark.parametrize(("kind", "event"), [
    ("endEvent", "signal"), ("endEvent", "error"), ("intermediateThrowEvent", "escalation"), ("intermediateThrowEvent", "link"),
    ("intermediateCatchEvent", "signal"), ("boundaryEvent", "message")])
def test_an_event_that_names_nothing_is_told(kind, event):
    xml = inserted(f'<bpmn:{kind} id="odd"><bpmn:{event}EventDefinition id="e" /></bpmn:{kind}>')
    assert found(xml) == [("event-definition", "odd")]


@pytest.mark.parametrize("marker", ["multiInstanceLoopCharacteristics", "standardLoopCharacteristics"])
@pytest.mark.parametrize("place", ['<bpmn:userTask id="register" name="登记">', '<bpmn:subProcess id="check" name="验证">'])
def test_an_empty_loop_marker_is_told(marker, place):
    assert [c for c, _ in found(changed(place, f"{place}<bpmn:{marker} />"))] == ["event-definition"]


@pytest.mark.parametrize("attribute", ['startQuantity="2"', 'completionQuantity="3"', 'calledElement="x"'])
def test_markers_that_change_the_meaning_are_refused(attribute):
    assert found(changed('<bpmn:userTask id="register"', f'<bpmn:userTask {attribute} id="register"')) == [("unknown-element", "register")]


def test_events_of_the_wrong_kind_for_their_place_are_refused():
    message = '<bpmn:messageEventDefinition id="m" messageRef="Message_more" />'
    assert found(inserted(f'<bpmn:endEvent id="odd">{message}</bpmn:endEvent>')) == []
    assert found(inserted('<bpmn:intermediateCatchEvent id="odd" />')) == [("event-definition", "odd")]
    assert found(inserted(f'<bpmn:intermediateCatchEvent id="odd">{message}{message}</bpmn:intermediateCatchEvent>')) == [
        ("event-definition", "odd")]


def test_a_message_has_a_name_that_is_fixed():
    assert ("event-definition", "more") in found(changed('name="ticket.add-information"', ""))
    assert found(changed('name="ticket.add-information"', 'name="=x"')) == [("fixed-name", "Message_more")]
    assert found(changed('messageRef="Message_more"', 'messageRef="gone"')) == [("event-definition", "more")]


@pytest.mark.parametrize(("extension", "place"), [
    ("<zeebe:taskDefinition type='x' />", "register"), ("<zeebe:executionListeners />", "register"), ("<other:thing xmlns:other='o' />",
     "register"), ("<zeebe:formDefinition formId='x' formKey='y' />", "register")])
def test_extensions_that_nobody_reads_are_refused(extension, place):
    assert found(changed("<zeebe:userTask />", f"<zeebe:userTask />{extension}")) == [("unknown-extension", place)]


def test_attributes_of_other_engines_are_refused():
    xml = changed('<bpmn:userTask id="register"', '<bpmn:userTask xmlns:camunda="http://camunda.org/schema/1.0/bpmn" '
                  'camunda:candidateGroups="x" id="register"')
    assert found(xml) == [("unknown-extension", "register")]


@pytest.mark.parametrize("tag", ["dataStore", "import", "eventDefinition"])
def test_what_stands_beside_the_process_is_refused(tag):
    assert [c for c, _ in found(GOOD.replace("<bpmn:message ", f'<bpmn:{tag} id="odd" /><bpmn:message ', 1))] == ["unknown-element"]


@pytest.mark.parametrize("tag", ["potentialOwner", "humanPerformer", "performer", "resourceRole"])
def test_resource_roles_are_refused(tag):
    assert found(changed('<bpmn:userTask id="register" name="登记">', f'<bpmn:userTask id="register" name="登记"><bpmn:{tag} />')) == [
        ("unknown-element", "register")]


def test_native_scripts_are_refused():
    assert found(changed('<bpmn:scriptTask id="count" name="计数">', '<bpmn:scriptTask id="count" name="计数" scriptFormat="python">'
                         '<bpmn:script>import os</bpmn:script>')) == [("unknown-element", "count")]


@pytest.mark.parametrize(("old", "new", "check", "place"), [
    ('decisionId="service-level"', 'decisionId="=x"', "fixed-name", "level"),
    ('resultVariable="rounds"', 'resultVariable="a.b"', "fixed-name", "count"),
    ('resultVariable="rounds"', 'resultVariable="__class__"', "fixed-name", "count"),
    ('target="minutes"', 'target="1x"', "fixed-name", "targets"),
    ('source="=service_level.minutes"', 'source=""', "expression-text", "targets"),
    ('source="=service_level.minutes"', 'source="="', "expression-text", "targets"),
    ('priority="50"', 'priority="high"', "expression-text", "register"),
    ('priority="50"', 'priority="101"', "expression-text", "register"),
    ('=urgency = "urgent"', 'urgency = "urgent"', "expression-text", "f6"),
    ('=urgency = "urgent"', "=" + "1+" * 3000 + "1", "expression-text", "f6"),
    ('dueDate="=now + duration(&#34;PT1H&#34;)"', 'dueDate="soon"', "timer-text", "register"),
    ('default="f7"', 'default="f1"', "event-definition", "urgent"),
    ('id="start"', 'id="1 2"', "unique-id", "1 2"),
    ('propagateAllChildVariables="false"', 'propagateAllParentVariables="true"', "unknown-extension", "escalate")])
def test_texts_that_do_not_fit_their_place_are_told(old, new, check, place):
    assert (check, place) in found(changed(old, new))


def test_ids_are_there_and_unique():
    assert ("unique-id", None) in found(changed('<bpmn:endEvent id="escalated"', "<bpmn:endEvent"))
    assert found(inserted('<bpmn:endEvent id="closed" />')) == [("unique-id", "closed")]
    assert ("unique-id", "dialect-good") in found(inserted('<bpmn:endEvent id="dialect-good" />'))


def test_every_fault_is_told_at_once():
    xml = inserted('<bpmn:task id="t1" /><bpmn:adHocSubProcess id="t2" />').replace(">P1D<", ">soon<").replace('priority="50"', 'priority="x"', 1)
    assert found(xml) == [("expression-text", "register"), ("timer-text", "a_day"), ("unknown-element", "t1"), ("unknown-element", "t2")]


def test_every_fault_names_file_reason_and_remedy():
    fault = read(inserted('<bpmn:task id="t1" />'), "a.bpmn")[1][0]
    assert str(fault) == ("a.bpmn: t1: A task without a type has nobody who does it."
                          " Make it a user task, service task or script task.")
    assert fault.check in READ_CHECKS


# --- hostile and broken files -----------------------------------------------------------------------------------------

LAUGHS = ('<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
          '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">&b;</definitions>')
XXE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">&a;</definitions>'


@pytest.mark.parametrize("text", [b"", b"  \n", b"\x00\x01", b"hello", b"<a/>", b"<a><b></a>", b"{}", LAUGHS.encode(), XXE.encode(),
                                  LAUGHS.encode("utf-16"), ("<!doctype html>" + GOOD).encode(), b"<a>" * 300, b"\xff" * 50,
                                  b'<?xml version="1.0" encoding="klingon"?><a/>', b"<a " + b"x" * 100])
def test_files_that_are_no_diagram_are_one_fault(text):
    assert read(text, "x.bpmn")[0] is None
    assert found(text) == [("readable", None)]


def test_a_file_of_another_unicode_is_read():
    assert read(GOOD.replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16"), "x.bpmn")[1] == []


def test_files_larger_than_two_megabytes_are_refused():
    assert found(GOOD + " " * (2 * 1024 * 1024)) == [("readable", None)]


def test_the_number_of_nodes_is_limited():
    present = len(read(GOOD, "x")[0].elements) + 2  # the annotation and the data object reference
    ends = "".join(f'<bpmn:endEvent id="n{i}" />' for i in range(MAX_NODES - present))
    assert found(inserted(ends)) == []
    assert found(inserted(ends + '<bpmn:endEvent id="last" />')) == [("too-large", None)]
    assert read(inserted(ends + '<bpmn:endEvent id="last" />'), "x")[0] is None


def test_the_number_of_flows_is_limited():
    assert found(inserted("".join(f'<bpmn:sequenceFlow id="n{i}" sourceRef="a" targetRef="b" />' for i in range(1001)))) == [("too-large", None)]


def test_sub_processes_nest_five_deep():
    def nested(depth):
        return inserted("".join(f'<bpmn:subProcess id="s{i}">' for i in range(depth)) + "</bpmn:subProcess>" * depth)
    assert found(nested(5)) == []
    assert found(nested(6)) == [("too-large", "s5")]


def test_exactly_one_process_is_executable():
    assert found(GOOD.replace(' isExecutable="true"', "")) == [("one-process", None)]
    assert found(GOOD.replace("<bpmn:message ", '<bpmn:process id="b" isExecutable="true" /><bpmn:message ', 1)) == [("one-process", None)]


def test_a_process_without_id_is_refused():
    assert found(GOOD.replace('<bpmn:process id="dialect-good"', "<bpmn:process")) == [("unique-id", None)]
