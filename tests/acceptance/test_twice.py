"""The same thing sent twice has one effect; of two people at one task the second learns who was faster (T17, T19, F2, F3)."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]


def fill_register(lin, unit: str = "2-0805") -> None:
    lin.open("/register")
    lin.pick(unit)
    lin.choose("category", "repair")
    lin.page.fill("[name=request]", "会议室空调不制冷")


def tickets(live) -> int:
    import sqlalchemy as sa

    from service.tickets.models import Ticket

    with live.app.session() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Ticket))


def test_two_clicks_on_save_register_one_ticket(desk, live):
    """T19."""
    lin = desk("lin")
    fill_register(lin)
    with lin.page.expect_navigation():
        lin.page.dblclick("#register-form button[data-default]")
    lin.page.wait_for_url("**/tasks/**")
    assert tickets(live) == 1


def test_without_scripts_the_second_click_gets_the_first_answer(desk, live):
    """What the script holds back does not matter: the request id makes the second submit an echo of the first."""
    lin = desk("lin")
    fill_register(lin)
    sent = []
    lin.page.on("request", lambda r: sent.append(r) if r.method == "POST" and r.url.endswith("/register") else None)
    lin.submit("#register-form button[data-default]")
    first = lin.path
    again = lin.page.request.post(
        sent[0].url,
        data=sent[0].post_data_buffer,
        headers={"Content-Type": sent[0].headers["content-type"]},
        max_redirects=0,
    )
    assert again.status == 303 and again.headers["location"].split("?")[0] == first
    assert tickets(live) == 1


def test_back_after_registering_is_an_empty_form(desk, live):
    lin = desk("lin")
    fill_register(lin)
    lin.submit("#register-form button[data-default]")
    lin.page.go_back()
    assert lin.path == "/register" and tickets(live) == 1
    assert lin.page.locator("[name=unit_id]").count() == 0, "nothing stands there that a click could send again"


def test_back_to_a_task_that_is_done_leads_to_its_ticket(desk, live, story):
    number = story.register(unit="2-0805")
    lin = desk("lin")
    lin.task(number)
    lin.dispatch()
    lin.page.go_back()
    assert lin.path == f"/tickets/{number}" and live.open_tasks(number) == ["accept_slip"]


def test_the_second_of_two_people_at_one_task_sees_who_was_faster(desk, live, story):
    """T17."""
    number = story.register(unit="2-0805")
    story.dispatch(number)
    gao, liu = desk("gao"), desk("liu", phone=True)
    gao.task(number)
    liu.task(number)
    gao.accept("liu")
    before = live.tables()
    liu.expected.append("409")
    liu.accept()
    assert "高卫东" in liu.text and "17:45" in liu.text and "接单" in liu.text
    assert live.tables() == before, "the loser changed nothing"


def test_a_second_slip_number_is_not_given_for_a_resent_dispatch(desk, live, story):
    number = story.register(unit="2-0805")
    lin = desk("lin")
    lin.task(number)
    sent = []
    lin.page.on(
        "request",
        lambda r: (
            sent.append(r) if r.method == "POST" and "/tasks/" in r.url and not r.url.endswith("/shape") else None
        ),
    )
    lin.dispatch(instruction="先关阀")
    before = live.tables()
    again = lin.page.request.post(
        sent[0].url,
        data=sent[0].post_data_buffer,
        headers={"Content-Type": sent[0].headers["content-type"]},
        max_redirects=0,
    )
    assert again.status == 303 and live.tables() == before
