"""Every setting: name, type, unit, default, meaning. Read from a TOML file and from ZHIBAN_* in the environment.

The environment wins over the file. An unknown name is refused with a suggestion, so that a typing error never leaves a
default in force unseen. Surprise: `secret_key` makes itself (var/secret-key, mode 600) where none is given.
"""

from __future__ import annotations

import difflib
import os
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from service.errors import SettingsWrong

PREFIX = "ZHIBAN_"
FILE_VARIABLE = "ZHIBAN_SETTINGS"  # path of the TOML file; not a setting itself


_VAR, _BPMN, _NONE = Path("var"), Path("bpmn"), Path()


def setting(default: Any, meaning: str, unit: str = "", secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"meaning": meaning, "unit": unit, "secret": secret})


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one installation, typed and checked."""

    var_dir: Path = setting(_VAR, "Folder for everything that is written: database, photos, secret key.")  # noqa: RUF009
    database_url: str = setting("", "SQLAlchemy address of the database; empty means SQLite in `var_dir`.")
    bpmn_dir: Path = setting(_BPMN, "Folder of the shipped procedures.")  # noqa: RUF009
    photo_dir: Path = setting(_NONE, "Folder for photos, outside the web root; empty: in `var_dir`.")  # noqa: RUF009
    secret_key: str = setting(
        "", "Signs cookies and forms; empty means the key in `var_dir`/secret-key, made on first use.", secret=True
    )

    host: str = setting("127.0.0.1", "Address that the web server listens on.")
    port: int = setting(8000, "Port that the web server listens on.")
    web_workers: int = setting(2, "Web processes.", "processes")
    web_threads: int = setting(8, "Requests that one web process receives at once; it computes for two.", "threads")
    certfile: str = setting("", "TLS certificate; empty means plain HTTP.")
    keyfile: str = setting("", "Key of the TLS certificate; empty means that it is in `certfile`.")
    trusted_proxies: int = setting(0, "Proxies in front whose X-Forwarded-* headers are believed.", "proxies")
    secure_cookies: bool = setting(
        False, "Send cookies over https only (`__Host-` prefix). Set it wherever https is used."
    )

    zone: str = setting("Asia/Shanghai", "Time zone of numbers and of centres that name none.")
    locale: str = setting("zh", "Language of people who chose none: zh or en.")

    session_idle_minutes: int = setting(12 * 60, "A session ends after this time without a request.", "minutes")
    session_absolute_minutes: int = setting(12 * 60, "A session ends after this time in any case.", "minutes")
    step_up_minutes: int = setting(5, "How long a repeated password counts for signing and export.", "minutes")
    login_tries_per_pair: int = setting(8, "Wrong passwords of one account from one address before waiting.", "tries")
    login_tries_per_address: int = setting(60, "Wrong passwords from one address before waiting.", "tries")
    login_tries_per_account: int = setting(
        40, "Wrong passwords of one account from anywhere before only known devices may try.", "tries"
    )
    login_window_minutes: int = setting(15, "Wrong passwords older than this no longer count.", "minutes")
    password_memory_mib: int = setting(46, "Memory of one argon2id hash.", "MiB")
    password_parallel: int = setting(2, "Password hashes computed at once in one process.", "hashes")
    password_words: tuple[str, ...] = setting(
        ("zhiban", "值班"), "Words that a password may not consist of: company, project, product."
    )

    photo_max_megabytes: int = setting(10, "Largest photo taken.", "MB")
    photo_max_megapixels: int = setting(50, "Largest picture area taken.", "Mpx")
    disk_reserve_megabytes: int = setting(500, "Uploads stop when less than this is free on the photo disk.", "MB")

    duplicate_hours: int = setting(
        24, "A ticket of the same unit and category within this time is offered as a duplicate.", "hours"
    )
    clock_sweep_seconds: float = setting(1.0, "How often the clock looks at the next due timer.", "seconds")
    clock_heartbeat_seconds: int = setting(10, "How often the clock writes that it lives.", "seconds")
    clock_stuck_seconds: int = setting(
        60, "The clock process ends when a job or heartbeat is older than this.", "seconds"
    )
    silent_seconds: int = setting(
        20, "A web process or clock that gives no sign of life for this long is ended and started anew.", "seconds"
    )
    undo_seconds: int = setting(
        30, "How long a completed task may be undone; its notices wait as long. 0 switches undo off.", "seconds"
    )
    outbox_tries: int = setting(
        12, "Deliveries of a notice that may fail before it is parked and told to the supervisor.", "tries"
    )

    public_url: str = setting("", "Address that people reach the site by, for links in mails; empty: host and port.")
    quiet_hours: str = setting(
        "",
        "When no mail leaves that is not urgent, like 21:00-07:30; empty means while the centre is closed, 00:00-00:00 never.",
    )
    digest_times: tuple[str, ...] = setting(
        ("11:30", "17:30"), "When a person's less important notices leave together."
    )
    smtp_host: str = setting("", "Mail server; empty means that no mail is sent.")
    smtp_port: int = setting(587, "Port of the mail server.")
    smtp_tls: str = setting("starttls", "Encryption to the mail server: starttls, tls, if-offered or none.")
    smtp_user: str = setting("", "Login at the mail server; empty means none.")
    smtp_password: str = setting("", "Password of that login; better in a file.", secret=True)
    smtp_password_file: Path = setting(_NONE, "File with that password, mode 600.")  # noqa: RUF009
    mail_from: str = setting("", "Sender of mails, like 值班 <zhiban@example.com>.")
    mail_domains: tuple[str, ...] = setting((), "Domains that mail may go to; empty means any.")
    mail_timeout_seconds: float = setting(5.0, "How long the sending of one mail may take.", "seconds")

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{(self.var_dir / 'zhiban.db').as_posix()}"

    @property
    def photos(self) -> Path:
        return self.photo_dir if self.photo_dir.parts else self.var_dir / "photos"

    def secret(self) -> str:
        """The signing key: the setting, or the one in `var_dir`, made (mode 600) on first use."""
        return self.secret_key or _own_secret(self.var_dir / "secret-key")

    @property
    def address(self) -> str:
        """Where people reach the site, without a slash at the end."""
        own = f"{'https' if self.certfile else 'http'}://{self.host}:{self.port}"
        return (self.public_url or own).rstrip("/")

    def mail_password(self) -> str:
        """The password for the mail server. Raises SettingsWrong when others may read its file."""
        path = self.smtp_password_file
        return _kept_secret(path) if path.parts else self.smtp_password


def load(environ: Mapping[str, str] | None = None, file: Path | None = None) -> Settings:
    """The settings of this process. Raises SettingsWrong naming the setting and what would be taken."""
    environ = os.environ if environ is None else environ
    if file is None and environ.get(FILE_VARIABLE):
        file = Path(environ[FILE_VARIABLE])
    values = {**_from_file(file), **_from_environment(environ)}
    return Settings(**{name: _typed(name, value) for name, value in values.items()})


def describe() -> list[dict[str, Any]]:
    """One row per setting for the reference page: name, variable, type, unit, default, meaning."""
    return [
        {
            "name": f.name,
            "variable": PREFIX + f.name.upper(),
            "type": str(f.type),
            "unit": f.metadata["unit"],
            "default": f.default,
            "meaning": f.metadata["meaning"],
            "secret": f.metadata["secret"],
        }
        for f in fields(Settings)
    ]


_FIELDS = {f.name: f for f in fields(Settings)}


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsWrong(
            f"Settings file {file} cannot be read: {error}. Correct it or unset {FILE_VARIABLE}."
        ) from error
    for name in content:
        if name not in _FIELDS:
            raise SettingsWrong(_unknown(name, _FIELDS, f"in {file}"))
    return content


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    variables = {PREFIX + name.upper(): name for name in _FIELDS}
    given = [v for v in environ if v.startswith(PREFIX) and v != FILE_VARIABLE]
    for variable in given:
        if variable not in variables:
            raise SettingsWrong(_unknown(variable, variables, "in the environment"))
    return {variables[v]: environ[v] for v in given}


def _unknown(name: str, known, where: str) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"Setting {name} {where} is unknown." + (
        f" Did you mean {near[0]}?" if near else " See `zhiban doctor` for all names."
    )


def _typed(name: str, value: Any) -> Any:
    kind = str(_FIELDS[name].type)
    try:
        return _CONVERT[kind](value)
    except (ValueError, TypeError, KeyError) as error:
        raise SettingsWrong(
            f"Setting {name} = {value!r} is not of type {kind}. Correct it; the default is {_FIELDS[name].default!r}."
        ) from error


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}[
        str(value).lower()
    ]


def _words(value: Any) -> tuple[str, ...]:
    return (
        tuple(w.strip() for w in value.split(",") if w.strip())
        if isinstance(value, str)
        else tuple(str(w) for w in value)
    )


_CONVERT = {"Path": Path, "str": str, "int": int, "float": float, "bool": _bool, "tuple[str, ...]": _words}


def _own_secret(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="ascii").strip()


def _kept_secret(path: Path) -> str:
    try:
        others = path.stat().st_mode & 0o077
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsWrong(f"Password file {path} cannot be read: {error}. Correct the path or its owner.") from error
    if others:
        raise SettingsWrong(f"Password file {path} can be read by others. Run: chmod 600 {path}")
    return text
