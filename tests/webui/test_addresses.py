"""An address is built once and never mixed up with another."""

from __future__ import annotations

import pytest
from flask import url_for

from webui.addresses import Web


@pytest.fixture
def web():
    made = Web("addresses")
    made.add_url_rule("/list", "list", lambda: "")
    made.add_url_rule("/things/<number>", "thing", lambda number: "")
    return made


def test_it_is_built_once(web):
    with web.test_request_context("/"):
        assert [web.url_for("thing", number="2026-1") for _ in range(3)] == ["/things/2026-1"] * 3
        assert [url_for("thing", number="2026-1", page=None) for _ in range(3)] == ["/things/2026-1"] * 3
    assert web._known.cache_info().misses == 1


def test_values_that_only_compare_equal_are_apart(web):
    with web.test_request_context("/"):
        assert [web.url_for("list", all=value) for value in (1, True, "1", 1.0)] == [
            "/list?all=1", "/list?all=True", "/list?all=1", "/list?all=1.0"]


def test_below_another_root_it_is_another_one(web):
    for root in ("", "/zhiban"):
        with web.test_request_context("/", environ_overrides={"SCRIPT_NAME": root}):
            assert web.url_for("list") == f"{root}/list"


def test_the_name_of_the_host_is_never_remembered(web):
    for host in ("a.example", "b.example"):
        with web.test_request_context("/", headers={"Host": host}):
            assert web.url_for("list", _external=True) == f"http://{host}/list"


def test_a_list_as_value_is_built_each_time(web):
    with web.test_request_context("/"):
        assert web.url_for("list", kind=["a", "b"]) == "/list?kind=a&kind=b"
