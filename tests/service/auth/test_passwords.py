"""Passwords: how they are stored, which are refused (ASVS 6.2)."""

from __future__ import annotations

import pytest

from service.auth import passwords
from service.auth.passwords import Passwords
from service.errors import PasswordRefused

OWN = ["lin", "林晓雯", "恒远物业", "恒远广场", "zhiban", "值班"]


@pytest.fixture(scope="module")
def hasher() -> Passwords:
    return Passwords()


def test_a_hash_is_argon2id_with_at_least_46_mib(hasher):
    _, kind, _, parameters, *_ = hasher.hash("三只黑猫 sit on the roof").split("$")
    values = dict(p.split("=") for p in parameters.split(","))
    assert kind == "argon2id" and int(values["m"]) >= 46 * 1024 and values["p"] == "1"


def test_a_password_fits_exactly_spaces_and_case_included(hasher):
    stored = hasher.hash(" 三只黑猫 Sit ")
    assert hasher.fits(stored, " 三只黑猫 Sit ")
    assert not any(hasher.fits(stored, p) for p in ("三只黑猫 Sit", " 三只黑猫 sit ", "", " 三只黑猫  Sit "))


def test_the_same_character_typed_in_two_ways_is_one_password(hasher):
    assert hasher.fits(hasher.hash("cafe\u0301 noir 42"), "caf\u00e9 noir 42")


def test_an_account_without_a_password_never_fits(hasher):
    assert not hasher.fits(None, "nobody's password")


def test_a_weaker_hash_is_noticed(hasher):
    assert hasher.outdated(Passwords(memory_mib=8).hash("x" * 20))


@pytest.mark.parametrize(
    "password, rule",
    [
        ("1234567", "too-short"),
        ("长" * 129, "too-long"),
        ("password123", "common"),
        ("Pass-Word 1", "common"),
        ("woaini1314", "common"),
        ("aaaaaaaaaa", "common"),
        ("abcdefghij", "common"),
        ("20252025", "common"),
        ("zhiban-2027", "own-words"),
        ("恒远广场888888", "own-words"),
        ("lin-lin-lin-9", "own-words"),
    ],
)
def test_a_weak_password_is_refused_with_its_rule(password, rule):
    with pytest.raises(PasswordRefused) as refused:
        passwords.check(password, OWN)
    assert refused.value.rule == rule


@pytest.mark.parametrize(
    "password",
    [
        "三只黑猫坐在屋顶",
        "correct horse battery",
        "Tr0ub4dor",
        "        x y z",
        "zhiban-demo-2026",
        "long" + "词" * 124,
    ],
)
def test_a_good_password_needs_no_kinds_of_characters(password):
    passwords.check(password, OWN)
