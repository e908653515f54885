"""The long form of the bench, in small: growth, timers, workers and the processes of an installation."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from engine.tables import process_instance, user_task
from tests.bench import crowd, growth, processes, stored

SIZES = {"rounds": (2, 6), "branches": (2, 5), "items": (12, 30)}


def test_growth_is_measured_by_kind_and_size(database, capsys):
    found = growth.measure(database, 2, SIZES)
    growth.show("any", found, SIZES)
    assert {"rounds_6_to_2", "branches_5_to_2", "items_30_to_12", "items_30_to_12_cpu", "step_items_30", "state_branches_5"} <= set(found)
    assert found["state_branches_5"] > found["state_branches_2"]
    assert "30 items" in capsys.readouterr().out


def test_a_copied_instance_goes_on_like_the_one_it_was_copied_from(database_url, database):
    crowded = stored.Stored(database_url, 10)
    with database.connect() as connection:
        states = dict(connection.execute(sa.select(process_instance.c.state, sa.func.count()).where(
            process_instance.c.business_key.like("copy-%")).group_by(process_instance.c.state)).all())
    crowded.step()
    with database.connect() as connection:
        newest = connection.execute(sa.select(user_task).where(user_task.c.state == "open").order_by(user_task.c.id.desc())).first()
    assert states == {"running": 8, "ended": 2}
    assert newest.element_id == "verify" and newest.business_key.startswith("copy-")
    crowded.close()


def test_a_step_among_few_and_many_is_measured(copies, empty_template, capsys):
    urls = [copies.copy(empty_template) for _ in range(2)]
    found = stored.measure(urls, 4, (6, 20))
    stored.show("any", found, (6, 20))
    assert found["step_20_to_6"] > 0
    assert "among 20" in capsys.readouterr().out
    for url in urls:
        copies.drop(url)


def test_each_timer_of_a_crowd_fires_once_and_the_person_goes_on(database_url, copies, empty_template, capsys):
    url = copies.copy(empty_template)
    found = crowd.timers(database_url, 12, 3) | crowd.workers(url, (2,), 0.2)
    crowd.show("any", found)
    assert found["timers_per_second"] > 0 and found["workers_2"] > 0
    assert "2 at work" in capsys.readouterr().out
    copies.drop(url)


def test_timers_that_have_not_fired_end_the_bench(database_url):
    few = stored.Stored(database_url, 2, finished=False)
    with pytest.raises(SystemExit, match="2 timers were due; 0 have fired"):
        crowd._lateness(few, 2)
    few.close()


@pytest.mark.databases("sqlite")
def test_an_installation_s_processes_are_measured(copies, centre_template, tmp_path):
    url = copies.copy(centre_template)
    found = processes.measure(url, tmp_path, 2, web_workers=1)
    assert found["web_start_seconds"] > 0 and found["web_worker_mib"] > 20 and found["clock_mib"] > 0
    copies.drop(url)
