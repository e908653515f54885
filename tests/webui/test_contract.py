"""Rules that every route keeps: a gate, headers, the token, and nothing for people of another centre."""

from __future__ import annotations

import re

import pytest

from service.db import Base
from tests.webui.conftest import ROOT
from webui.security import CSP

PUBLIC = {"static", "health.live", "health.ready", "health.metrics", "auth.login", "auth.login_language", "auth.first_password"}
PUBLIC |= {"phone.manifest", "phone.worker", "phone.offline"}  # the same for everybody; whose floors it are is not in them
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


def address(rule) -> str:
    """The rule's address with ids that fit its types; nothing has to stand there."""
    example = {
        "number": "2026-0001",
        "task_id": "0" * 32,
        "key": "k" * 32,
        "notice_id": 1,
        "promise_id": 1,
        "phone_id": 1,
        "username": "lin",
        "substitute_id": 1,
        "procedure": "customer-request",
        "round_number": "GW2026-00001",
        "filing_number": "BB2026-00001",
        "workplace_number": "HJ2026-00001",
        "review_number": "RS2026-0001",
        "version_number": 1,
        "action_id": 1,
        "record": "no-such-record",
        "version": "0" * 64,
        "patrol_number": "XC2026-0001",
        "visit_id": 1,
        "tag": "t" * 20,
        "point_id": 1,
        "posting_id": 1,
        "finding_number": "WT2026-0001",
        "entry_id": "phone-entry-1",
        "post_id": 1,
        "handover_number": "JB2026-0001",
        "check_number": "ZC2026-0001",
        "leave_number": "LG2026-0001",
        "call_id": "0" * 32,
        "call_number": "LD2026-0001",
        "visitor_id": 1,
    }
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda m: str(example[m[1]]), rule.rule)


def routes(web):
    return [rule for rule in web.url_map.iter_rules() if rule.endpoint != "static"]


def test_every_route_names_its_gate(web):
    without = [rule.endpoint for rule in routes(web) if not getattr(web.view_functions[rule.endpoint], "gate", None)]
    assert without == []


def test_only_the_listed_routes_are_public(web):
    public = {rule.endpoint for rule in routes(web) if web.view_functions[rule.endpoint].gate == "public"}
    assert public == PUBLIC - {"static"}


def test_nobody_gets_past_a_gate_without_login(web, visitor):
    nobody = visitor()
    nobody.get("/login")
    for rule in routes(web):
        if rule.endpoint in PUBLIC:
            continue
        answer = (
            nobody.post(address(rule))
            if "POST" in rule.methods and "GET" not in rule.methods
            else nobody.get(address(rule))
        )
        assert (answer.status_code, answer.location.split("?")[0]) == (302, "/login"), rule.endpoint


def test_every_answer_carries_the_policy_and_the_headers(web, visitor, repair):
    lin = visitor("lin")
    for rule in routes(web):
        if "GET" not in rule.methods:
            continue
        answer = lin.get(address(rule))
        assert answer.headers["Content-Security-Policy"] == CSP, rule.endpoint
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" in lin.get("/live", base_url="https://zhiban.example").headers


def test_the_policy_allows_no_inline_script_or_style():
    assert "unsafe" not in CSP and "default-src 'none'" in CSP and "frame-ancestors 'none'" in CSP
    for template in (ROOT / "webui" / "templates").rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", text), template.name


@pytest.mark.parametrize("how", ["no token", "wrong token", "other site", "other origin"])
def test_no_change_without_the_pages_own_token(web, visitor, repair, how):
    lin = visitor("lin")
    lin.get("/")
    headers = {"other site": {"Sec-Fetch-Site": "cross-site"}, "other origin": {"Origin": "https://evil.example"}}.get(
        how, {}
    )
    token = {"no token": "", "wrong token": "x" * 43}.get(how, lin.csrf)
    for rule in routes(web):
        if CHANGING & rule.methods:
            answer = lin.client.post(address(rule), data={"csrf_token": token}, headers=headers)
            assert answer.status_code == 403, rule.endpoint


def test_a_token_of_one_session_does_not_fit_another(visitor):
    lin, zhou = visitor("lin"), visitor("zhou")
    assert zhou.client.post("/logout", data={"csrf_token": lin.csrf}).status_code == 403


def test_looking_changes_nothing(web, app, visitor, repair):
    lin = visitor("lin")
    before = rows(app)
    for rule in routes(web):
        if "GET" in rule.methods:
            lin.get(address(rule))
    assert rows(app) == before


def rows(app) -> dict:
    """Every table's content, but for the sessions of people."""
    with app.database.connect() as connection:
        return {
            name: sorted(map(str, connection.execute(table.select())))
            for name, table in Base.metadata.tables.items()
            if name != "web_session"
        }


def test_somebody_of_another_centre_finds_nothing(web, visitor, repair):
    hu = visitor("hu")
    task = repair.split("?")[0]
    for path in (
        "/tickets/2026-0001",
        "/tickets/2026-0001/state",
        "/tickets/2026-0001/diagram",
        task,
        "/register?unit=1",
        "/queue",
    ):
        assert hu.get(path).status_code == 404, path
    for path in (
        "/tickets/2026-0001/urge",
        "/tickets/2026-0001/withdraw",
        "/tickets/2026-0001/phones/1",
        task,
        f"{task}/help",
    ):
        assert hu.post(path, {"text": "x", "reason": "x", "question": "x"}).status_code == 404, path
    for path in ("/", "/tickets", "/search?q=2026-0001", "/search?q=恒远", "/register/find?q=3-1201"):
        page = hu.get(path).get_data(as_text=True)
        assert "律师事务所" not in page and "茶水间" not in page, path


def test_a_page_too_big_is_refused(visitor):
    lin = visitor("lin")
    assert lin.post("/register", {"request": "长" * 800_000}).status_code == 413


def test_an_error_shows_a_number_and_no_inside(web, visitor, monkeypatch):
    from webui.views import work

    def broken(*_args, **_kwargs):
        raise RuntimeError("secret inside")

    lin = visitor("lin")
    monkeypatch.setattr(work, "first_screen", broken)
    answer = lin.get("/")
    assert (
        answer.status_code == 500
        and "secret" not in answer.get_data(as_text=True)
        and "编号" in answer.get_data(as_text=True)
    )


def test_every_icon_that_a_page_names_is_in_the_sprite(visitor, repair):
    listed = set((ROOT / "webui/build/icons.txt").read_text(encoding="utf-8").split())
    used = {
        name
        for template in (ROOT / "webui/templates").rglob("*.html")
        for name in re.findall(r'icon\("([\w-]+)"', template.read_text(encoding="utf-8"))
    }
    lin = visitor("lin")
    lin.get("/tickets/2026-0001")
    for path, values in (
        ("urge", {"text": "还在滴"}),
        ("information", {"text": "会议室也漏"}),
        ("help", {"question": "没有钥匙"}),
        ("withdraw", {"reason": "好了"}),
    ):
        used |= set(re.findall(r"icons\.svg\?v=\w+#([\w-]+)", lin.get("/tickets/2026-0001").get_data(as_text=True)))
        lin.post(f"/tickets/2026-0001/{path}", values)
    assert used <= listed, used - listed


def test_every_field_type_of_the_engine_has_a_template_and_the_other_way_round():
    from engine.forms.fields import FIELDS

    templates = {p.stem for p in (ROOT / "webui/templates/fields").glob("*.html") if not p.stem.startswith("_")}
    assert templates == set(FIELDS)


def test_health_says_whether_a_clock_lives(visitor, app):
    from service.health.models import ClockHeartbeat

    nobody = visitor()
    assert nobody.get("/live").status_code == 200
    assert nobody.get("/ready").status_code == 503
    now = app.clock.now()
    with app.writing() as session:
        session.add(ClockHeartbeat(process="here:1", started_at=now, at=now))
    assert nobody.get("/ready").status_code == 200


def test_metrics_count_how_late_limits_fired(visitor, app):
    text = visitor().get("/metrics").get_data(as_text=True)
    assert 'zhiban_limits_fired_late{within="10s"} 0' in text and 'within="more"' in text and "zhiban_incidents_open 0" in text
