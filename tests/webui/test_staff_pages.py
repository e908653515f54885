"""Standing in, leaving, incidents and procedures on the pages: who has them, what they say, and that they are accessible."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from engine.definitions import Procedure
from engine.tables import incident
from service.organisation.models import Person, RoleAssignment
from tests.webui.conftest import ROOT
from tests.webui.test_browser import SMALLEST, address, login, violations  # noqa: F401 - `address` is a fixture

needs_browser = pytest.mark.skipif(
    not (ROOT / "webui/static/vendor/htmx.js").exists(), reason="the browser's parts are not built"
)
LONG = "x" * 32


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.get_data(as_text=True)))


def stand_in(who, **values):
    return who.post(
        "/people/substitutes",
        {"for": "lin", "by": "zhou", "from": "2026-11-20T10:00", "until": "2026-11-21T10:00"} | values,
    )


# --- standing in, leaving ---------------------------------------------------------------------------------------------


def test_lin_asks_zhou_to_stand_in_and_either_ends_it(visitor, repair):
    lin, zhou = visitor("lin"), visitor("zhou")
    assert "2026-0001" not in text_of(zhou.get("/"))
    assert stand_in(lin).status_code == 303
    assert "周敏替林晓雯" in text_of(lin.get("/people")) and "茶水间" in text_of(zhou.get("/"))
    assert "周敏替林晓雯" not in text_of(visitor("gao").get("/people"))
    assert visitor("gao").post("/people/substitutes/1/end").status_code == 404
    assert zhou.post("/people/substitutes/1/end").status_code == 303
    assert "茶水间" not in text_of(zhou.get("/"))


@pytest.mark.parametrize(
    "values, status",
    [
        ({"by": ""}, 422),
        ({"until": "x"}, 422),
        ({"until": "2026-11-19T10:00"}, 422),
        ({"by": "hu"}, 422),
        ({"for": "chen"}, 403),
        ({"for": "hu"}, 404),
    ],
)
def test_what_cannot_be_is_refused_and_what_was_typed_stays(visitor, values, status):
    answer = stand_in(visitor("lin"), **values)
    assert answer.status_code == status and 'value="2026-11-20 10:00"' in answer.get_data(as_text=True)


def role_id(app, username: str) -> str:
    with app.session() as session:
        query = sa.select(RoleAssignment.id).join(Person).where(Person.username == username)
        return str(session.scalars(query).first())


def test_an_account_with_open_work_ends_only_with_a_receiver(visitor, app, repair):
    """T35."""
    admin, lin = visitor("admin"), visitor("lin")
    assert "茶水间" in text_of(admin.get("/people/lin"))
    refused = admin.post("/people/lin/leave", {"role": "all", "reason": "离职"})
    assert refused.status_code == 422 and "离职" in refused.get_data(as_text=True)
    assert admin.post("/people/lin/leave", {"role": "all", "reason": "离职", "receiver": "zhou"}).status_code == 303
    assert lin.get("/").status_code == 302, "her session is over"
    assert "茶水间" in text_of(visitor("zhou").get("/"))


def test_a_role_ends_and_only_an_administrator_ends_any(visitor, app):
    for username in ("lin", "chen", "wang", "qin", "hu"):
        who = visitor(username)
        assert who.get("/people/liu").status_code == 404
        assert who.post("/people/liu/leave", {"role": "all"}).status_code == 404
    admin = visitor("admin")
    assert admin.post("/people/liu/leave", {"role": role_id(app, "sun"), "reason": "x"}).status_code == 422
    assert admin.post("/people/liu/leave", {"role": role_id(app, "liu"), "reason": "调走"}).status_code == 303
    assert visitor("liu").get("/queue").status_code == 404


# --- incidents --------------------------------------------------------------------------------------------------------


@pytest.fixture
def failed(app, repair) -> str:
    """A step of the ticket that a person sent and that stopped."""
    with app.engine.unit() as unit:
        root = unit.connection.execute(sa.text("select id from process_instance limit 1")).scalar_one()
        row = {"root_id": root, "instance_id": root, "centre_id": 1, "kind": "error", "command": "{}", "tries": 2}
        unit.connection.execute(
            sa.insert(incident).values(
                id=LONG, reason="<b>no condition holds</b>", element_id="dispatch", opened_at=unit.now, **row
            )
        )
    return LONG


def test_an_incident_says_what_and_where_and_is_resolved_with_a_note(visitor, app, failed):
    admin = visitor("admin")
    page = admin.get("/incidents").get_data(as_text=True)
    assert "&lt;b&gt;no condition holds" in page and "2026-0001" in page and "试过 2 次" in page
    assert admin.post("/incidents", {"incident": failed, "do": "resolve"}).status_code == 422
    retried = admin.post("/incidents", {"incident": failed, "do": "retry"})
    assert retried.status_code == 200 and "由本人再提交" in text_of(retried)
    assert admin.post("/incidents", {"incident": failed, "do": "resolve", "note": "改了图"}).status_code == 303
    assert "没有流程故障" in text_of(admin.get("/incidents"))
    assert "1 流程故障" not in text_of(visitor("chen").get("/board"))


def test_the_board_counts_incidents_and_only_who_resolves_them_has_the_page(visitor, failed):
    assert "1 流程故障" in text_of(visitor("chen").get("/board"))
    for username in ("lin", "chen", "qin", "hu"):
        who = visitor(username)
        assert who.get("/incidents").status_code == 404
        assert who.post("/incidents", {"incident": failed, "do": "retry"}).status_code == 404


# --- procedures -------------------------------------------------------------------------------------------------------


def test_everybody_reads_the_procedures_with_tables_forms_sheet_and_readme(visitor, repair):
    for username in ("lin", "gao", "qin", "hu", "admin"):
        assert "客户诉求 第 1 版" in text_of(visitor(username).get("/procedures")), username
    page = text_of(visitor("lin").get("/procedures/customer-request"))
    for words in (
        "第 1 版",
        "1 件在走",
        "报修 紧急 任何 工程部 15 30",
        "从上往下第一条",
        "YYZX-01",
        "没有“拒单”",
        "负责人、客服专员",
        "必填",
    ):
        assert words in page, words
    assert "1 件在走" not in text_of(visitor("hu").get("/procedures/customer-request")), "not of another centre"


CYCLE = b"""<bpmn:startEvent id="every" name="\xe6\xaf\x8f\xe6\x97\xa9"><bpmn:timerEventDefinition><bpmn:timeCycle>0 30 8 * * MON-FRI</bpmn:timeCycle>
</bpmn:timerEventDefinition></bpmn:startEvent>"""


def test_a_cycle_shows_its_next_ten_turns(visitor, app):
    """B7: whoever draws a timer sees when it fires."""
    from tests.engine.drawing import HEAD

    xml = (HEAD.encode() + b'<bpmn:process id="mornings" name="mornings" isExecutable="true">' + CYCLE + b'<bpmn:endEvent id="e"/>'
           b'<bpmn:sequenceFlow id="f" sourceRef="every" targetRef="e"/></bpmn:process></bpmn:definitions>')
    procedure = Procedure.from_files({"mornings.bpmn": xml, "control-sheet.yaml": b"code: T\nname: T\n"})
    with app.engine.unit() as unit:
        app.engine.catalogue.put(unit.connection, procedure, unit.now, "system")
    page = text_of(visitor("lin").get("/procedures/mornings"))
    assert "0 30 8 * * MON-FRI 接下来 10 次" in page and "12月3日 08:30 12月4日 08:30" in page


def test_the_diagram_has_a_figure_where_tasks_wait(visitor, app, repair):
    lin = visitor("lin")
    page = lin.get("/procedures/customer-request").get_data(as_text=True)
    xml, state = re.search(r'data-diagram="([^"]+)" data-state="([^"]+)"', page).groups()
    assert b"<bpmn:definitions" in lin.get(xml).get_data()
    assert lin.get(state).json["tokens"] == [{"element": "dispatch", "face": "", "text": "1", "kind": "num plain"}]
    assert visitor("hu").get(state).json["tokens"] == []


def test_an_older_version_is_there_while_instances_run_on_it(visitor, app, repair):
    from engine.definitions import Procedure, read_folder
    from service.tickets import actions

    old = read_folder(ROOT / "bpmn" / "customer-request")
    sheet = old.files["control-sheet.yaml"] + b"\n# a second edition\n"
    new = Procedure.from_files(old.files | {"control-sheet.yaml": sheet}, "customer-request")
    app.engine.deploy(new)
    lin = visitor("lin")
    assert "第 2 版" in text_of(lin.get("/procedures")) and "第 1 版" in text_of(lin.get("/procedures"))
    assert "旧版" in text_of(lin.get(f"/procedures/customer-request/{old.hash}"))
    assert lin.get(f"/procedures/escalation/{old.hash}").status_code == 404
    with app.session() as session:
        me = session.scalars(sa.select(Person).where(Person.username == "lin")).one()
        actions.withdraw(app, me, "2026-0001", "好了")
    assert lin.get(f"/procedures/customer-request/{old.hash}").status_code == 404


def test_the_pages_speak_english_too(visitor, failed):
    admin = visitor("admin")
    admin.post("/me", {"language": "en"})
    assert "Who stands in for whom" in text_of(admin.get("/people"))
    assert "Mark as resolved" in text_of(admin.get("/incidents"))
    page = text_of(admin.get("/procedures/customer-request"))
    assert (
        "Set service level" in page
        and "the first rule from the top that fits counts" in page
        and "Repair Urgent any" in page
    )


# --- in a browser -----------------------------------------------------------------------------------------------------

PAGES = ("/people", "/people/lin", "/incidents", "/procedures", "/procedures/customer-request")


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize("look", ["light", "dark"])
def test_the_pages_pass_the_accessibility_rules(new_page, address, visitor, failed, look):  # noqa: F811
    stand_in(visitor("lin"))
    page = new_page(width=1440, height=900, color_scheme=look)
    login(page, address, "admin")
    faults = {}
    for path in PAGES:
        page.goto(address + path)
        page.wait_for_load_state("networkidle")
        faults |= {f"{path} {f['id']}": f["targets"] for f in violations(page)}
    assert faults == {}


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize("width", [360, 768, 1440])
def test_the_pages_do_not_scroll_sideways_and_no_text_is_too_small(new_page, address, failed, width):  # noqa: F811
    page = new_page(width=width, height=800)
    login(page, address, "admin")
    for path in PAGES:
        page.goto(address + path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.evaluate(SMALLEST) >= (14 if width <= 600 else 13), path
