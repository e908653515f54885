"""An owner draws a second signature on costs over 500 yuan and puts it in force: no Python, no restart, old tickets stay as they were."""

from __future__ import annotations

import pytest

from tests.acceptance.second_signature import drawn_into
from webui import cli

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.browser]


@pytest.fixture
def deploy(live, monkeypatch, capsys):
    """`zhiban deploy PATH` on this installation; gives what it printed."""
    monkeypatch.setenv("ZHIBAN_DATABASE_URL", str(live.app.database.url))
    monkeypatch.setenv("ZHIBAN_VAR_DIR", str(live.app.settings.var_dir))

    def run(path) -> str:
        capsys.readouterr()
        assert cli.main(["deploy", str(path)]) == 0
        return capsys.readouterr().out

    return run


def handled(story, number: str, cost: float) -> None:
    story.dispatch(number)
    story.complete("gao", "accept_slip", {"answer": "accept", "worker": "liu"}, number)
    story.complete("liu", "arrive", {"arrived_at": "2026-11-20T17:45"}, number)
    story.complete(
        "liu", "handle", {"result": "换了水阀", "cause": "老化", "labour_minutes": 30, "cost_yuan": cost}, number
    )


def test_costs_over_500_yuan_wait_for_the_supervisor_on_the_new_version_only(desk, live, story, deploy, tmp_path):
    before = story.register(unit="2-0805")
    assert "customer-request: version 2 is in force" in deploy(drawn_into(tmp_path))
    cheap, dear = story.register(unit="3-0902"), story.register(unit="2-1604")
    for number, cost in ((before, 800), (cheap, 100), (dear, 800)):
        handled(story, number, cost)
    assert [live.open_tasks(number) for number in (before, cheap, dear)] == [
        ["verify"],
        ["verify"],
        ["second_signature"],
    ]
    chen = desk("chen")
    chen.task(dear, "批费用")
    assert "同意这笔费用" in chen.text
    chen.choose("approved", "yes")
    chen.page.fill("[name=approval_note]", "阀门是该换了")
    chen.do_task()
    assert live.open_tasks(dear) == ["verify"]
    chen.ticket(dear)
    assert "第 2 版" in chen.text and "批费用" in chen.page.inner_text(".z-time")
    chen.page.wait_for_selector(".z-dg [data-element-id=second_signature].z-done")
    chen.ticket(before)
    assert "第 1 版" in chen.text
    chen.page.wait_for_selector(".z-dg [data-element-id=handle].z-done")
    assert chen.page.locator(".z-dg [data-element-id=second_signature]").count() == 0, "it keeps the diagram it runs on"


def test_deploying_what_has_not_changed_changes_nothing(live, deploy, tmp_path):
    folder = drawn_into(tmp_path)
    deploy(folder)
    before = live.tables()
    assert "was deployed already" in deploy(folder) and live.tables() == before


def test_a_faulty_edition_is_refused_and_nothing_is_put_in_force(live, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("ZHIBAN_DATABASE_URL", str(live.app.database.url))
    folder = drawn_into(tmp_path)
    (folder / "forms/second-signature.form").unlink()
    before = live.tables()
    assert cli.main(["deploy", str(folder)]) == 1
    said = capsys.readouterr().err
    assert "second_signature" in said and "customer-request.bpmn" in said and "Traceback" not in said
    assert live.tables() == before
