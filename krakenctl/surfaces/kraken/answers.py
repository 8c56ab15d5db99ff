"""From an HTTP answer to its result, or to the error that fits Kraken's error string.

Source: docs.kraken.com, REST introduction and errors guide: status 200 for errors of the application, the `error`
list decides, entries starting with W are warnings, “EGeneral:…” is also written “EGeneral: …”.
"""

from __future__ import annotations

import re
from typing import Any

from krakenctl.errors import (
    AnswerLost,
    ExchangeError,
    LockedOut,
    NonceRefused,
    NotAuthorised,
    PermissionDenied,
    RateLimited,
    Refused,
    TooManyKeys,
    Unavailable,
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
    ("EService:Throttled", RateLimited, "wait a minute and run it again, with a smaller --parallelism"),
    ("EService:", Unavailable, "Kraken is busy or down; run it again later"),
    ("EAccount:Too many API keys", TooManyKeys, "delete a key of this account, or declare limits.keysPerAccount"),
    ("EGeneral:Permission denied", PermissionDenied, "the credential lacks a permission for this call"),
    ("EAPI:Permission denied", PermissionDenied, "the credential lacks a permission for this call"),
    ("ESession:Invalid session", NotAuthorised, "authorise krakenctl for this account again"),
    (
        "EAPI:Invalid key",
        NotAuthorised,
        "the key is unknown, revoked, expired or used from an address it does not allow",
    ),
    (
        "EAPI:Invalid nonce",
        NonceRefused,
        "another program uses this key too: give each one its own",
    ),
    ("EAPI:Invalid signature", NotAuthorised, "key and secret do not belong together, or the key asks for an otp"),
)
# Source: docs.kraken.com, Spot REST rate limits: too many requests at once, and from when on it may be tried again.
_THROTTLED = re.compile(r"EService:\s*Throttled:\s*(\d{1,12})$")


def result(answer: Answer, deed: str) -> Any:
    """The answer's `result`. `deed` completes the sentence “Kraken refused to …”. Raises ExchangeError."""
    errors = _errors(answer.body)
    problem = _problem(answer, errors, deed)
    if problem is not None:
        raise problem
    if not isinstance(answer.body, dict) or "result" not in answer.body:
        raise _unusable(answer, deed)
    return answer.body["result"]


def is_rate_limit(answer: Answer) -> bool:
    """Whether the caller's counter was full. Not: whether Kraken as a whole has too much to do."""
    problem = _problem(answer, _errors(answer.body), "")
    return isinstance(problem, RateLimited) and not isinstance(problem, Unavailable) and not problem.until


def _problem(answer: Answer, errors: tuple[str, ...], deed: str) -> ExchangeError | None:
    return _by_string(errors, answer.wait, deed) or _by_status(answer, errors, deed)


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


def _by_string(errors: tuple[str, ...], wait: float, deed: str) -> ExchangeError | None:
    """None: there is no error, or one that says nothing to us."""
    first = bare(errors[0]) if errors else ""
    if first.startswith(_UNCERTAIN):
        return AnswerLost(f"Kraken failed when asked to {deed} ({', '.join(errors)}): it may have been done", wait=wait)
    for prefix, kind, hint in _KINDS:
        if first.startswith(prefix):
            return _refusal(kind, f"Kraken refused to {deed}: {', '.join(errors)}", errors, hint, wait)
    return None


def _refusal(kind: type[Refused], message: str, errors: tuple[str, ...], hint: str, wait: float) -> Refused:
    if not issubclass(kind, RateLimited):
        return kind(message, errors=errors, hint=hint)
    throttled = _THROTTLED.match(errors[0]) if errors else None
    return kind(message, errors=errors, hint=hint, wait=wait, until=int(throttled[1]) if throttled else 0)


def _by_status(answer: Answer, errors: tuple[str, ...], deed: str) -> ExchangeError | None:
    """What the status says, for errors that Kraken's guide does not know and answers that are not Kraken's at all."""
    status = answer.status
    message = f"Kraken refused to {deed}: {', '.join(errors) or f'HTTP {status}'}"
    if status in _UNAUTHORISED:
        hint = "the token has expired, was withdrawn, or lacks a scope: authorise again"
        return NotAuthorised(message, errors=errors, hint=hint)
    if status == _TOO_MANY:
        return _refusal(RateLimited, message, errors, "wait a few seconds and run it again", answer.wait)
    if status >= _SERVER_FAULT:
        lost = f"no usable answer when asked to {deed} (HTTP {status}): it may have been done"
        return AnswerLost(lost, wait=answer.wait)
    return Refused(message, errors=errors) if errors else None


def says(problem: Refused, *words: str) -> bool:
    """Whether one of its errors begins so."""
    return any(bare(error).startswith(words) for error in problem.errors)


def said(problem: Refused) -> str:
    """In Kraken's words, as far as there are any."""
    return ", ".join(map(bare, problem.errors)) or problem.message


def bare(error: str) -> str:
    """`EAPI:Invalid key` is also written `EAPI: Invalid key`."""
    return error.replace(": ", ":", 1)
