"""Each check has a small diagram that fails it: the good procedure with one thing changed."""

from functools import cache
from pathlib import Path

import pytest

from engine import checks
from engine.checks import check, check_all, check_file
from engine.definitions import Procedure, read_folder
from engine.feel import Feel, Function
from engine.operations import Registry

HERE = Path(__file__).parent
GOOD = {name: content.decode() for name, content in read_folder(HERE / "diagrams" / "dialect-good").files.items()}
DIAGRAM = "dialect-good.bpmn"
ROLES = {"specialist", "engineering", "supervisor"}
FUNCTIONS = (Function("business time after", ("from", "minutes", "calendar"), lambda *_: None, ""),)

operations = Registry()
operations.operation("ticket.set-targets", inputs={"minutes": int}, outputs=("response_due_at",))(lambda step, **_: {})
operations.operation("ticket.close", inputs={"note": str}, optional=("note",))(lambda step, **_: {})


@cache
def feel():
    return Feel(FUNCTIONS)


def procedure(changes=(), file=DIAGRAM, **replaced):
    """The good procedure after (old, new) replacements in `file`; `replaced` gives whole files, None removes one."""
    files = dict(GOOD)
    for old, new in changes:
        assert old in files[file], old
        files[file] = files[file].replace(old, new, 1)
    files |= {n.replace("__", "/"): c for n, c in replaced.items()}
    return Procedure.from_files({n: c.encode() for n, c in files.items() if c is not None})


def faults(subject, known=("escalation",), roles=ROLES):
    return check(subject, operations=operations, functions=FUNCTIONS, roles=roles, known_processes=known, feel=feel())


def found(*changes, file=DIAGRAM, known=("escalation",)):
    """(check, element) of every fault after the changes, warnings included, except those the good procedure has."""
    return [(f.check, f.element) for f in faults(procedure(changes, file), known) if (f.check, f.element) not in USUAL]


def added(xml, *changes):
    """Like `found`, with `xml` at the end of the process."""
    return found(("  </bpmn:process>", f"{xml}\n  </bpmn:process>"), *changes)


USUAL = [("same-name", "fork"), *(("task-escalation", task) for task in ("register", "handle", "visit"))]


def test_the_good_procedure_has_only_warnings():
    assert sorted((f.check, f.element) for f in faults(procedure())) == sorted(USUAL)
    assert all(f.warning for f in faults(procedure()))


def test_faults_come_in_the_order_of_the_diagram_and_before_warnings():
    listed = faults(procedure([('type="ticket.set-targets"', 'type="gone"'), ('formId="register"', 'formId="gone"')]))
    assert [f.element for f in listed if not f.warning] == ["register", "targets"]
    assert [f.warning for f in listed] == sorted(f.warning for f in listed)


# --- flows and shape of the graph -------------------------------------------------------------------------------------

def test_flows_have_ends():
    assert ("flow-ends", "f21") in found(('sourceRef="check" targetRef="closed"', 'sourceRef="check" targetRef="gone"'))
    assert ("flow-ends", "f21") in found(('sourceRef="check" targetRef="closed"', 'sourceRef="check"'))


def test_flows_do_not_cross_the_border_of_a_sub_process():
    assert ("flow-ends", "f18") in found(('sourceRef="said" targetRef="check"', 'sourceRef="said" targetRef="verify"'))


def test_nothing_flows_into_a_start_or_out_of_an_end():
    assert ("flow-ends", "f1") in found(('sourceRef="start" targetRef="register"', 'sourceRef="closed" targetRef="start"'))


def test_flows_to_a_refused_element_are_no_second_fault():
    listed = found(("<bpmn:intermediateThrowEvent id=\"said\" name=\"已知\" />", '<bpmn:task id="said" />'))
    assert ("unknown-element", "said") in listed and "flow-ends" not in [c for c, _ in listed]


def test_every_element_can_be_reached():
    assert ("unreachable", "alone") in added('<bpmn:endEvent id="alone" />')


def test_a_path_ends_in_an_end_event():
    assert ("dead-end", "loose") in added('<bpmn:exclusiveGateway id="loose" />')
    assert ("dead-end", "check") in found(('<bpmn:endEvent id="check_end" />', ""))


def test_a_scope_has_one_start_event():
    assert ("start-event", "dialect-good") in added('<bpmn:startEvent id="second" />')
    assert ("start-event", "check") in found(('<bpmn:startEvent id="check_start" />', ""))


def test_only_event_sub_processes_start_by_an_event():
    error = '<bpmn:errorEventDefinition id="m" errorRef="none" />'
    assert ("start-event", "start") in found(('<bpmn:startEvent id="start" />', f'<bpmn:startEvent id="start">{error}</bpmn:startEvent>'))
    message = '<bpmn:messageEventDefinition id="m" messageRef="Message_more" />'
    check_start = '<bpmn:startEvent id="check_start" />'
    assert ("start-event", "check_start") in found((check_start, check_start.replace(" />", f">{message}</bpmn:startEvent>")))
    assert ("start-event", "help_start") in found(('<bpmn:messageEventDefinition id="help_message" messageRef="Message_help" />', ""))


def test_an_event_sub_process_has_no_flows():
    assert ("event-sub-process", "help") in found(('sourceRef="escalate" targetRef="escalated"', 'sourceRef="escalate" targetRef="help"'))


def test_every_flow_out_of_an_exclusive_gateway_has_a_condition_but_the_default():
    assert ("gateway-condition", "f7") in found((' default="f7"', ""))


def test_a_condition_that_is_never_asked_is_told():
    condition = '<bpmn:conditionExpression>=true</bpmn:conditionExpression></bpmn:sequenceFlow>'
    flow = '<bpmn:sequenceFlow id="f7" name="否" sourceRef="urgent" targetRef="merge" '
    assert ("gateway-condition", "f7") in found((flow + "/>", flow + ">" + condition))
    flow = '<bpmn:sequenceFlow id="f13" sourceRef="merge" targetRef="wait" '
    assert ("gateway-condition", "f13") in found((flow + "/>", flow + ">" + condition))


@pytest.mark.parametrize(("flow", "ends"), [("f8", 'sourceRef="fork" targetRef="handle" '), ("f2", 'sourceRef="register" targetRef="level" ')])
def test_conditions_stand_only_after_exclusive_gateways(flow, ends):
    start = f'<bpmn:sequenceFlow id="{flow}" {ends}'
    condition = '<bpmn:conditionExpression>=true</bpmn:conditionExpression></bpmn:sequenceFlow>'
    assert found((start + "/>", start + ">" + condition)) == [("stray-condition", flow)]


def test_a_default_flow_of_a_task_is_told():
    assert found(('<bpmn:userTask id="register"', '<bpmn:userTask default="f2" id="register"')) == [("stray-condition", "f2")]


def test_several_flows_out_of_a_task_are_refused():
    assert ("implicit-fork", "register") in added('<bpmn:sequenceFlow id="more_flow" sourceRef="register" targetRef="merge" />')


def test_an_exclusive_gateway_without_default_is_a_warning():
    condition = '><bpmn:conditionExpression>=true</bpmn:conditionExpression></bpmn:sequenceFlow>'
    flow = '<bpmn:sequenceFlow id="f7" name="否" sourceRef="urgent" targetRef="merge" '
    assert found((' default="f7"', ""), (flow + "/>", flow + condition)) == [("default-flow", "urgent")]


def test_an_event_gateway_leads_to_catch_events():
    assert ("event-gateway", "wait") in found(('sourceRef="wait" targetRef="more"', 'sourceRef="wait" targetRef="said"'))
    assert ("event-gateway", "wait") in found(('<bpmn:sequenceFlow id="f15" sourceRef="wait" targetRef="more" />', ""))
    assert ("event-gateway", "more") in found(('sourceRef="urgent" targetRef="merge"', 'sourceRef="urgent" targetRef="more"'))


def test_a_boundary_event_sits_on_an_activity_of_its_scope():
    for host in ("merge", "help", "verify", "gone"):
        assert ("boundary", "check_late") in found(('attachedToRef="check"', f'attachedToRef="{host}"'))


def test_a_boundary_event_on_what_does_not_wait_is_a_warning():
    assert ("boundary-waits", "check_late") in found(('attachedToRef="check"', 'attachedToRef="targets"'))


def test_a_loop_waits_for_somebody():
    back = ('sourceRef="urgent" targetRef="merge"', 'sourceRef="urgent" targetRef="level"')
    listed = [f for f in faults(procedure([back])) if f.check == "endless-loop"]
    assert [f.element for f in listed] == ["level"] and "level, targets, count, urgent" in listed[0].reason


def test_a_loop_through_a_user_task_a_timer_or_a_sub_process_that_waits_is_fine():
    for target in ("register", "wait", "check"):
        back = ('sourceRef="urgent" targetRef="merge"', f'sourceRef="urgent" targetRef="{target}"')
        assert "endless-loop" not in [c for c, _ in found(back)]


def test_a_sub_process_that_can_be_passed_without_waiting_does_not_break_a_loop():
    by_the_way = ('sourceRef="check_start" targetRef="verify"', 'sourceRef="check_start" targetRef="check_end"')
    ring = ('sourceRef="check" targetRef="closed"', 'sourceRef="check" targetRef="said"')
    assert ("endless-loop", "said") in found(by_the_way, ring)
    assert ("endless-loop", "said") not in found(ring)


def test_a_called_procedure_breaks_a_loop_if_it_waits():
    again = ('<bpmn:exclusiveGateway id="again_gate" default="r1" /><bpmn:sequenceFlow id="r1" sourceRef="again_gate" '
             'targetRef="escalated" /><bpmn:sequenceFlow id="r2" sourceRef="again_gate" targetRef="escalate">'
             '<bpmn:conditionExpression>=true</bpmn:conditionExpression></bpmn:sequenceFlow></bpmn:process>')
    ring = [('sourceRef="escalate" targetRef="escalated"', 'sourceRef="escalate" targetRef="again_gate"'), ("  </bpmn:process>", again)]
    assert ("endless-loop", "escalate") in found(*ring)
    called = escalation()
    assert ("endless-loop", "escalate") not in found(*ring, known={"escalation": called})


def test_everything_executed_is_drawn():
    assert found(('bpmnElement="level"', 'bpmnElement="gone"')) == [("shape", "level")]
    assert found(('bpmnElement="f9"', 'bpmnElement="gone"')) == [("flow-shape", "f9")]


def element(id, kind, inside="", **attributes):
    extra = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<bpmn:{kind} id="{id}"{extra}>{inside}</bpmn:{kind}>'


def flow(id, source, target, condition=None):
    inside = f"<bpmn:conditionExpression>{condition}</bpmn:conditionExpression>" if condition else ""
    return f'<bpmn:sequenceFlow id="{id}" sourceRef="{source}" targetRef="{target}">{inside}</bpmn:sequenceFlow>'


def kinds(*changes):
    return {check for check, _ in found(*changes)}


def instead_of_the_script(xml):
    """`xml` has an element `count` with an outgoing flow f5; it stands where the script task was."""
    text = GOOD[DIAGRAM]
    start = text.index('<bpmn:scriptTask id="count"')
    return text[start:text.index("</bpmn:scriptTask>") + len("</bpmn:scriptTask>")], xml


def test_a_process_may_begin_by_timers_messages_and_signals():
    timer_start = '<bpmn:timerEventDefinition><bpmn:timeCycle>R/PT1H</bpmn:timeCycle></bpmn:timerEventDefinition>'
    more = element("by_clock", "startEvent", timer_start) + flow("by1", "by_clock", "merge")
    assert {"start-event", "timer-cycle", "unreachable", "dead-end"} & {c for c, _ in added(more)} == set()
    assert ("start-event", "dialect-good") in added(element("second", "startEvent") + flow("by1", "second", "merge"))


def test_an_inclusive_gateway_asks_conditions_as_an_exclusive_one():
    inclusive = [(f'<bpmn:exclusiveGateway id="urgent" name="紧急？" default="{d}" />', f'<bpmn:inclusiveGateway id="urgent" default="{d}" />')
                 for d in ["f7"]]
    assert not {"gateway-condition", "stray-condition", "implicit-fork", "default-flow"} & kinds(*inclusive)
    assert ("gateway-condition", "f7") in found(*inclusive, (' default="f7"', ""))


def test_an_event_gateway_may_lead_to_a_receive_task():
    text = GOOD[DIAGRAM]
    more = text[text.index('<bpmn:intermediateCatchEvent id="more"'):]
    more = more[:more.index("</bpmn:intermediateCatchEvent>") + len("</bpmn:intermediateCatchEvent>")]
    assert found((more, '<bpmn:receiveTask id="more" name="补充" messageRef="Message_more" />')) == []


def test_an_error_event_may_sit_on_what_does_not_wait():
    late = '<bpmn:boundaryEvent id="oops" attachedToRef="targets"><bpmn:errorEventDefinition id="oe" /></bpmn:boundaryEvent>' + flow(
        "oops1", "oops", "merge")
    assert "boundary-waits" not in {c for c, _ in added(late)}


def test_a_loop_marker_on_what_does_not_wait_has_a_maximum():
    marker = '<bpmn:standardLoopCharacteristics{}><bpmn:loopCondition>=true</bpmn:loopCondition></bpmn:standardLoopCharacteristics>'
    script = '<bpmn:scriptTask id="count" name="计数"><bpmn:extensionElements><zeebe:script expression="=1" resultVariable="rounds" />' \
             '</bpmn:extensionElements>{}</bpmn:scriptTask>'
    assert ("endless-loop", "count") in found(instead_of_the_script(script.format(marker.format(""))))
    assert "endless-loop" not in kinds(instead_of_the_script(script.format(marker.format(' loopMaximum="3"'))))


def test_a_loop_that_only_the_clock_drives_is_a_warning():
    wait = '<bpmn:timerEventDefinition><bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition>'
    ring = (element("poll", "intermediateCatchEvent", wait) + element("again", "exclusiveGateway", default="l2") + flow("l1", "poll", "again")
            + flow("l2", "again", "poll") + flow("l3", "again", "closed", "=true"))
    enter = ('sourceRef="count" targetRef="urgent"', 'sourceRef="count" targetRef="poll"')
    listed = added(ring, enter)
    assert ("loop-without-person", "poll") in listed and "endless-loop" not in {c for c, _ in listed}
    asked = ring.replace(wait, '<bpmn:messageEventDefinition messageRef="Message_more" />')
    assert "loop-without-person" not in {c for c, _ in added(asked, enter)}


def link(id, kind, name="away"):
    return element(id, f"intermediate{kind}Event", f'<bpmn:linkEventDefinition name="{name}" />')


def test_link_events_come_in_pairs_and_lead_on():
    leave = ('sourceRef="count" targetRef="urgent"', 'sourceRef="count" targetRef="away"')
    pair = link("away", "Throw") + link("here", "Catch") + flow("k1", "here", "urgent")
    assert not {"link", "unreachable", "dead-end", "flow-ends"} & {c for c, _ in added(pair, leave)}
    assert ("link", "away") in added(link("away", "Throw"), leave)
    assert ("link", "lonely") in added(link("lonely", "Catch") + flow("k1", "lonely", "urgent"))


COMPENSATED = ('<bpmn:boundaryEvent id="undo_targets" attachedToRef="targets"><bpmn:compensateEventDefinition id="cd" /></bpmn:boundaryEvent>'
               '<bpmn:scriptTask id="undo" isForCompensation="true"><bpmn:extensionElements><zeebe:script expression="=0" resultVariable='
               '"rounds" /></bpmn:extensionElements></bpmn:scriptTask><bpmn:association id="ca" sourceRef="undo_targets" targetRef="undo" />')


def test_a_compensation_has_its_activity_and_the_activity_its_event():
    assert not {"compensation", "unreachable", "dead-end", "boundary-waits"} & {c for c, _ in added(COMPENSATED)}
    assert ("compensation", "undo_targets") in added(COMPENSATED.replace(' targetRef="undo"', ' targetRef="gone"'))
    assert ("compensation", "undo") in added(COMPENSATED.replace(' sourceRef="undo_targets"', ' sourceRef="gone"'))
    back = COMPENSATED + element("back", "intermediateThrowEvent", '<bpmn:compensateEventDefinition activityRef="register" />')
    assert ("compensation", "back") in added(back)
    assert ("flow-ends", "cf") in added(COMPENSATED + flow("cf", "undo", "merge"))


def test_cancel_events_belong_to_transactions():
    cancel = '<bpmn:endEvent id="check_end"><bpmn:cancelEventDefinition id="ce" /></bpmn:endEvent>'
    end = ('<bpmn:endEvent id="check_end" />', cancel)
    assert ("cancel", "check_end") in found(end)
    text = GOOD[DIAGRAM]
    sub = text[text.index('<bpmn:subProcess id="check"'):]
    sub = sub[:sub.index("</bpmn:subProcess>") + len("</bpmn:subProcess>")]
    transaction = (sub, sub.replace("bpmn:subProcess", "bpmn:transaction").replace(*end))
    assert ("cancel", "check_end") in found(transaction)
    caught = element("taken", "boundaryEvent", "<bpmn:cancelEventDefinition />", attachedToRef="check") + flow("tk", "taken", "merge")
    assert "cancel" not in {c for c, _ in added(caught, transaction)}


def test_an_error_that_nobody_catches_is_a_warning():
    thrown = ('<bpmn:endEvent id="check_end" />', '<bpmn:endEvent id="check_end"><bpmn:errorEventDefinition errorRef="E_no" /></bpmn:endEvent>')
    declared = ("<bpmn:message id=", '<bpmn:error id="E_no" name="no" errorCode="no" /><bpmn:message id=')
    assert ("caught", "check_end") in found(thrown, declared)
    catch = '<bpmn:boundaryEvent id="catch_no" attachedToRef="check"><bpmn:errorEventDefinition{} /></bpmn:boundaryEvent>' + flow("cn", "catch_no", "merge")
    assert "caught" not in {c for c, _ in added(catch.format(' errorRef="E_no"'), thrown, declared)}
    assert "caught" not in {c for c, _ in added(catch.format(""), thrown, declared)}  # catches every code


# --- people and names -------------------------------------------------------------------------------------------------

def test_a_timer_that_sets_nothing_off_is_a_warning():
    assert "timer-tells" not in kinds()
    idle = element("idle", "boundaryEvent", '<bpmn:timerEventDefinition><bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition>',
                   attachedToRef="register", cancelActivity="false") + element("idle_end", "endEvent") + flow("i1", "idle", "idle_end")
    assert ("timer-tells", "idle") in added(idle)
    assert "timer-tells" not in {c for c, _ in added(idle.replace(' cancelActivity="false"', ""))}


def test_branches_that_write_the_same_name_are_a_warning():
    assert USUAL[0] == ("same-name", "fork")
    reason = next(f.reason for f in faults(procedure()) if f.check == "same-name")
    assert reason.endswith("write result.")
    mapped = '<zeebe:userTask /><zeebe:ioMapping><zeebe:output source="=result" target="seen" /></zeebe:ioMapping>'
    before = GOOD[DIAGRAM][GOOD[DIAGRAM].index('<bpmn:userTask id="visit"'):]
    before = before[:before.index("<zeebe:userTask />") + len("<zeebe:userTask />")]
    changed = (before, before.replace("<zeebe:userTask />", mapped))
    assert "same-name" not in [f.check for f in faults(procedure([changed]))]


def test_a_task_outside_of_the_lanes_is_a_warning():
    lanes = '<bpmn:laneSet id="lanes"><bpmn:lane id="lane" name="specialist"><bpmn:flowNodeRef>register</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>'
    assert {e for c, e in added(lanes) if c == "lane"} == {"handle", "visit", "verify"}
    assert "lane" not in kinds()


def test_a_task_that_nobody_of_today_could_take_is_a_warning():
    people = {"specialist": 2, "engineering": 0, "supervisor": 1}
    listed = [f for f in check(procedure(), operations=operations, functions=FUNCTIONS, roles=ROLES, known_processes=["escalation"], feel=feel(),
                               people_in=people.get) if f.check == "nobody"]
    assert [f.element for f in listed] == ["handle"] and listed[0].warning and "engineering" in listed[0].reason
    assert "nobody" not in [f.check for f in faults(procedure())]  # without people nobody is asked for


# --- events -----------------------------------------------------------------------------------------------------------

def test_what_interrupts_does_not_repeat():
    cycle = ('<bpmn:timeDuration xsi:type="bpmn:tFormalExpression">=duration("PT4H")</bpmn:timeDuration>', "<bpmn:timeCycle>R3/PT1H</bpmn:timeCycle>")
    assert found(cycle) == []
    assert found(cycle, (' cancelActivity="false"', "")) == [("timer-cycle", "check_late")]
    caught = ('<bpmn:timeDuration xsi:type="bpmn:tFormalExpression">P1D</bpmn:timeDuration>', "<bpmn:timeCycle>R3/PT1H</bpmn:timeCycle>")
    assert found(caught) == [("timer-cycle", "a_day")]


def test_a_message_that_is_waited_for_has_a_correlation_key():
    assert found(('<zeebe:subscription correlationKey="=ticket_number" />', "")) == [("correlation", "more")]


HELP_CALL = '<bpmn:callActivity id="help_call" name="上报">\n        <bpmn:extensionElements>\n          <zeebe:calledElement processId="'


@pytest.mark.parametrize("change", [(' isInterrupting="false"', ""), ('name="ticket.help"', 'name="ticket.cry"'),
                                    (HELP_CALL + "escalation", HELP_CALL + "other")])
def test_help_can_be_asked_at_any_time(change):
    assert ("help", "dialect-good") in found(change, known=("escalation", "other"))


def test_help_is_asked_at_one_place():
    xml = GOOD[DIAGRAM]
    twin = xml[xml.index('<bpmn:subProcess id="help"'):]
    twin = twin[:twin.index("</bpmn:subProcess>") + len("</bpmn:subProcess>")]
    for old in ("help", "help_start", "help_call", "help_end", "h1", "h2", "help_message"):
        twin = twin.replace(f'"{old}"', f'"{old}_2"')
    assert ("help", "dialect-good") in added(twin)


def test_the_procedure_escalation_needs_no_help():
    assert "help" not in [f.check for f in faults(escalation())]


# --- what the elements name -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("change", [
    ('<zeebe:formDefinition formId="register" />', ""), ('formId="register"', 'formId="regster"'),
    ('<zeebe:assignmentDefinition candidateGroups="specialist" />', ""),
    ('<zeebe:taskSchedule dueDate="=now + duration(&#34;PT1H&#34;)" />', ""), ('<zeebe:property name="clause" value="1" />', "")])
def test_a_user_task_says_form_group_due_date_and_clause(change):
    assert found(change) == [("user-task", "register")]


def test_an_assignee_stands_for_a_group():
    assert found(('candidateGroups="specialist"', 'assignee="=ticket_number"')) == []


def test_a_form_that_is_not_there_is_told_with_those_that_are():
    fault = next(f for f in faults(procedure([('formId="register"', 'formId="regster"')])) if f.check == "user-task")
    assert fault.remedy.endswith("Known: register.")


def test_groups_in_plain_text_are_roles():
    assert found(('candidateGroups="specialist"', 'candidateGroups="specialist, engineer"')) == [("role", "register")]
    assert found(('candidateGroups="specialist"', 'candidateGroups="=urgency + &#34;-head&#34;"')) == []


def test_a_user_task_that_nobody_misses_is_a_warning():
    assert ("task-escalation", "register") in USUAL
    assert "verify" not in [f.element for f in faults(procedure())]  # the timer on its sub-process speaks for it


def test_operations_exist_and_get_exactly_their_inputs():
    assert found(('type="ticket.set-targets"', 'type="ticket.set-target"')) == [("operation", "targets")]
    assert found(('target="minutes"', 'target="minuts"')) == [("operation", "targets"), ("operation", "targets")]
    assert found(('<zeebe:taskDefinition type="ticket.set-targets" />', "")) == [("operation", "targets")]


def test_an_optional_input_may_be_left_out():
    assert found(('type="ticket.set-targets"', 'type="ticket.close"'), ('target="minutes"', 'target="note"')) == []


def test_decisions_are_in_the_folder_and_their_result_is_kept():
    assert found(('decisionId="service-level"', 'decisionId="service-levels"')) == [("decision", "level")]
    listed = found((' resultVariable="service_level"', ""))
    assert ("decision", "level") in listed and ("expression", "targets") in listed


def test_a_table_that_cannot_be_read_is_told():
    listed = [(f.check, f.file) for f in faults(procedure(**{"service-level.dmn": "<definitions>"})) if not f.warning]
    assert ("table", "service-level.dmn") in listed and ("decision", DIAGRAM) in listed


def test_a_cell_that_is_no_feel_is_told_at_its_decision():
    listed = [f for f in faults(procedure([("<text>15</text>", "<text>15 +</text>")], "service-level.dmn")) if f.check == "table"]
    assert [(f.file, f.element) for f in listed] == [("service-level.dmn", "service-level")]


def test_a_table_looks_only_at_names_of_the_procedure():
    assert found(("<text>urgency</text>", "<text>urgncy</text>"), file="service-level.dmn") == [("decision", "level")]


def test_a_script_has_an_expression_and_a_variable():
    assert found((' resultVariable="rounds"', "")) == [("script", "count")]
    assert found(('expression="=1" ', "")) == [("script", "count")]


def test_a_called_procedure_exists():
    assert found(known=()) == [("call", "escalate"), ("call", "help_call")]
    assert found(('processId="escalation"', 'processId="esclation"')) == [("call", "escalate")]


def calling(key, *called):
    """The good procedure under another key, calling others instead of escalation."""
    text = GOOD[DIAGRAM].replace('"dialect-good"', f'"{key}"')
    for target in called:
        text = text.replace('processId="escalation"', f'processId="{target}"', 1)
    return Procedure.from_files({n: c.encode() for n, c in (GOOD | {f"{key}.bpmn": text}).items() if n != DIAGRAM})


def escalation():
    return Procedure.from_files({n.replace("dialect-good", "escalation"): c.replace('"dialect-good"', '"escalation"').replace(
        'processId="escalation"', 'processId="leaf"').encode() for n, c in GOOD.items()})


def test_calls_never_go_in_a_circle():
    known = {"a": calling("a", "b", "b"), "b": calling("b", "a", "a")}
    circle = [f for f in check(known["a"], operations=operations, functions=FUNCTIONS, roles=ROLES, known_processes=known, feel=feel())
              if f.check == "call"]
    assert [f.element for f in circle] == ["escalate", "help_call"] and "calls itself" in circle[0].reason
    assert ("call", "escalate") in found(('processId="escalation"', 'processId="dialect-good"'))


def test_calls_are_at_most_five_deep():
    chain = {f"p{n}": calling(f"p{n}", f"p{n + 1}", f"p{n + 1}") for n in range(1, 6)} | {"p6": None, "p0": calling("p0", "p1", "p1")}
    depth = [f.element for f in faults(chain["p1"], known=chain) if f.check == "call"]
    assert depth == []
    assert [f.element for f in faults(chain["p0"], known=chain) if f.check == "call"] == ["escalate", "help_call"]


def test_a_call_that_forgets_a_start_variable_is_a_warning():
    called = escalation()
    listed = [f for f in faults(procedure(), known={"escalation": called}) if f.check == "call-inputs"]
    assert [f.element for f in listed] == ["escalate", "help_call"] and "no urgency" in listed[0].reason and listed[0].warning


def test_procedures_that_call_each_other_are_checked_together():
    listed = check_all([procedure(), escalation()], operations=operations, functions=FUNCTIONS, roles=ROLES, feel=feel())
    assert [(f.file, f.check, f.element) for f in listed if not f.warning] == [
        (DIAGRAM, "expression", "escalate"), ("escalation.bpmn", "call", "escalate"), ("escalation.bpmn", "call", "help_call")]


def test_mappings_stand_where_they_are_read():
    mapping = '<zeebe:ioMapping><zeebe:input source="=1" target="a" /></zeebe:ioMapping>'
    assert found(("<zeebe:userTask />", "<zeebe:userTask />" + mapping)) == [("mapping", "register")]
    output = '<bpmn:extensionElements><zeebe:ioMapping><zeebe:output source="=text" target="a" /></zeebe:ioMapping></bpmn:extensionElements>'
    more = '<bpmn:intermediateCatchEvent id="more" name="补充">'
    assert found((more, more + output)) == [("mapping", "more")]


@pytest.mark.parametrize("change", [('name="登记"', f'name="{"登" * 201}"'), ('name="clause" value="1"', f'name="clause" value="{"1" * 65}"'),
                                    ('candidateGroups="specialist"', f'candidateGroups="{", ".join(["specialist"] * 40)}"')])
def test_names_fit_into_the_tables(change):
    assert ("long-name", "register") in found(change)
    assert found(('name="登记"', f'name="{"登" * 200}"')) == []


def test_nobody_is_told_more_faults_than_they_can_read():
    many = "".join(f'<bpmn:exclusiveGateway id="g{n}" /><bpmn:userTask id="u{n}" />' for n in range(110))
    listed = faults(procedure([("  </bpmn:process>", many + "</bpmn:process>")]))
    assert len(listed) == checks.core.MAX_FAULTS + 1 and any("more faults" in f.reason for f in listed)


def test_the_engines_own_names_are_not_set():
    assert found(('resultVariable="rounds"', 'resultVariable="now"')) == [("reserved-name", "count")]
    assert ("reserved-name", None) in found(("  urgency: text", "  instance: text"), file="control-sheet.yaml")


# --- expressions ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("old", "new", "element"), [
    ('=urgency = "urgent"', '=urgency = ', "f6"), ('=urgency = "urgent"', '=urgncy = "urgent"', "f6"),
    ("=service_level.minutes", "=level.minutes", "targets"), ('expression="=1"', 'expression="=1 +"', "count"),
    ("now + duration(", "nwo + duration(", "register"), ('correlationKey="=ticket_number"', 'correlationKey="=number_of"', "more"),
    ('=duration("PT4H")', "=hours_left", "check_late"), ("=service_level.department", "=dept", "visit")])
def test_expressions_are_feel_with_known_names(old, new, element):
    assert ("expression", element) in found((old, new))


@pytest.mark.parametrize("name", ["request", "result", "service_level", "rounds", "advice", "response_due_at", "text", "now",
                                  "instance.business_key", "business time after(now, 5, \"business\")"])
def test_names_come_from_sheet_forms_results_mappings_operations_messages_and_the_engine(name):
    assert found(('=urgency = "urgent"', f"={name} = null")) == []


@pytest.mark.parametrize("python", ['urgency == "urgent"', "1 if vip else 2", "lambda: 1", "().__class__", "True", "urgency.upper()",
                                    "len(urgency)", "not vip", "a && b", "urgency = 'urgent'", "__import__('os').system('id')"])
def test_what_looks_like_python_is_told_what_feel_says(python):
    changes = [('=urgency = "urgent"', "=" + python.replace("&", "&amp;"))]
    listed = [f for f in faults(procedure(changes)) if f.check == "expression"]
    assert [f.element for f in listed] == ["f6"] and "FEEL" in listed[0].remedy


@pytest.mark.parametrize("text", ['urgency = "a == b"', 'if urgency = "x" then true else false', "not(true)", 'urgency = "lambda __x__"'])
def test_what_only_looks_like_python_inside_a_text_is_fine(text):
    assert found(('=urgency = "urgent"', "=" + text)) == []


def test_durations_in_expressions_are_checked():
    assert found(('=duration("PT4H")', '=duration("PT1D")')) == [("duration-text", "check_late")]
    assert found(('=duration("PT4H")', '=duration("-PT1H")')) == [("duration-text", "check_late")]


def test_hide_conditions_of_forms_are_checked():
    assert found(('=urgency = \\"urgent\\"', "=urgncy"), file="forms/register.form") == [("expression", "register")]
    assert found(('=urgency = \\"urgent\\"', "=request = null"), file="forms/register.form") == []


def test_outputs_of_a_call_see_the_names_of_the_called_procedure():
    known = {"escalation": escalation()}
    assert ("expression", "escalate") in found(known=known)  # `answer` is no name of this stand-in
    assert ("expression", "escalate") not in found(("=answer", "=result"), known=known)
    assert found(("=answer", "=anything")) == []  # unknown procedure: only the syntax can be checked
    assert found(("=answer", "=any thing +")) == [("expression", "escalate")]


# --- papers -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("change", [("code: YYZX-99", "code: null"), ("name: 样例", ""), ("status: in-force", "status: maybe"), ("tier: ", "tear: "),
                                    ("department: 品质部", ""), ("owner: qin", ""), ("time: \"2026-07\"", "time: \"2026-05\""),
                                    ("changes: 新订", "changed: 新订"), ("revisions:", "revision:")])
def test_the_control_sheet_is_complete(change):
    assert "control-sheet" in [c for c, _ in found(change, file="control-sheet.yaml")]


def test_a_procedure_without_control_sheet_is_told():
    assert "control-sheet" in [f.check for f in faults(procedure(**{"control-sheet.yaml": None})) if not f.warning]


def test_labels_without_english_are_a_warning():
    for change in (("  register: Register\n", ""), ("  f6:", "  f66:"), ("request: {label: Request}", "request: {}"), ('"no": "No"', "")):
        assert "english" in [c for c, _ in found(change, file="en.yaml")]
    assert "english" in [f.check for f in faults(procedure(**{"en.yaml": None}))]


def test_english_for_what_does_not_exist_is_a_warning():
    assert "english" in [c for c, _ in found(("  handle: Handle", "  handle: Handle\n  gone: Gone"), file="en.yaml")]
    assert "english" in [c for c, _ in found(("  handle:\n", "  other: {}\n  handle:\n"), file="en.yaml")]


def test_a_text_that_an_input_writes_needs_english_and_no_other_text_has_any():
    procedure_of = Path(__file__).parents[2] / "bpmn" / "finding"
    files = read_folder(procedure_of).files
    english = files["en.yaml"].decode()

    def told(text: str) -> list[str]:
        read = Procedure.from_files(files | {"en.yaml": text.encode()})
        return [f.reason for f in faults(read) if f.check == "english"]

    assert told(english) == []
    assert "到时没人接：" in str(told(english.replace('  "到时没人接："', '  "到时没人接"')))
    assert "names what is not in the inputs: gone" in str(told(english + "  gone: Gone\n"))


def test_fewer_than_two_scenarios_are_a_warning():
    assert "scenarios" in [f.check for f in faults(procedure(scenarios__calm=None, **{"scenarios/calm.yaml": None}))]


def test_what_reading_found_is_told_with_the_rest():
    subject = procedure([('priority="50"', 'priority="x"'), ('formId="register"', 'formId="gone"')])
    assert [f.check for f in faults(subject) if not f.warning] == ["expression-text", "user-task"]


def test_a_procedure_without_diagram_is_told_what_its_papers_lack():
    subject = procedure(**{DIAGRAM: None, "control-sheet.yaml": None})
    assert {f.check for f in faults(subject) if not f.warning} == {"one-diagram", "control-sheet"}


# --- lone files and the list ------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("name", "content", "check"), [
    ("a.bpmn", b"<a/>", "readable"), ("a.form", b"{", "form-readable"), ("a.dmn", b"<a/>", "table"), ("a.yaml", b"a: [", "yaml"), ("a.txt", b"", "readable")])
def test_a_lone_file_can_be_checked(name, content, check):
    assert [f.check for f in check_file(name, content)] == [check]


@pytest.mark.parametrize("name", [DIAGRAM, "service-level.dmn", "forms/handle.form", "en.yaml"])
def test_a_good_lone_file_has_no_fault(name):
    assert check_file(name, GOOD[name].encode()) == []


def test_the_page_of_checks_lists_exactly_the_checks_there_are():
    page = (HERE.parents[1] / "docs" / "reference" / "checks.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| `")]
    listed = {cells[0].strip("`"): cells[1:] for cells in rows}
    assert listed == {c.id: ["warning" if c.warning else "fault", c.what, c.remedy] for c in checks.REGISTRY.values()}


def test_every_check_says_what_it_wants_and_how_to_get_there():
    for each in checks.REGISTRY.values():
        assert each.what.endswith(".") and each.remedy.endswith("."), each.id


def test_every_check_of_a_whole_procedure_is_failed_by_a_test_here():
    text = Path(__file__).read_text(encoding="utf-8")
    assert [c.id for c in checks.REGISTRY.values() if c.run is not None and f'"{c.id}"' not in text] == []
