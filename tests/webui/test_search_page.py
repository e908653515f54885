"""The search box: what was typed in full comes first, then places and people, then tickets; each line leads on."""

from __future__ import annotations

import re


def lines(visitor, text: str) -> list[str]:
    page = visitor.get("/search", query_string={"q": text}).get_data(as_text=True)
    return re.findall(r'<li><a href="([^"]+)"', page)


def test_a_unit_comes_before_the_tickets_in_it(visitor, repair):
    found = lines(visitor("lin"), "3-1201")
    assert found[0].startswith("/register?unit=")


def test_a_number_typed_in_full_comes_first(visitor, repair):
    lin = visitor("lin")
    number = re.search(r"/tickets/(\d{4}-\d+)", lin.get("/tickets").get_data(as_text=True)).group(1)
    assert lines(lin, number)[0] == f"/tickets/{number}"


def test_field_staff_find_tickets_but_no_register_form(visitor, repair):
    assert not any(href.startswith("/register") for href in lines(visitor("liu"), "3-1201"))
