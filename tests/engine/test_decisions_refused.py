"""A faulty decision file is refused with every fault: file, decision, rule, column and what to do."""

import pytest

from engine.decisions import load
from engine.errors import DefinitionRefused
from tests.engine.feel.dmn_files import decision, definitions, literal, needs, one, scores, table


def refused(xml, file="level.dmn"):
    with pytest.raises(DefinitionRefused) as caught:
        load(xml, file=file)
    for fault in caught.value.faults:
        assert fault.file == file and fault.reason and fault.remedy and fault.check.startswith("dmn-")
    return caught.value.faults


def test_every_bad_cell_is_named_with_rule_and_column():
    xml = one(
        table(
            [("category", "string"), ("hours", "number")],
            [("部门", "string"), ("minutes", "number")],
            [
                (["repair", "> "], ['"x"', "1"]),
                (['"a', "-"], ["engineering", "1 +"]),
                (['"fine"', "-"], ['"x"', "hours * 60"]),
            ],
        )
    )
    reasons = [fault.reason for fault in refused(xml)]
    assert len(reasons) == 5
    for reason, expected in zip(
        reasons,
        [
            "t, rule 1, input category: unknown name 'repair' in `repair`",
            "t, rule 1, input hours: ",
            "t, rule 2, input category: ",
            "t, rule 2, output 部门: unknown name 'engineering'",
            "t, rule 2, output minutes: ",
        ],
        strict=True,
    ):
        assert reason.startswith(expected)
    assert {fault.element for fault in refused(xml)} == {"t"}
    assert "quotes" in refused(xml)[0].remedy


def test_names_have_to_be_drawn_once_any_input_is_drawn():
    xml = definitions(
        '<inputData id="i" name="category"/>',
        decision("t", literal("category + urgency"), requires=needs(required_input="i")),
    )
    (fault,) = refused(xml)
    assert "unknown name 'urgency'" in fault.reason


@pytest.mark.parametrize(
    ("xml", "check"),
    [
        (b"", "dmn-xml"),
        ("not xml", "dmn-xml"),
        ("<definitions", "dmn-xml"),
        ("<bpmn/>", "dmn-xml"),
        (b"\xff\xfe\x00", "dmn-xml"),
        ('<!DOCTYPE definitions [<!ENTITY a "b">]><definitions>&a;</definitions>', "dmn-doctype"),
        ('<!DOCTYPE d SYSTEM "file:///etc/passwd"><definitions/>', "dmn-doctype"),
        ("<definitions><!-- " + "x" * (2 << 20) + " --></definitions>", "dmn-size"),
        (definitions(), "dmn-empty"),
        (definitions('<decision id="t" name="t"/>'), "dmn-empty"),
        (one(literal("")), "dmn-empty"),
        (definitions(decision("t", literal("1")), decision("t", literal("2"))), "dmn-id"),
        (definitions(decision("t", literal("1"), requires=needs(required_decision="gone"))), "dmn-reference"),
        (
            definitions(
                decision("a", literal("b"), requires=needs(required_decision="b")),
                decision("b", literal("a"), requires=needs(required_decision="a")),
            ),
            "dmn-circle",
        ),
        (definitions('<import name="other" namespace="n2" importType="dmn"/>', decision("t", literal("1"))), "dmn-reference"),
        (scores("BEST"), "dmn-policy"),
        (scores("PRIORITY"), "dmn-policy"),
        (scores("FIRST", "SUM"), "dmn-policy"),
        (scores("COLLECT", "MEAN"), "dmn-policy"),
        (scores("FIRST", rules=[(["> 1", "-"], ["1"])]), "dmn-cells"),
        (one(table([("x", "colour")], [("o", "number")], [])), "dmn-type"),
        (one(table([("x", "number")], [("", "number"), ("", "number")], [])), "dmn-names"),
        (one(table([("", "number")], [("o", "number")], [])), "dmn-empty"),
        (one('<literalExpression expressionLanguage="javascript"><text>1</text></literalExpression>'), "dmn-language"),
        (scores("FIRST", rules=[(["-"], ["1"])] * 2001), "dmn-size"),
        (one("<list>" * 240 + literal("1") + "</list>" * 240), "dmn-size"),
        (one("<list>" * 300 + literal("1") + "</list>" * 300), "dmn-xml"),
    ],
)
def test_a_faulty_file_is_refused_for_its_reason(xml, check):
    assert check in {fault.check for fault in refused(xml)}


def test_an_external_entity_is_not_read():
    xml = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + one(literal("1")).partition("?>")[2].replace(
        "<text>1", "<text>&x;"
    )
    assert "root:" not in str(refused(xml))


def test_a_table_whose_reading_takes_too_long_is_refused():
    hostile = "(" * 2500 + "1" + ")" * 2500
    faults = refused(scores("FIRST", rules=[(["-"], [hostile])] * 400))
    assert faults


def test_a_text_longer_than_an_expression_may_be_is_refused():
    (fault,) = refused(scores("FIRST", rules=[(["-"], ["1+" * 6000 + "1"])]))
    assert "t, rule 1, output score: longer than 3000 characters" in fault.reason
    assert len(fault.reason) < 500
