"""Settings: where they come from, and that a typing error never passes unseen."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from service.errors import SettingsWrong
from service.settings import Settings, describe, load


def test_the_environment_wins_over_the_file(tmp_path):
    file = tmp_path / "zhiban.toml"
    file.write_text('port = 9000\nhost = "0.0.0.0"\npassword_words = ["恒远"]\n', encoding="utf-8")
    settings = load({"ZHIBAN_SETTINGS": str(file), "ZHIBAN_PORT": "9001", "HOME": "/"})
    assert (settings.port, settings.host, settings.password_words) == (9001, "0.0.0.0", ("恒远",))


@pytest.mark.parametrize(
    "environ, near", [({"ZHIBAN_PROT": "1"}, "ZHIBAN_PORT"), ({"ZHIBAN_DATABASEURL": "x"}, "ZHIBAN_DATABASE_URL")]
)
def test_an_unknown_name_is_refused_with_a_suggestion(environ, near):
    with pytest.raises(SettingsWrong, match=f"Did you mean {near}"):
        load(environ)


def test_an_unknown_name_in_the_file_is_refused_with_a_suggestion(tmp_path):
    file = tmp_path / "zhiban.toml"
    file.write_text("web_worker = 3\n")
    with pytest.raises(SettingsWrong, match="web_workers"):
        load({}, file)


@pytest.mark.parametrize(
    "environ", [{"ZHIBAN_PORT": "many"}, {"ZHIBAN_SECURE_COOKIES": "perhaps"}, {"ZHIBAN_SETTINGS": "/nowhere.toml"}]
)
def test_a_value_of_the_wrong_kind_is_refused(environ):
    with pytest.raises(SettingsWrong):
        load(environ)


def test_the_secret_key_makes_itself_once_for_the_owner_only(tmp_path):
    first, second = Settings(var_dir=tmp_path / "var"), Settings(var_dir=tmp_path / "var")
    assert first.secret() == second.secret() and len(first.secret()) > 40
    assert stat.S_IMODE((tmp_path / "var/secret-key").stat().st_mode) == 0o600


def test_every_setting_says_what_it_means():
    assert all(row["meaning"].endswith(".") for row in describe())


def test_data_goes_into_the_folder_for_data():
    settings = Settings(var_dir=Path("/data"))
    assert (settings.database, settings.photos) == ("sqlite:////data/zhiban.db", Path("/data/photos"))
