"""DMN construct by construct, as dmn-js and other editors write it: the page docs/reference/dmn.md names these tests."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from engine.decisions import load
from engine.errors import DefinitionRefused, ExpressionError
from tests.engine.feel.dmn_files import decision, definitions, literal, needs, one, scores, table, text

# ---- cells


@pytest.mark.parametrize(
    ("cell", "kind", "hits", "misses"),
    [
        ("-", "string", ["a", None], []),
        ("", "number", [1, None], []),
        ('"repair"', "string", ["repair"], ["fees", None]),
        ('"repair", "fees"', "string", ["repair", "fees"], ["praise"]),
        ('not("repair", "fees")', "string", ["praise"], ["repair", "fees"]),
        ("3", "number", [3, 3.0], [4]),
        ("1, 2, 5", "number", [1, 5], [3]),
        ("< 5", "number", [4.99], [5, None]),
        ("<= 5", "number", [5], [5.01]),
        ("> 0.3", "number", [0.31], [0.3]),
        (">= 3", "number", [3], [2]),
        ("[1..5]", "number", [1, 5], [0, 6]),
        ("(1..5)", "number", [2], [1, 5]),
        ("]1..5[", "number", [2], [1, 5]),
        ("[1..5)", "number", [1], [5]),
        ("< 1, > 5", "number", [0, 6], [1, 5]),
        ("not(> 5)", "number", [5], [6]),
        ("not([1..5])", "number", [6], [3]),
        ("? > 2 and ? < 4", "number", [3], [2, 4]),
        ("2 * 3", "number", [6], [5]),
        ("true", "boolean", [True], [False, None]),
        ("not(true)", "boolean", [False], [True]),
        ("null", "string", [None], ["a"]),
        ("not(null)", "string", ["a"], [None]),
        ('contains(?, "水")', "string", ["漏水"], ["停电"]),
        ('starts with(?, "A")', "string", ["A座"], ["B座"]),
        ('matches(?, "^[0-9]+$")', "string", ["110"], ["一一"]),
        ('date("2026-01-01")', "date", [date(2026, 1, 1)], [date(2026, 1, 2)]),
        ('< date("2026-01-01")', "date", [date(2025, 12, 31)], [date(2026, 1, 1)]),
        ('[date("2026-01-01")..date("2026-01-31")]', "date", [date(2026, 1, 31)], [date(2026, 2, 1)]),
        ('> date and time("2026-01-01T00:00:00Z")', "dateTime", [datetime(2026, 1, 2, tzinfo=UTC)],
         [datetime(2026, 1, 1, tzinfo=UTC)]),
        ('[time("08:30:00")..time("18:00:00"))', "time", [time(8, 30)], [time(18)]),
        ('<= duration("PT4H")', "dayTimeDuration", [timedelta(hours=4)], [timedelta(hours=5)]),
        ('@"PT1H", @"PT2H"', "dayTimeDuration", [timedelta(hours=2)], [timedelta(hours=3)]),
        ('list contains(?, "a")', "Any", [["a", "b"]], [["b"]]),
        ("count(?) > 1", "Any", [["a", "b"]], [["b"]]),
        ("limit", "number", [7], [8]),
        ("> limit", "number", [8], [7]),
        ("[1..limit]", "number", [7], [8]),
    ],
)
def test_an_input_cell_hits_what_it_says(cell, kind, hits, misses):
    xml = one(table([("x", kind), ("limit", "number")], [("o", "boolean")], [([cell, "-"], ["true"])]))
    decisions = load(xml)
    for value in hits + misses:
        result = decisions.decide("t", {"x": value, "limit": 7})
        assert result.value is (True if value in hits else None), (cell, value)


def test_an_output_cell_is_any_expression_over_the_inputs():
    cells = {"minutes * 2": 60, 'if urgent then "现在" else "今天"': "今天", '"对客部"': "对客部", "[1, minutes]": [1, 30],
             "{minutes: minutes}": {"minutes": 30}, "null": None, "-": None, "": None,
             'duration("PT1M") * minutes': timedelta(minutes=30)}
    for cell, expected in cells.items():
        xml = one(table([("minutes", "number"), ("urgent", "boolean")], [("o", "Any")], [(["-", "-"], [cell])]))
        assert load(xml).decide("t", {"minutes": 30, "urgent": False}).value == expected


def test_an_input_may_be_an_expression_of_its_own():
    xml = one(table([("amount * 100", "number"), ('if vip then "vip" else "other"', "string")], [("o", "string")],
                    [(["29", '"vip"'], ['"exact"'])]))
    assert load(xml).decide("t", {"amount": 0.29, "vip": True}).value == "exact"


def test_money_in_tables_is_decimal():
    xml = scores("COLLECT", "SUM", rules=[(["-"], ["0.1"]), (["-"], ["0.2"])])
    assert load(xml).decide("t", {"x": 1}).value == 0.3
    bound = one(table([("a + b", "number")], [("o", "string")], [(["[0.3..0.3]"], ['"equal"'])]))
    assert load(bound).decide("t", {"a": 0.1, "b": 0.2}).value == "equal"


def test_annotations_and_drawing_are_not_looked_at():
    xml = scores("FIRST").replace("</rule>", "<annotationEntry><text>第 6 条</text></annotationEntry></rule>").replace(
        "</definitions>", '<dmndi:DMNDI xmlns:dmndi="https://www.omg.org/spec/DMN/20191111/DMNDI/"/></definitions>')
    assert load(xml).decide("t", {"x": 1}).value == 10


# ---- hit policies


@pytest.mark.parametrize(("aggregation", "least", "most"), [("MIN", "A座", None), ("MAX", None, "B座")])
def test_the_least_and_greatest_may_be_texts_or_dates(aggregation, least, most):
    xml = one(table([("x", "number")], [("o", "string")], [(["-"], ['"B座"']), (["-"], ['"A座"'])], "COLLECT", aggregation))
    assert load(xml).decide("t", {"x": 1}).value == (least or most)
    dates = one(table([("x", "number")], [("o", "date")], [(["-"], ['@"2026-01-01"']), (["-"], ['@"2026-03-01"'])], "COLLECT",
                      aggregation))
    assert load(dates).decide("t", {"x": 1}).value == (date(2026, 1, 1) if least else date(2026, 3, 1))


def test_an_aggregation_of_what_has_no_order_or_no_sum_is_an_error():
    for aggregation in ("SUM", "MIN", "MAX"):
        mixed = one(table([("x", "number")], [("o", "Any")], [(["-"], ["1"]), (["-"], ['"a"'])], "COLLECT", aggregation))
        with pytest.raises(ExpressionError, match="t: "):
            load(mixed).decide("t", {"x": 1})


def test_several_outputs_with_every_policy_that_gives_lists():
    rules = [(["> 0"], ['"low"', "1"]), (["> 5"], ['"high"', "2"])]
    for policy, expected in (
        ("COLLECT", [("low", 1), ("high", 2)]),
        ("RULE ORDER", [("low", 1), ("high", 2)]),
        ("OUTPUT ORDER", [("high", 2), ("low", 1)]),
    ):
        xml = one(table([("x", "number")], [("level", "string", '"high", "low"'), ("n", "number")], rules, policy))
        value = load(xml).decide("t", {"x": 6}).value
        assert value == [{"level": level, "n": n} for level, n in expected], policy


def test_a_rule_may_have_no_inputs_at_all():
    assert load(one(table([], [("o", "number")], [([], ["7"])], "FIRST"))).decide("t", {}).value == 7


def test_a_default_output_stands_in_for_every_policy_where_no_rule_hits():
    for policy in ("UNIQUE", "FIRST", "ANY", "COLLECT", "RULE ORDER"):
        xml = one(table([("x", "number")], [("o", "string", "", '"default"')], [(["> 5"], ['"hit"'])], policy))
        result = load(xml).decide("t", {"x": 1})
        assert (result.value, result.rules) == ("default", []), policy


# ---- boxed expressions


def box(body: str, names=("x",)) -> str:
    inputs = "".join(f'<inputData id="i{n}" name="{name}"/>' for n, name in enumerate(names))
    needed = "".join(needs(required_input=f"i{n}") for n in range(len(names)))
    return definitions(inputs, decision("t", body, requires=needed))


def entry(name: str | None, body: str) -> str:
    variable = f'<variable name="{name}"/>' if name else ""
    return f"<contextEntry>{variable}{body}</contextEntry>"


def test_a_context_without_result_is_its_entries_and_may_hold_a_table():
    inner = table([("base", "number")], [("o", "string")], [([">= 10"], ['"many"']), (["-"], ['"few"'])], "FIRST")
    xml = box(f"<context>{entry('base', literal('x * 2'))}{entry('how many', inner)}</context>")
    assert load(xml).decide("t", {"x": 5}).value == {"base": 10, "how many": "many"}
    assert load(xml).decide("t", {"x": 5}).rules == [1]


def test_a_context_with_a_result_cell_is_that_result():
    xml = box(f"<context>{entry('a', literal('x'))}{entry(None, literal('a + 1'))}</context>")
    assert load(xml).decide("t", {"x": 5}).value == 6


def test_lists_and_relations():
    assert load(box(f"<list>{literal('x')}{literal('x + 1')}</list>")).decide("t", {"x": 1}).value == [1, 2]
    row = f"<row>{literal('x')}{literal('x * 2')}</row>"
    xml = box(f'<relation><column name="单价"/><column name="总价"/>{row}{row}</relation>')
    assert load(xml).decide("t", {"x": 2}).value == [{"单价": 2, "总价": 4}] * 2


def test_a_boxed_function_is_called_by_an_invocation():
    function = f'<functionDefinition><formalParameter name="n" typeRef="number"/>{literal("n + x")}</functionDefinition>'
    call = f'<invocation>{literal("f")}<binding><parameter name="n"/>{literal("x * 10")}</binding></invocation>'
    xml = box(f"<context>{entry('f', function)}{entry(None, call)}</context>")
    assert load(xml).decide("t", {"x": 2}).value == 22


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"<conditional><if>{literal('x > 2')}</if><then>{literal('1')}</then><else>{literal('2')}</else></conditional>", 1),
        (f'<for iteratorVariable="i"><in>{literal("[1..x]")}</in><return>{literal("i * i")}</return></for>', [1, 4, 9]),
        (f'<some iteratorVariable="i"><in>{literal("[1, x]")}</in><satisfies>{literal("i > 2")}</satisfies></some>', True),
        (f'<every iteratorVariable="i"><in>{literal("[1, x]")}</in><satisfies>{literal("i > 2")}</satisfies></every>', False),
        (f"<filter><in>{literal('[1, x, 9]')}</in><match>{literal('item > 2')}</match></filter>", [3, 9]),
    ],
)
def test_boxed_conditions_loops_and_filters(body, expected):
    assert load(box(body)).decide("t", {"x": 3}).value == expected


# ---- the requirement graph


def model(key: str, name: str, params: str, body: str, requires: str = "") -> str:
    parameters = "".join(f'<formalParameter name="{each}"/>' for each in params.split())
    logic = f"<encapsulatedLogic>{parameters}{body}</encapsulatedLogic>"
    return f'<businessKnowledgeModel id="{key}" name="{name}">{requires}{logic}</businessKnowledgeModel>'


def test_a_knowledge_model_may_call_another():
    xml = definitions(
        '<inputData id="i" name="x"/>',
        model("k1", "twice", "n", literal("n * 2")),
        model("k2", "four times", "n", literal("twice(twice(n))"), needs(required_knowledge="k1")),
        decision("t", literal("four times(x)"), requires=needs(required_input="i", required_knowledge="k2")),
    )
    assert load(xml).decide("t", {"x": 3}).value == 12


def test_a_knowledge_model_is_invoked_with_named_bindings():
    call = (f'<invocation>{literal("fee of")}<binding><parameter name="b"/>{literal("x")}</binding>'
            f'<binding><parameter name="a"/>{literal("10")}</binding></invocation>')
    xml = definitions(
        '<inputData id="i" name="x"/>',
        model("k", "fee of", "a b", literal("a - b")),
        decision("t", call, requires=needs(required_input="i", required_knowledge="k")),
    )
    assert load(xml).decide("t", {"x": 3}).value == 7


def test_a_decision_that_several_require_is_made_once():
    tables = table([("x", "number")], [("o", "number")], [(["-"], ["x + 1"])])
    xml = definitions(
        '<inputData id="i" name="x"/>',
        decision("base", tables, requires=needs(required_input="i")),
        decision("a", literal("base + 1"), requires=needs(required_decision="base")),
        decision("b", literal("base + 2"), requires=needs(required_decision="base")),
        decision("t", literal("a * b"), requires=needs(required_decision="a") + needs(required_decision="b")),
    )
    result = load(xml).decide("t", {"x": 1})
    assert result.value == 12
    assert [each.decision for each in result.trail] == ["base"]


def test_a_table_required_by_a_table_may_have_a_chinese_name():
    xml = definitions(
        '<inputData id="i" name="服务 类别"/>',
        decision("urgency", table([("服务 类别", "string")], [("o", "number")], [(['"维修"'], ["2"]), (["-"], ["1"])], "FIRST"),
                 name="紧急 程度", requires=needs(required_input="i")),
        decision("t", table([("紧急 程度", "number")], [("分钟", "number"), ("部门", "string")],
                            [([">= 2"], ["15", '"工程部"']), (["-"], ["120", '"客服部"'])], "FIRST"),
                 requires=needs(required_decision="urgency")),
    )
    result = load(xml).decide("t", {"服务 类别": "维修"})
    assert result.value == {"分钟": 15, "部门": "工程部"}
    assert {each.decision: each.rules for each in result.trail} == {"urgency": [1], "t": [1]}


def test_a_decision_service_is_a_function_of_its_inputs():
    service = ('<decisionService id="s" name="fee service"><outputDecision href="#fee"/><encapsulatedDecision href="#base"/>'
               '<inputData href="#i"/></decisionService>')
    xml = definitions(
        '<inputData id="i" name="x"/>',
        decision("base", literal("x * 2"), requires=needs(required_input="i")),
        decision("fee", literal("base + 1"), requires=needs(required_decision="base")),
        service,
        decision("t", literal("fee service(10)"), requires=needs(required_knowledge="s")),
    )
    assert load(xml).decide("t", {}).value == 21


def test_the_types_of_a_file_nest_and_collect():
    items = ('<itemDefinition name="tLine"><itemComponent name="单价"><typeRef>number</typeRef></itemComponent></itemDefinition>'
             '<itemDefinition name="tLines" isCollection="true"><typeRef>tLine</typeRef></itemDefinition>')
    xml = definitions(items, '<inputData id="i" name="lines"><variable name="lines" typeRef="tLines"/></inputData>',
                      decision("t", literal("sum(lines.单价)"), requires=needs(required_input="i")))
    assert load(xml).decide("t", {"lines": [{"单价": 0.1}, {"单价": 0.2}]}).value == 0.3
    with pytest.raises(ExpressionError, match="input lines: .* is not of type tLines"):
        load(xml).decide("t", {"lines": [{"价": 1}]})


# ---- what fails says where


@pytest.mark.parametrize(
    ("inputs", "outputs", "rules", "said"),
    [
        ([("类别", "string")], [("o", "number")], [(['"维修'], ["1"])], "t, rule 1, input 类别"),
        ([("类别", "string")], [("分钟", "number")], [(["-"], ["1"]), (["-"], ["1 +"])], "t, rule 2, output 分钟"),
        ([("类别", "string", '"a", b')], [("o", "number")], [], "t, input 类别, allowed values: unknown name 'b'"),
        ([("x", "number")], [("o", "string", '"a", b')], [], "t, output o, values: unknown name 'b'"),
        ([("x", "number")], [("o", "string", "", "none")], [], "t, output o, default: unknown name 'none'"),
        ([("x +", "number")], [("o", "string")], [], "t, input x +"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_table_rule_and_cell(inputs, outputs, rules, said):
    with pytest.raises(DefinitionRefused) as caught:
        load(one(table(inputs, outputs, rules)), file="服务.dmn")
    assert any(fault.reason.startswith(said) and fault.file == "服务.dmn" for fault in caught.value.faults), caught.value.faults


@pytest.mark.parametrize(("cell", "right"), [("“维修”", '"'), ("＞ 3", ">"), ("[1。。5]", "."), ("1，2", ","), ("（1..5）", "(")])
def test_chinese_punctuation_is_told_with_the_right_character(cell, right):
    with pytest.raises(DefinitionRefused) as caught:
        load(one(table([("x", "Any")], [("o", "number")], [([cell], ["1"])])))
    assert right in caught.value.faults[0].remedy and "half-width" in caught.value.faults[0].remedy


def test_chinese_punctuation_within_a_text_is_fine():
    xml = one(table([("x", "string")], [("o", "string")], [(['"“急”，（快）"'], ['"好，知道了。"'])]))
    assert load(xml).decide("t", {"x": "“急”，（快）"}).value == "好，知道了。"


def test_an_error_in_a_required_table_names_that_table():
    xml = definitions(
        '<inputData id="i" name="x"/>',
        decision("base", table([("x", "number")], [("o", "number")], [(["-"], ['x + "a"'])]), name="基础表",
                 requires=needs(required_input="i")),
        decision("t", literal("基础表 + 1"), requires=needs(required_decision="base")),
    )
    with pytest.raises(ExpressionError, match="基础表, rule 1, output o"):
        load(xml).decide("t", {"x": 1})


def test_a_text_in_another_language_is_refused():
    script = text("literalExpression", "import os", 'expressionLanguage="http://www.python.org"')
    with pytest.raises(DefinitionRefused, match="Write it in FEEL"):
        load(one(script))
