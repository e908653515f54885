"""Logging in: sessions on the server, what ends them, and guessing that stops without locking anybody out (ASVS 6.3,
7).
"""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.auth import actions
from service.auth.models import OneTimeCode, WebSession
from service.demo import PASSWORD
from service.errors import LoginRefused, PasswordRefused, TooManyTries

HOME, AWAY = "10.0.0.7", "203.0.113.9"
NEW = "三只黑猫坐在屋顶"


def log_in(story, username: str = "lin", password: str = PASSWORD, address: str = HOME, **options):
    return actions.login(story.app, username, password, address=address, **options)


def live(story, token: str) -> bool:
    with story.app.session() as session:
        return actions.resume(story.app, session, token) is not None


def test_a_login_makes_a_session_whose_id_only_the_browser_has(story):
    first, second = log_in(story), log_in(story)
    assert live(story, first.token) and first.token != second.token and len(first.token) >= 43
    with story.app.session() as session:
        stored = session.scalars(sa.select(WebSession)).all()
    assert not any(first.token in (row.id_hash, row.csrf) for row in stored)


@pytest.mark.parametrize("username, password", [("lin", "wrong"), ("nobody", PASSWORD), ("lin", ""), ("", "")])
def test_a_wrong_name_and_a_wrong_password_are_refused_alike(story, username, password):
    with pytest.raises(LoginRefused):
        log_in(story, username, password)


def test_a_made_up_token_is_nobody(story):
    assert not any(live(story, token) for token in ("", "x" * 43, None))


def test_logging_in_again_ends_the_browser_s_old_session(story):
    old = log_in(story)
    log_in(story, old_token=old.token)
    assert not live(story, old.token)


def test_logout_ends_the_session(story):
    token = log_in(story).token
    actions.logout(story.app, token)
    assert not live(story, token)


def test_an_idle_session_ends_and_a_used_one_does_not(story, clock):
    """Desk: idle 12 hours, absolute 12 hours; here with a shorter idle time."""
    from dataclasses import replace

    story.app.settings = replace(story.app.settings, session_idle_minutes=30)
    idle, used = log_in(story).token, log_in(story).token
    clock.advance(timedelta(minutes=29))
    assert live(story, used)
    clock.advance(timedelta(minutes=1))
    assert (live(story, idle), live(story, used)) == (False, True)


def test_a_session_ends_after_its_absolute_time(story, clock):
    token = log_in(story).token
    for _ in range(11):
        clock.advance(timedelta(hours=1))
        assert live(story, token)
    clock.advance(timedelta(hours=1))
    assert not live(story, token)


def test_a_changed_password_ends_every_other_session(story):
    here, elsewhere = log_in(story).token, log_in(story).token
    actions.change_password(story.app, story.person("lin"), PASSWORD, NEW, token=here)
    assert (live(story, here), live(story, elsewhere)) == (True, False)
    assert log_in(story, password=NEW)
    with pytest.raises(LoginRefused):
        log_in(story)


def test_a_weak_new_password_changes_nothing(story):
    token = log_in(story).token
    with pytest.raises(PasswordRefused):
        actions.change_password(story.app, story.person("lin"), PASSWORD, "password123")
    assert live(story, token)


def test_a_disabled_account_is_out_at_once_and_stays_out(story):
    token = log_in(story).token
    actions.disable(story.app, story.world.people["lin"])
    assert not live(story, token)
    with pytest.raises(LoginRefused):
        log_in(story)


def test_an_administrator_ends_all_sessions_of_a_person(story):
    tokens = [log_in(story).token for _ in range(3)]
    assert actions.end_all(story.app, story.world.people["lin"]) == 3
    assert not any(live(story, t) for t in tokens)


def test_guessing_stops_but_the_victim_gets_in_from_a_known_device(story):
    """100 tries from two addresses: refused after the limit, and the right user still logs in."""
    device = log_in(story).device
    refused = 0
    for index in range(100):
        try:
            log_in(story, password=f"guess {index}", address=(AWAY, "203.0.113.10")[index % 2])
        except TooManyTries:
            refused += 1
        except LoginRefused:
            pass
    assert refused == 100 - 2 * story.app.settings.login_tries_per_pair
    assert log_in(story, device=device)
    assert log_in(story)  # also from an address without wrong tries


def test_the_limit_ends_after_its_window(story, clock):
    for _ in range(story.app.settings.login_tries_per_pair):
        with pytest.raises(LoginRefused):
            log_in(story, password="wrong")
    with pytest.raises(TooManyTries) as wait:
        log_in(story)
    assert wait.value.retry_after_seconds == story.app.settings.login_window_minutes * 60
    clock.advance(timedelta(minutes=story.app.settings.login_window_minutes))
    assert log_in(story)


def test_a_right_password_clears_the_wrong_ones_before_it(story):
    for _ in range(3):
        for _ in range(story.app.settings.login_tries_per_pair - 1):
            with pytest.raises(LoginRefused):
                log_in(story, password="wrong")
        assert log_in(story)


def test_somebody_else_s_device_mark_is_worth_nothing(story):
    device = log_in(story, "zhou").device
    for _ in range(story.app.settings.login_tries_per_pair):
        with pytest.raises(LoginRefused):
            log_in(story, password="wrong", device=device)
    with pytest.raises(TooManyTries):
        log_in(story, device=device)


def test_signing_asks_for_the_password_again(story, clock):
    token = log_in(story).token
    with story.app.session() as session:
        row = actions.resume(story.app, session, token)
        clock.advance(timedelta(minutes=story.app.settings.step_up_minutes, seconds=1))
        assert not actions.stepped_up(story.app, row)
    assert not actions.step_up(story.app, token, "wrong")
    assert actions.step_up(story.app, token, PASSWORD)
    with story.app.session() as session:
        assert actions.stepped_up(story.app, actions.resume(story.app, session, token))


def test_a_one_time_code_sets_a_password_once(story):
    code = actions.issue_code(story.app, "hu")
    assert actions.redeem_code(story.app, code, NEW) == story.world.people["hu"]
    assert log_in(story, "hu", NEW)
    with pytest.raises(LoginRefused):
        actions.redeem_code(story.app, code, NEW + "2")
    with story.app.session() as session:
        assert code not in session.scalars(sa.select(OneTimeCode.code_hash)).all()


def test_a_one_time_code_dies_after_a_day_and_with_the_next_code(story, clock):
    old = actions.issue_code(story.app, "hu")
    late = actions.issue_code(story.app, "hu")
    clock.advance(timedelta(hours=24))
    for code in (old, late, "made-up"):
        with pytest.raises(LoginRefused):
            actions.redeem_code(story.app, code, NEW)


def test_a_weak_password_does_not_use_up_the_code(story):
    code = actions.issue_code(story.app, "hu")
    with pytest.raises(PasswordRefused):
        actions.redeem_code(story.app, code, "12345678")
    assert actions.redeem_code(story.app, code, NEW)


def test_many_logins_at_once_compute_at_most_two_hashes_at_a_time(story):
    """Memory stays bounded; the others wait their turn."""
    hasher, most, now, lock = actions.hasher(story.app), [0], [0], threading.Lock()
    real = hasher._hasher

    class Counting:
        def verify(self, *args):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            try:
                return real.verify(*args)
            finally:
                with lock:
                    now[0] -= 1

        def __getattr__(self, name):
            return getattr(real, name)

    hasher._hasher = Counting()
    threads = [threading.Thread(target=log_in, args=(story,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 2
