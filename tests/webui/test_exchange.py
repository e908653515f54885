"""Excel files on the screens: what an export holds and for whom, and the page where files come in."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from openpyxl import load_workbook

from service.exchange import exporting
from service.exchange.models import ExportRun, ImportRun
from service.organisation.models import Person, Unit
from tests.service.exchange import files
from tests.webui.conftest import PASSWORD, REPAIR
from tests.webui.test_story import do
from webui.views.exchange import LISTS

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def book(answer):
    assert (answer.status_code, answer.mimetype) == (200, XLSX), answer.get_data(as_text=True)[:300]
    return load_workbook(io.BytesIO(answer.data))


def table(answer) -> list[list[str]]:
    """The first sheet's rows as text, header included."""
    return [
        ["" if cell is None else cell for cell in row] for row in book(answer).worksheets[0].iter_rows(values_only=True)
    ]


def register(person, **values):
    answer = person.post("/register", REPAIR | {"request_id": repr(values)} | values)
    assert answer.status_code == 303


def upload(person, kind: str, content: bytes, name: str = "单元.xlsx", **values):
    person.get("/exchange")
    return person.post(f"/exchange/upload/{kind}", {"centre": "1", "file": (io.BytesIO(content), name)} | values)


def log(app, table) -> list:
    with app.session() as session:
        return list(session.scalars(sa.select(table).order_by(table.id)))


# --- lists out --------------------------------------------------------------------------------------------------------


def test_the_export_of_the_tickets_is_the_list_on_the_screen(visitor, repair):
    lin = visitor("lin")
    register(lin, request="灯不亮", urgency="normal")
    register(lin, request="大门锁打不开", urgency="urgent", unit_id="2")
    shown = re.findall(r'class="what z-cut"><a href="/tickets/([\d-]+)"', lin.get("/tickets").get_data(as_text=True))
    head, *rows = table(lin.get("/tickets.xlsx"))
    assert head == ["剩余", "到期", "事项", "VIP", "单元", "客户", "类别", "单号", "状态"]
    assert [row[7] for row in rows] == shown and len(rows) == 3
    first = next(row for row in rows if row[7] == "2026-0001")
    assert first[2:7] == ["茶水间吊顶漏水", "VIP", "3-1201", "恒远律师事务所", "报修"]
    assert re.fullmatch(r"2026-11-20 1\d:\d\d", first[1]), "the centre's time, not UTC"


def test_the_filters_of_the_screen_are_those_of_the_export(visitor, repair):
    lin = visitor("lin")
    register(lin, request="灯不亮", urgency="normal")
    lin.get("/tickets/2026-0001")
    lin.post("/tickets/2026-0001/withdraw", {"reason": "好了"})
    assert [row[7] for row in table(lin.get("/tickets.xlsx"))[1:]] == ["2026-0002"]
    assert [row[7] for row in table(lin.get("/tickets.xlsx?all=1"))[1:]] == ["2026-0002", "2026-0001"]


def test_what_customers_wrote_comes_back_as_text_and_never_as_a_formula(visitor):
    """T27: every export is xlsx, each cell a text."""
    lin = visitor("lin")
    for text in (
        '=HYPERLINK("http://evil.example","点我")',
        "+86 138 0013 2046 打不通",
        "-1+1",
        "@SUM(A1:A9)",
        "＝cmd",
    ):
        register(lin, request=text)
    cells = [row[2] for row in book(lin.get("/tickets.xlsx")).worksheets[0].iter_rows(min_row=2)]
    assert {cell.data_type for cell in cells} == {"s"} and all(cell.quotePrefix for cell in cells)
    assert any(cell.value.startswith("+86 138 0013 2046") for cell in cells)


def test_no_export_shows_a_whole_phone(visitor, repair):
    for username in ("lin", "wang", "gao", "qin"):
        person = visitor(username)
        for key in LISTS:
            answer = person.get(f"/{key}.xlsx?all=1")
            if answer.status_code == 200:
                assert not re.search(r"13800132046", str(table(answer))), (username, key)


def test_somebody_of_another_centre_exports_nothing_of_this_one(visitor, repair):
    hu = visitor("hu")
    assert hu.get("/queue.xlsx").status_code == 404
    for path in ("/tickets.xlsx", "/tickets.xlsx?all=1", "/work.xlsx", "/notices.xlsx"):
        head, *rows = table(hu.get(path))
        assert head and rows == [], path


@pytest.mark.parametrize("username", ["lin", "chen", "wang", "gao", "sun", "qin", "admin", "hu"])
def test_everybody_exports_exactly_the_tickets_that_they_see(visitor, repair, username):
    person = visitor(username)
    shown = re.findall(
        r'class="what z-cut"><a href="/tickets/([\d-]+)"', person.get("/tickets?all=1").get_data(as_text=True)
    )
    assert [row[7] for row in table(person.get("/tickets.xlsx?all=1"))[1:]] == shown


def test_the_queue_and_my_work_go_out_as_they_are_shown(visitor, repair):
    lin, gao = visitor("lin"), visitor("gao")
    assert do(lin, repair, {"department": "engineering", "instruction": "看一下"}) == "/"
    head, *rows = table(gao.get("/queue.xlsx?department=engineering"))
    assert head == ["剩余", "到期", "派单", "事项", "VIP", "单元", "客户", "紧急", "催办", "在办"]
    assert [row[2:8] for row in rows] == [["2026-0001-1", "茶水间吊顶漏水", "VIP", "3-1201", "恒远律师事务所", "紧急"]]
    assert len(table(gao.get("/work.xlsx"))) == 2 and len(table(lin.get("/work.xlsx"))) == 2


def test_the_file_says_who_took_what_out_when_and_keeps_its_header_in_sight(visitor, repair):
    answer = visitor("lin").get("/tickets.xlsx")
    made = book(answer)
    assert made.worksheets[0].freeze_panes == "A2" and made.worksheets[0].column_dimensions["C"].width == 40
    facts = dict(made.worksheets[1].iter_rows(values_only=True))
    assert facts == {"列表": "没完的工单", "导出人": "林晓雯", "导出时间": "2026-11-20 10:00", "行数": "1"}
    assert "attachment" in answer.headers["Content-Disposition"] and answer.headers["Cache-Control"] == "no-store"


def test_an_english_reader_gets_english_headers(visitor, repair):
    lin = visitor("lin")
    lin.post("/me", {"language": "en"})
    assert table(lin.get("/tickets.xlsx"))[0][:3] == ["Left", "Due", "Matter"]


def test_every_export_stands_in_the_log(visitor, app, repair):
    lin = visitor("lin")
    lin.get("/tickets.xlsx?all=1")
    lin.get("/nothing.xlsx")
    assert [(r.by, r.list, r.filter, r.rows, r.at) for r in log(app, ExportRun)] == [
        ("lin", "tickets", "all", 1, app.clock.now())
    ]


def test_somebody_who_takes_out_one_list_after_the_other_has_to_wait(visitor, app, repair):
    lin, chen = visitor("lin"), visitor("chen")
    for _ in range(exporting.PER_WINDOW):
        assert lin.get("/notices.xlsx").status_code == 200
    assert lin.get("/notices.xlsx").status_code == 429
    assert chen.get("/notices.xlsx").status_code == 200, "each person has their own count"
    app.clock.advance(exporting.WINDOW + timedelta(seconds=1))
    assert lin.get("/notices.xlsx").status_code == 200


def test_each_list_has_a_link_on_its_screen(visitor, repair):
    wang = visitor("wang")
    for screen, link in (
        ("/tickets", "/tickets.xlsx"),
        ("/queue", "/queue.xlsx"),
        ("/tickets?all=1", "/tickets.xlsx?all=1"),
    ):
        assert f'href="{link}' in wang.get(screen).get_data(as_text=True), screen
    assert 'href="/work.xlsx"' in visitor("lin").get("/").get_data(as_text=True)


# --- files in ---------------------------------------------------------------------------------------------------------

LAW = ["3座", "12", "1204", "公司", "180", "华章文化", "林可", "13800001111", "是", "周一上午例会"]


def test_a_file_is_checked_shown_and_then_taken_in(visitor, app):
    wang = visitor("wang")
    answer = upload(wang, "units", files.units(LAW))
    assert answer.status_code == 303
    page = wang.get(answer.location).get_data(as_text=True)
    assert "检查过，还没导入" not in page and "全部导入" in page and "新客户 1" in page
    assert wang.post(f"{answer.location}/apply").status_code == 303
    page = wang.get(answer.location).get_data(as_text=True)
    assert "单元和客户导入了：新的 1，有改动 0，没变 0" in page and "全部导入" not in page
    with app.session() as session:
        assert session.scalars(sa.select(Unit).where(Unit.code == "3-1204")).one().square_metres == 180
    assert wang.post(f"{answer.location}/apply").status_code == 303, "twice gives the first answer"


def test_a_faulty_file_names_row_column_and_reason_and_cannot_be_taken_in(visitor, app):
    wang = visitor("wang")
    answer = upload(wang, "units", files.units(LAW, ["8座", "1", "0101"]))
    page = re.sub(r"\s*<[^>]*>\s*", "|", wang.get(answer.location).get_data(as_text=True))
    assert re.search(r"第 3 行\|+楼栋\|+没有“8座”这栋楼", page) and "全部导入" not in page
    assert wang.post(f"{answer.location}/apply").status_code == 409
    with app.session() as session:
        assert session.scalars(sa.select(Unit).where(Unit.code == "3-1204")).first() is None


def test_what_is_no_excel_file_is_named_on_the_page(visitor, app):
    wang = visitor("wang")
    for content, words in (
        (b"", "文件是空的"),
        (b"a,b\n1,2", "不是 Excel 文件"),
        (b"\xd0\xcf\x11\xe0" + b"0" * 99, "旧版 .xls"),
    ):
        answer = upload(wang, "units", content, "<script>x.xlsx")
        assert (
            answer.status_code == 422
            and words in answer.get_data(as_text=True)
            and "<script>x" not in answer.get_data(as_text=True)
        )
    assert log(app, ImportRun) == []


def test_a_file_beyond_the_limit_of_the_page_is_refused(visitor):
    assert upload(visitor("wang"), "units", b"x" * 13_000_000).status_code == 413
    assert upload(visitor("wang"), "units", b"x" * 11_000_000).status_code == 422


def test_the_same_upload_sent_twice_is_one_run(visitor, app):
    wang = visitor("wang")
    first, second = (upload(wang, "units", files.units(LAW), request_id="once") for _ in range(2))
    assert first.location == second.location and len(log(app, ImportRun)) == 1


@pytest.mark.parametrize("username", ["lin", "zhou", "chen", "gao", "sun", "qin", "hu"])
def test_the_page_is_there_for_manager_and_administrator_only(visitor, username):
    run = upload(visitor("wang"), "units", files.units(LAW)).location
    person = visitor(username)
    assert "/exchange" not in person.get("/").get_data(as_text=True)
    for path in ("/exchange", "/exchange/template/units.xlsx", run):
        assert person.get(path).status_code == 404, path
    assert person.post("/exchange/upload/units", {"centre": "1"}).status_code == 404
    assert person.post(f"{run}/apply").status_code == 404


def test_a_manager_cannot_bring_a_file_into_another_centre(visitor):
    wang = visitor("wang")
    assert upload(wang, "units", files.units(["9", "1", "0102"]), centre="2").status_code == 303, (
        "there is one centre for Wang, whatever is sent"
    )
    assert "没有“9”这栋楼" in wang.get(
        upload(wang, "units", files.units(["9", "1", "0102"]), centre="2").location
    ).get_data(as_text=True)
    assert upload(visitor("admin"), "units", files.units(["9", "1", "0102"]), centre="77").status_code == 404


def test_the_template_can_be_filled_in_and_brought_back(visitor):
    wang = visitor("wang")
    for key in ("units", "people"):
        answer = wang.get(f"/exchange/template/{key}.xlsx")
        made = book(answer)
        made.active.append([*LAW] if key == "units" else ["maying", "马莹", "13800004444", "客服专员", "", "是"])
        page = wang.get(upload(wang, key, files.saved(made)).location).get_data(as_text=True)
        assert "全部导入" in page and "要改的格子" not in page


def test_changing_accounts_asks_for_the_password_again(visitor, app):
    admin = visitor("admin")
    run = upload(admin, "people", files.people(["maying", "马莹", "", "客服专员"])).location
    app.clock.advance(timedelta(minutes=app.settings.step_up_minutes + 1))
    assert 'name="password"' in admin.get(run).get_data(as_text=True)
    for wrong in ({}, {"password": "wrong"}):
        assert admin.post(f"{run}/apply", wrong).status_code == 403
    with app.session() as session:
        assert session.scalars(sa.select(Person).where(Person.username == "maying")).first() is None
    assert admin.post(f"{run}/apply", {"password": PASSWORD}).status_code == 303
    with app.session() as session:
        assert session.scalars(sa.select(Person).where(Person.username == "maying")).one().password_hash is None


def test_the_pages_say_everything_in_english_too(visitor):
    wang = visitor("wang")
    wang.post("/me", {"language": "en"})
    run = upload(
        wang, "units", files.filled(["Building", "Unit", "Phones", "Floor"], ["X", "1", "138****2046", "0"]), "a.xlsx"
    ).location
    for path in ("/exchange", run):
        text = re.sub(r"<[^>]*>", " ", wang.get(path).get_data(as_text=True))
        for theirs in ("中文", "王建国", "王", "江湾中心", "3座"):
            text = text.replace(theirs, "")
        assert not re.findall(r".{0,20}[一-鿿，。：、（）]+.{0,20}", text), path
