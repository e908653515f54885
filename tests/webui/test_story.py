"""One repair, page by page: registered, dispatched, accepted, handled, verified, visited, closed (clauses 4, 8, 11)."""

from __future__ import annotations

import re
from datetime import timedelta

import sqlalchemy as sa

from service.organisation.models import Duty, Person
from tests.webui.conftest import REPAIR


def form_of(page: str) -> dict:
    """The hidden fields of the task's form."""
    form = page[page.index("data-task=") :]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


def do(person, address: str, values: dict):
    page = person.get(address)
    assert page.status_code == 200, page.get_data(as_text=True)
    answer = person.post(address.split("?")[0], form_of(page.get_data(as_text=True)) | values)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.location


def task_in(page: str, button: str) -> str:
    """The address of the first row whose button says so."""
    found = re.search(r'href="(/tasks/\w+)"[^>]*>\s*' + button, page)
    assert found, page
    return found[1]


def test_a_repair_goes_from_call_to_close_on_the_pages(visitor, repair):
    lin, gao = visitor("lin"), visitor("gao")
    assert "fresh=1" in repair and do(lin, repair, {"department": "engineering", "instruction": "茶水间"}) == "/"
    queue = gao.get("/queue").get_data(as_text=True)
    accept = re.search(r'href="(/tasks/\w+)"', queue)[1]
    assert do(gao, accept, {"answer": "accept", "worker": "liu"})
    liu = visitor("liu")
    arrive = task_in(liu.get("/").get_data(as_text=True), "到场了")
    handle = do(liu, arrive, {"arrived_at": "2026-11-20T10:00"})
    assert handle.startswith("/tasks/")
    do(liu, handle, {"result": "换了水阀", "cause": "老化", "labour_minutes": "30"})
    do(lin, task_in(lin.get("/").get_data(as_text=True), "核实"), {"passed": "yes"})
    visit = task_in(lin.get("/").get_data(as_text=True), "记回访")
    do(lin, visit, {"reached": "yes", "satisfaction": "5", "words": "很快", "how": "phone"})
    page = lin.get("/tickets/2026-0001").get_data(as_text=True)
    assert "已关" in page and "换了水阀" in page and "客户打 5 分" in page


def test_a_double_submit_registers_once(visitor):
    lin = visitor("lin")
    first = lin.post("/register", REPAIR | {"request_id": "same"})
    second = lin.post("/register", REPAIR | {"request_id": "same"})
    assert (first.status_code, first.location) == (303, second.location)
    assert "2026-0001" in (page := lin.get("/tickets").get_data(as_text=True)) and "2026-0002" not in page


def test_a_form_with_a_fault_keeps_what_was_typed_and_says_what_to_change(visitor):
    lin = visitor("lin")
    answer = lin.post("/register", REPAIR | {"category": "", "request": "原来写的话"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "原来写的话" in page and "这一项要填" in page


def test_the_second_of_two_at_one_task_learns_who_was_faster(visitor, repair):
    lin, chen = visitor("lin"), visitor("lin")
    address = repair.split("?")[0]
    page = chen.get(address).get_data(as_text=True)
    do(lin, repair, {"department": "engineering", "instruction": "茶水间"})
    answer = chen.post(address, form_of(page) | {"department": "safety", "instruction": "也派"})
    assert answer.status_code == 409 and "林晓雯" in answer.get_data(as_text=True)


def test_the_limits_of_the_form_are_shown_with_their_sum_before_saving(visitor):
    lin = visitor("lin")
    lin.get("/register?unit=1")
    page = lin.post("/register/preview", REPAIR).get_data(as_text=True)
    assert "接单 10:15" in page and "到场 10:30" in page and "办完 14:00" in page and "怎么算的" in page


def test_the_customers_own_earlier_deadline_wins_in_the_preview(visitor):
    lin = visitor("lin")
    lin.get("/register?unit=1")
    page = lin.post(
        "/register/preview", REPAIR | {"reply_deadline_kind": "at", "reply_deadline": "2026-11-20T13:00"}
    ).get_data(as_text=True)
    assert "办完 13:00" in page and "取早的" in page


def test_a_second_ticket_for_the_same_matter_is_offered_as_a_duplicate(visitor, repair):
    lin = visitor("lin")
    lin.get("/register?unit=1")
    assert "可能是同一件：2026-0001" in lin.post("/register/preview", REPAIR).get_data(as_text=True)


def test_a_shared_number_is_a_list_and_never_a_guess(visitor):
    page = visitor("lin").get("/register/find?q=138 0013 2046").get_data(as_text=True)
    assert "沈静" in page and "唐亦" in page


def test_a_reason_field_appears_with_the_answer_that_needs_it(visitor, repair):
    lin, gao = visitor("lin"), visitor("gao")
    do(lin, repair, {"department": "engineering", "instruction": "茶水间"})
    address = re.search(r'href="(/tasks/\w+)"', gao.get("/queue").get_data(as_text=True))[1]
    gao.get(address)
    assert gao.post(f"{address}/shape", {"answer": "accept"}).get_json() == {"hidden": ["question", "reason"]}
    assert gao.post(f"{address}/shape", {"answer": "ask"}).get_json() == {"hidden": ["reason", "worker"]}


def test_urge_information_promise_help_and_withdraw_stand_on_the_ticket(visitor, repair):
    lin = visitor("lin")
    lin.get("/tickets/2026-0001")
    for path, values in (
        ("urge", {"text": "还在滴"}),
        ("information", {"text": "会议室也漏"}),
        ("help", {"question": "没有钥匙"}),
        ("promise", {"text": "空调几点修好", "due_at": "2026-11-20T16:50"}),
    ):
        assert lin.post(f"/tickets/2026-0001/{path}", values | {"request_id": path}).status_code == 303
    page = lin.get("/tickets/2026-0001").get_data(as_text=True)
    assert all(text in page for text in ("还在滴", "会议室也漏", "没有钥匙", "空调几点修好", "催过 1 次"))
    assert lin.post("/tickets/2026-0001/withdraw", {"reason": "自己修好了"}).status_code == 303
    assert "客户撤单" in lin.get("/tickets/2026-0001").get_data(as_text=True)


def test_a_phone_number_is_masked_until_somebody_asks_and_that_is_kept(visitor):
    lin = visitor("lin")
    lin.post("/register", REPAIR | {"contact_id": "1", "request_id": "x"})
    page = lin.get("/tickets/2026-0001").get_data(as_text=True)
    assert "138****2046" in page and "13800132046" not in page
    shown = lin.post("/tickets/2026-0001/phones/1", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "13800132046" in shown
    assert "看了号码" in lin.get("/tickets/2026-0001").get_data(as_text=True)


def test_a_yes_in_the_story_names_what_was_asked_and_the_department_offers_its_people(app, visitor, repair):
    """Not 核实，是 but 合格：是; 谁去办 offers the people of the department, and takes a name."""
    lin, gao, liu = visitor("lin"), visitor("gao"), visitor("liu")
    lin.get(repair)
    lin.post(repair.split("?")[0], {"department": "engineering", "instruction": "先看", "request_id": "d"})

    def task(element: str) -> str:
        with app.database.connect() as connection:
            wanted = sa.text("select id from user_task where state = 'open' and element_id = :e")
            return "/tasks/" + connection.execute(wanted, {"e": element}).scalar_one()

    with app.writing() as session:
        liu_id = session.scalars(sa.select(Person.id).where(Person.username == "liu")).one()
        now = app.clock.now()
        session.add(Duty(person_id=liu_id, centre_id=1, role="engineering", starts_at=now, ends_at=now + timedelta(hours=8)))
    accept = gao.get(task("accept_slip")).get_data(as_text=True)
    offered = '<option value="刘强" label="刘强 在岗"></option><option value="高卫东"></option>'
    assert f'<datalist id="f-worker-list">{offered}</datalist>' in accept, "who is on duty comes first"
    assert 'list="f-worker-list"' in accept
    gao.post(task("accept_slip"), {"answer": "accept", "worker": "刘强", "request_id": "a"})
    liu.get(task("arrive"))
    liu.post(task("arrive"), {"arrived_at": "2026-11-20T10:00", "request_id": "r"})
    handled = {"result": "换了阀门", "cause": "老化", "labour_minutes": "30", "cost_yuan": "0", "request_id": "h"}
    liu.post(task("handle"), handled)
    lin.get(task("verify"))
    lin.post(task("verify"), {"passed": "yes", "request_id": "v"})
    assert "合格：是" in lin.get("/tickets/2026-0001").get_data(as_text=True)


def test_a_complaint_names_whom_it_is_about(app, visitor):
    """Offered for complaints only; never owned by whom it is about, who does not see it either."""
    lin, chen, zhou = visitor("lin"), visitor("chen"), visitor("zhou")
    page = lin.get("/register?unit=1").get_data(as_text=True)
    assert re.search(r'<div id="about" data-field="about" hidden>', page) and 'value="person:zhou">周敏 收费员' in page
    assert "about" not in lin.post("/register/shape", {"category": "complaint"}).get_json()["hidden"]
    assert "about" in lin.post("/register/shape", {"category": "repair"}).get_json()["hidden"]
    chosen = lin.get("/register/who?unit=1&category=complaint", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert '<div id="about" data-field="about" hx-swap-oob="true">' in chosen

    complaint = REPAIR | {"category": "complaint", "request": "收费时态度不好"}
    lin.post("/register", complaint | {"about": "person:zhou", "request_id": "1"})
    assert "投诉的是周敏" in chen.get("/tickets/2026-0001").get_data(as_text=True)
    assert zhou.get("/tickets/2026-0001").status_code == 404
    lin.post("/register", complaint | {"about": "person:lin", "request_id": "2"})
    assert "负责：陈志远" in chen.get("/tickets/2026-0002").get_data(as_text=True)
    lin.post("/register", REPAIR | {"about": "person:zhou", "request_id": "3"})
    assert zhou.get("/tickets/2026-0003").status_code == 200, "what is no complaint is about nobody"


def test_a_name_that_the_list_does_not_have_is_refused_at_the_list_and_the_words_stay(visitor):
    sent = REPAIR | {"category": "complaint", "about": "person:hu", "request": "态度不好"}
    answer = visitor("lin").post("/register", sent)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "从名单里选投诉的是谁" in page and "态度不好" in page
    assert 'aria-describedby="about-bad"' in page
