"""Decision tables decide as DMN says: hit policies, aggregations, types, requirement graphs; the rules that hit are
told.
"""

from datetime import UTC, date, datetime, timedelta

import pytest

from engine.decisions import Decision, load
from engine.errors import ExpressionError, ExpressionLimit, NotFound
from engine.feel import Function
from tests.engine.feel.dmn_files import NAMESPACE, decision, definitions, literal, needs, one, scores, table


@pytest.mark.parametrize(
    ("policy", "aggregation", "values", "x", "value", "rules"),
    [
        ("UNIQUE", "", "", 3, 10, [1]),
        ("UNIQUE", "", "", -1, None, []),
        ("FIRST", "", "", 9, 10, [1]),
        ("ANY", "", "", 4, 10, [1]),
        ("PRIORITY", "", "30, 20, 10", 9, 30, [1, 2, 3]),
        ("OUTPUT ORDER", "", "20, 10, 30", 9, [20, 10, 30], [1, 2, 3]),
        ("RULE ORDER", "", "", 9, [10, 30, 20], [1, 2, 3]),
        ("COLLECT", "", "", 6, [10, 30], [1, 2]),
        ("COLLECT", "SUM", "", 9, 60, [1, 2, 3]),
        ("COLLECT", "MIN", "", 9, 10, [1, 2, 3]),
        ("COLLECT", "MAX", "", 9, 30, [1, 2, 3]),
        ("COLLECT", "COUNT", "", 9, 3, [1, 2, 3]),
        ("COLLECT", "COUNT", "", -1, 0, []),
        ("COLLECT", "SUM", "", -1, None, []),
        ("RULE ORDER", "", "", -1, None, []),
    ],
)
def test_a_hit_policy_makes_its_value_of_the_rules_that_hit(policy, aggregation, values, x, value, rules):
    result = load(scores(policy, aggregation, values)).decide("t", {"x": x})
    assert (result.value, result.rules, result.table, result.inputs) == (value, rules, "t", {"x": x})


def test_two_hits_of_a_unique_table_are_an_error_that_names_the_rules():
    with pytest.raises(ExpressionError, match=r"t: only one rule may hit \(UNIQUE\), but rules 1, 2 do"):
        load(scores("UNIQUE")).decide("t", {"x": 6})


def test_rules_of_an_any_table_have_to_agree():
    with pytest.raises(ExpressionError, match="rules 1, 2 differ"):
        load(scores("ANY")).decide("t", {"x": 6})
    agreeing = scores("ANY", rules=[(["> 0"], ["10"]), (["> 5"], ["5 + 5"])])
    assert load(agreeing).decide("t", {"x": 6}) == Decision(
        10, [1, 2], "t", {"x": 6}, load(agreeing).decide("t", {"x": 6}).trail
    )


def test_several_outputs_make_a_context_and_a_default_applies_where_no_rule_hits():
    xml = one(
        table(
            [("category", "string")],
            [("department", "string", "", '"specialist"'), ("minutes", "number", "", "120")],
            [(['"repair"'], ['"engineering"', "30"])],
        )
    )
    decisions = load(xml)
    assert decisions.decide("t", {"category": "repair"}).value == {"department": "engineering", "minutes": 30}
    unmatched = decisions.decide("t", {"category": "praise"})
    assert (unmatched.value, unmatched.rules) == ({"department": "specialist", "minutes": 120}, [])


def test_priority_looks_at_the_first_output_first():
    xml = one(
        table(
            [("x", "number")],
            [("a", "string", '"hi", "lo"'), ("b", "number", "1, 2")],
            [(["-"], ['"lo"', "1"]), (["-"], ['"hi"', "2"]), (["-"], ['"hi"', "1"])],
            "PRIORITY",
        )
    )
    assert load(xml).decide("t", {"x": 1}).value == {"a": "hi", "b": 1}


def test_chinese_names_and_names_with_spaces():
    xml = one(
        table(
            [("服务 类别", "string"), ("unit price", "number"), ("楼宇.名称", "string")],
            [("响应 分钟", "number"), ("部门", "string")],
            [(['"维修", "投诉"', "< 5", "-"], ["unit price * 10", '"工程"']), (["-", "-", '"A座"'], ["1", '"保安"'])],
            "FIRST",
        )
    )
    decisions = load(xml)
    assert decisions.inputs("t") == ["服务 类别", "unit price", "楼宇"]
    result = decisions.decide("t", {"服务 类别": "投诉", "unit price": 3, "楼宇": {"名称": "B座"}})
    assert (result.value, result.rules) == ({"响应 分钟": 30, "部门": "工程"}, [1])
    assert result.inputs == {"服务 类别": "投诉", "unit price": 3, "楼宇.名称": "B座"}


def test_dates_instants_and_durations_in_cells():
    xml = one(
        table(
            [("on", "date"), ("at", "date and time"), ("limit", "days and time duration")],
            [("until", "date and time")],
            [
                (['>= date("2026-01-01")', "-", '< duration("PT1H")'], ["at + limit"]),
                (['[@"2025-01-01"..@"2025-12-31"]', "-", "-"], ['at + @"P1D"']),
            ],
        )
    )
    at, decisions = datetime(2026, 1, 2, 9, tzinfo=UTC), load(xml)
    minutes = timedelta(minutes=30)
    assert decisions.decide("t", {"on": date(2026, 1, 1), "at": at, "limit": minutes}).value == at + minutes
    assert decisions.decide("t", {"on": date(2025, 12, 31), "at": at, "limit": minutes}).value == at + timedelta(days=1)


def test_null_inputs_hit_only_rules_that_do_not_look_or_ask_for_null():
    xml = one(
        table(
            [("x", "number")],
            [("hit", "string")],
            [(["> 0"], ['"number"']), (["null"], ['"null"']), (["-"], ['"any"'])],
            "COLLECT",
        )
    )
    assert load(xml).decide("t", {"x": None}).value == ["null", "any"]


def test_a_requirement_graph_is_walked_and_every_table_on_the_way_is_told():
    xml = definitions(
        '<inputData id="i1" name="category"><variable name="category" typeRef="string"/></inputData>',
        '<inputData id="i2" name="vip"/>',
        decision(
            "urgency",
            table([("category", "string")], [("u", "number")], [(['"repair"'], ["2"]), (['not("repair")'], ["1"])]),
            name="the urgency",
            requires=needs(required_input="i1"),
        ),
        decision(
            "level",
            table(
                [("the urgency", "number"), ("vip", "boolean")],
                [("minutes", "number")],
                [([">= 2", "true"], ["15"]), (["-", "-"], ["60"])],
                "FIRST",
            ),
            requires=needs(required_decision="urgency", required_input="i2"),
        ),
        decision(
            "sum",
            literal("level + the urgency"),
            requires=needs(required_decision="level") + needs(required_decision="urgency"),
        ),
    )
    decisions = load(xml)
    assert decisions.ids() == ["urgency", "level", "sum"]
    assert decisions.name("urgency") == "the urgency"
    assert set(decisions.inputs("sum")) == {"category", "vip"}
    result = decisions.decide("sum", {"category": "repair", "vip": True, "more": "is not looked at"})
    assert (result.value, result.table, result.rules) == (17, "level", [1])  # an expression tells the table it asked last
    assert {each.decision: each.rules for each in result.trail} == {"urgency": [1], "level": [1]}
    assert decisions.decide("level", {"category": "repair", "vip": False}).rules == [2]


def test_a_drawn_input_that_is_absent_is_null_in_an_open_file_it_is_an_error():
    drawn = definitions(
        '<inputData id="i" name="vip"/>',
        decision("t", literal("if vip = null then 1 else 2"), requires=needs(required_input="i")),
    )
    assert load(drawn).decide("t", {}).value == 1
    with pytest.raises(ExpressionError, match="unknown name 'x'"):
        load(scores("FIRST")).decide("t", {"y": 1})


def test_contexts_lists_relations_and_knowledge_models():
    context = (
        '<context><contextEntry><variable name="base"/>'
        + literal("x * 2")
        + '</contextEntry><contextEntry><variable name="fee"/>'
        + literal("add one(base)")
        + "</contextEntry><contextEntry>"
        + literal("base + fee")
        + "</contextEntry></context>"
    )
    knowledge = (
        '<businessKnowledgeModel id="k" name="add one"><encapsulatedLogic><formalParameter name="n" typeRef="number"/>'
        + literal("n + 1")
        + "</encapsulatedLogic></businessKnowledgeModel>"
    )
    relation = (
        '<relation><column name="a"/><column name="b"/><row>' + literal("x") + literal('"z"') + "</row></relation>"
    )
    invocation = (
        "<invocation>"
        + literal("add one")
        + '<binding><parameter name="n"/>'
        + literal("x")
        + "</binding></invocation>"
    )
    both = needs(required_input="i", required_knowledge="k")
    decisions = load(
        definitions(
            '<inputData id="i" name="x"/>',
            knowledge,
            decision("c", context, requires=both),
            decision("r", relation, requires=both),
            decision("v", invocation, requires=both),
            decision("l", "<list>" + literal("x") + literal("2") + "</list>", requires=both),
        )
    )
    values = {key: decisions.decide(key, {"x": 5}).value for key in decisions.ids()}
    assert values == {"c": 21, "r": [{"a": 5, "b": "z"}], "v": 6, "l": [5, 2]}


def test_a_knowledge_model_may_be_a_table():
    body = table([("n", "number")], [("o", "string")], [(["< 3"], ['"few"']), ([">= 3"], ['"many"'])])
    logic = f'<encapsulatedLogic><formalParameter name="n"/>{body}</encapsulatedLogic>'
    knowledge = f'<businessKnowledgeModel id="k" name="size of">{logic}</businessKnowledgeModel>'
    xml = definitions(knowledge, decision("t", literal("size of(count(list))"), requires=needs(required_knowledge="k")))
    decisions = load(xml)
    assert decisions.inputs("t") == ["list"]
    assert decisions.decide("t", {"list": [1, 2, 3]}).value == "many"


def test_types_of_the_file_with_allowed_values():
    item = (
        '<itemDefinition name="tCategory"><typeRef>string</typeRef>'
        '<allowedValues><text>"repair","fees"</text></allowedValues></itemDefinition>'
        '<itemDefinition name="tUnit"><itemComponent name="floor"><typeRef>number</typeRef></itemComponent>'
        "</itemDefinition>"
    )
    xml = definitions(
        item,
        '<inputData id="i" name="category"><variable name="category" typeRef="tCategory"/></inputData>',
        '<inputData id="u" name="unit"><variable name="unit" typeRef="tUnit"/></inputData>',
        decision(
            "t",
            literal("category + string(unit.floor)"),
            requires=needs(required_input="i") + needs(required_input="u"),
        ),
    )
    decisions = load(xml)
    assert decisions.decide("t", {"category": "fees", "unit": {"floor": 12}}).value == "fees12"
    for wrong in (
        {"category": "tea", "unit": {"floor": 1}},
        {"category": "fees", "unit": {"floor": "one"}},
        {"category": "fees", "unit": {}},
    ):
        with pytest.raises(ExpressionError, match="is not of type"):
            decisions.decide("t", wrong)


def test_a_type_of_the_file_may_be_a_function():
    item = '<itemDefinition name="tRule"><functionItem outputTypeRef="number"/></itemDefinition>'

    def made(expression: str):
        entry = f'<contextEntry><variable name="twice" typeRef="tRule"/>{literal(expression)}</contextEntry>'
        return load(definitions(item, decision("t", f"<context>{entry}<contextEntry>{literal('twice(4)')}</contextEntry></context>")))

    assert made("function(n) n * 2").decide("t", {}).value == 8
    with pytest.raises(ExpressionError, match="is not of type"):
        made("2").decide("t", {})


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ({"category": 3, "minutes": 1}, "t, input category: 3 is not of type string"),
        ({"category": "tea", "minutes": 1}, 't, input category: "tea" is not one of the allowed values'),
        ({"category": "repair", "minutes": 1}, "t, rule 2, output o"),
        ({"category": "fees", "minutes": 1}, 't, rule 3, output o: "x" is not of type number'),
    ],
)
def test_what_fails_names_decision_rule_and_column(context, said):
    xml = one(
        table(
            [("category", "string", '"repair", "fees", "other"'), ("minutes", "number")],
            [("o", "number")],
            [(['"other"', "-"], ["1"]), (['"repair"', "-"], ['minutes + "x"']), (['"fees"', "-"], ['"x"'])],
        )
    )
    with pytest.raises(ExpressionError) as caught:
        load(xml).decide("t", context)
    assert said in caught.value.reason


def test_our_functions_are_known_in_tables_and_get_the_environment():
    function = Function(
        "head of", ("department",), lambda env, department: f"{department}-head@{env}", "", wants_env=True
    )
    xml = one(table([("department", "string")], [("who", "string")], [(["-"], ["head of(department)"])]))
    assert load(xml, functions=[function]).decide("t", {"department": "safety"}, env="East").value == "safety-head@East"


def test_an_unknown_decision_is_not_found():
    with pytest.raises(NotFound):
        load(scores("FIRST")).decide("other", {"x": 1})


def test_a_bomb_in_a_cell_is_stopped_and_the_table_works_again():
    decisions = load(scores("FIRST", rules=[(["> 100"], ["count(for i in 1..1000000000 return i)"]), (["-"], ["7"])]))
    with pytest.raises(ExpressionLimit):
        decisions.decide("t", {"x": 101})
    assert decisions.decide("t", {"x": 1}).value == 7


def test_a_file_of_older_dmn_is_read_the_same():
    for namespace in ("http://www.omg.org/spec/DMN/20180521/MODEL/", "https://www.omg.org/spec/DMN/20230324/MODEL/"):
        assert load(scores("FIRST").replace(NAMESPACE, namespace).encode()).decide("t", {"x": 1}).value == 10


def test_many_tables_do_not_fill_the_sandbox():
    for number in range(120):
        assert load(scores("FIRST", rules=[(["-"], [str(number)])])).decide("t", {"x": 1}).value == number
