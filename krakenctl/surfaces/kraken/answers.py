"""From an HTTP answer to its result, or to the error that fits Kraken's error string.

Source: docs.kraken.com, REST introduction and errors guide: status 200 for errors of the application, the `error`
list decides, entries starting with W are warnings, “EGeneral:…” is also written “EGeneral: …”.
"""

from __future__ import annotations

from typing import Any

from krakenctl.errors import (
    AnswerLost,
    ExchangeError,
    LockedOut,
    NotAuthorised,
    PermissionDenied,
    RateLimited,
    Refused,
    TooManyKeys,
    Unreachable,
)
from krakenctl.transport.http import Answer

_UNAUTHORISED = (401, 403)
_TOO_MANY = 429
_SERVER_FAULT = 500

# Nobody knows what was done. Source: errors guide, “check state first” for a deadline; an internal error says nothing.
_UNCERTAIN = ("EService:Deadline elapsed", "EService:Timeout", "EGeneral:Internal error", "EDatabase:Internal error")

_KINDS: tuple[tuple[str, type[Refused], str], ...] = (
    (
        "EGeneral:Temporary lockout",
        LockedOut,
        "stop calling this account for at least 15 minutes; each try prolongs it",
    ),
    ("EAPI:Rate limit", RateLimited, "wait a few seconds and run it again"),
    ("EAuth:Rate limit", RateLimited, "wait a minute and run it again"),
    ("EAuth:Too many requests", RateLimited, "wait a minute and run it again"),
    ("EGeneral:Too many requests", RateLimited, "wait a minute and run it again"),
    ("EService:", RateLimited, "Kraken is busy or down; run it again later"),
    ("EAccount:Too many API keys", TooManyKeys, "delete a key of this account, or declare limits.keysPerAccount"),
    ("EGeneral:Permission denied", PermissionDenied, "the credential lacks a permission for this call"),
    ("EAPI:Permission denied", PermissionDenied, "the credential lacks a permission for this call"),
    ("ESession:Invalid session", NotAuthorised, "authorise krakenctl for this account again"),
    (
        "EAPI:Invalid key",
        NotAuthorised,
        "the key is unknown, revoked, expired or used from an address it does not allow",
    ),
    ("EAPI:Invalid signature", NotAuthorised, "key and secret do not belong together, or the key asks for an otp"),
)


def result(answer: Answer, deed: str) -> Any:
    """The answer's `result`. `deed` completes the sentence “Kraken refused to …”. Raises ExchangeError."""
    errors = _errors(answer.body)
    problem = _by_string(errors, deed) or _by_status(answer.status, errors, deed)
    if problem is not None:
        raise problem
    if not isinstance(answer.body, dict) or "result" not in answer.body:
        raise _unusable(answer, deed)
    return answer.body["result"]


def _unusable(answer: Answer, deed: str) -> ExchangeError:
    if answer.status == 200:
        return AnswerLost(f"Kraken's answer when asked to {deed} makes no sense: it may have been done")
    return Unreachable(
        f"something between us and Kraken answered HTTP {answer.status} when asked to {deed}; it was not done",
        hint="check the workspace's endpoint and any proxy",
    )


def _errors(body: Any) -> tuple[str, ...]:
    """The errors among the entries; warnings are no reason to stop."""
    entries = body.get("error") if isinstance(body, dict) else None
    if isinstance(entries, str):  # OAuth's own shape: {error, error_description}
        return (entries,)
    if not isinstance(entries, list):
        return ()
    return tuple(str(entry) for entry in entries if not str(entry).startswith("W"))


def _by_string(errors: tuple[str, ...], deed: str) -> ExchangeError | None:
    """None: there is no error, or one that says nothing to us."""
    first = errors[0].replace(": ", ":", 1) if errors else ""
    if first.startswith(_UNCERTAIN):
        return AnswerLost(f"Kraken failed when asked to {deed} ({', '.join(errors)}): it may have been done")
    for prefix, kind, hint in _KINDS:
        if first.startswith(prefix):
            return kind(f"Kraken refused to {deed}: {', '.join(errors)}", errors=errors, hint=hint)
    return None


def _by_status(status: int, errors: tuple[str, ...], deed: str) -> ExchangeError | None:
    """What the status says, for errors that Kraken's guide does not know and answers that are not Kraken's at all."""
    message = f"Kraken refused to {deed}: {', '.join(errors) or f'HTTP {status}'}"
    if status in _UNAUTHORISED:
        hint = "the token has expired, was withdrawn, or lacks a scope: authorise again"
        return NotAuthorised(message, errors=errors, hint=hint)
    if status == _TOO_MANY:
        return RateLimited(message, errors=errors, hint="wait a few seconds and run it again")
    if status >= _SERVER_FAULT:
        return AnswerLost(f"no usable answer when asked to {deed} (HTTP {status}): it may have been done")
    return Refused(message, errors=errors) if errors else None
