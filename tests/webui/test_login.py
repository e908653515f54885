"""Logging in, out, and what a session may do."""

from __future__ import annotations


def test_who_is_not_logged_in_is_led_to_the_login_page_and_back(visitor):
    nobody = visitor()
    answer = nobody.get("/tickets/2026-0001?x=1")
    assert answer.status_code == 302 and answer.location == "/login?next=/tickets/2026-0001?x%3D1"


def test_a_right_password_opens_the_first_screen(visitor):
    lin = visitor("lin")
    page = lin.get("/").get_data(as_text=True)
    assert "林晓雯" in page and "先出问题的排前面" in page


def test_a_wrong_password_says_so_without_saying_which_was_wrong(visitor):
    nobody = visitor()
    wrong, unknown = nobody.login("lin", "not the password"), nobody.login("nobody", "not the password")
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert "用户名和密码对不上" in wrong.get_data(as_text=True) and "用户名和密码对不上" in unknown.get_data(
        as_text=True
    )


def test_too_many_wrong_passwords_have_to_wait(visitor, app):
    nobody = visitor()
    answers = [nobody.login("lin", f"wrong {n}").status_code for n in range(app.settings.login_tries_per_pair + 1)]
    assert answers[-1] == 429
    assert "分钟再试" in nobody.login("lin").get_data(as_text=True)


def test_the_cookie_of_a_session_that_ended_opens_nothing(visitor):
    lin = visitor("lin")
    old = lin.client.get_cookie("zhiban").value
    answer = lin.post("/logout")
    assert answer.headers["Clear-Site-Data"]
    lin.client.set_cookie("zhiban", old)
    assert lin.get("/").status_code == 302


def test_each_login_has_a_new_session(visitor):
    lin = visitor("lin")
    first = lin.client.get_cookie("zhiban").value
    lin.post("/logout")
    lin.login("lin")
    assert lin.client.get_cookie("zhiban").value != first


def test_the_way_back_never_leads_to_another_site(visitor):
    for evil in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"):
        nobody = visitor()
        nobody.get("/login")
        answer = nobody.post(f"/login?next={evil}", {"username": "lin", "password": "zhiban-demo-2026"})
        assert answer.location == "/"


def test_over_https_the_cookie_carries_the_host_prefix(web):
    from tests.webui.conftest import Browser

    secure = Browser(web)
    secure.get("/login", base_url="https://zhiban.example")
    answer = secure.post(
        "/login", {"username": "lin", "password": "zhiban-demo-2026"}, base_url="https://zhiban.example"
    )
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("__Host-zhiban="))
    assert (
        "Secure" in cookie
        and "HttpOnly" in cookie
        and "SameSite=Lax" in cookie
        and "Path=/" in cookie
        and "Domain" not in cookie
    )


def test_language_and_theme_follow_the_person(visitor):
    lin = visitor("lin")
    assert lin.post("/me", {"language": "en", "theme": "dark", "back": "/notices"}).location == "/notices"
    page = visitor("lin").get("/").get_data(as_text=True)
    assert '<html lang="en" data-bs-theme="dark">' in page
