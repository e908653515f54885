"""Errors of the domain, by who can act on them: the reader, the person's superior, the operator.

What the engine raises keeps its own class (engine.errors). A message names the thing, the rule and the next step.
Surprise: `NotThere` is also the answer for things of another centre, so that guessing an id teaches nothing.
"""

from __future__ import annotations


class ServiceError(Exception):
    """Base of everything the domain raises on purpose."""


class NotThere(ServiceError):
    """No such thing within the person's reach. Show 404."""

    def __init__(self, what: str, key: object):
        self.what, self.key = what, key
        super().__init__(
            f"{what} {key} is not there, or not in your operation centre. Look it up again in the search box."
        )


class NotAllowed(ServiceError):
    """The person sees the thing but may not do this with it. Show 403 and who may."""

    def __init__(self, action: str, thing: str, who_may: str = ""):
        self.action, self.thing, self.who_may = action, thing, who_may
        super().__init__(
            f"You may not {action} {thing}." + (f" {who_may} can." if who_may else " Ask your supervisor.")
        )


class Refused(ServiceError):
    """A rule of the domain forbids it in this state. `field` names the value to change, if one is to blame."""

    def __init__(self, message: str, field: str | None = None):
        self.field = field
        super().__init__(message)


class PhotoRefused(Refused):
    """The upload is no picture that we take. The text says what would be taken."""


class StorageFull(ServiceError):
    """The disk that holds photos is nearly full. Free space, then upload again; steps go on. Show 507."""


class LoginRefused(ServiceError):
    """Name or password is wrong, or the account is off. The text never says which."""

    def __init__(self):
        super().__init__("Name and password do not fit. Check both and try again.")


class TooManyTries(ServiceError):
    """Too many wrong passwords for this account from here. Wait `retry_after_seconds`. Show 429."""

    def __init__(self, retry_after_seconds: int):
        self.retry_after_seconds = retry_after_seconds
        super().__init__(
            f"Too many tries. Wait {max(1, retry_after_seconds // 60)} minutes,"
            " or use a device that you logged in on before."
        )


class PasswordRefused(Refused):
    """The new password breaks a rule. `rule` is the rule's key, for the screen's own words."""

    def __init__(self, rule: str, message: str):
        self.rule = rule
        super().__init__(message, field="password")


class SettingsWrong(ServiceError):
    """A setting is unknown or has no usable value. The operator corrects the file or the environment."""
