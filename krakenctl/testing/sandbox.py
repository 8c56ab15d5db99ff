"""A served sandbox in the hands of a test: make keys, move the clock, break things. Nothing here needs pytest.

Accounts, keys and tokens are made by the rules of the website, as `krakenctl sandbox account|key|token` make them.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from math import ceil, isfinite
from typing import TYPE_CHECKING, Any

from krakenctl.errors import UsageError
from krakenctl.model.permission import ALL
from krakenctl.model.time import parse_duration, parse_time
from krakenctl.sandbox import clock, faults, switches
from krakenctl.sandbox.people import operate
from krakenctl.sandbox.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from krakenctl.sandbox.people.sowing import Sown

ACCOUNT = "acme"
Moment = float | str | datetime  # unix seconds, `2027-01-15T08:00:00Z`, or a time with a zone


@dataclass(frozen=True, slots=True)
class Key:
    name: str
    public_key: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int


@contextmanager
def served(db: Path) -> Iterator[KrakenSandbox]:
    """A sandbox in the file `db`, with the account `acme`, at a free port for as long as it is used."""
    with Server(db) as server:
        sandbox = KrakenSandbox(db, server.url)
        sandbox.account(ACCOUNT)
        yield sandbox


class KrakenSandbox:
    """Every call here has its effect at once, for whoever talks to `url`.

    What cannot be done (no such account, fault or switch; a key that the website refuses) raises
    krakenctl.errors.UsageError, and changes nothing.
    """

    def __init__(self, db: Path, url: str) -> None:
        self.db = db
        self.url = url  # http://127.0.0.1:PORT, where https://api.kraken.com would stand
        self._numbers = count(1)

    def account(self, username: str, *, email: str = "") -> str:
        """Make an account. Returns its IIBAN."""
        return str(operate.make_account(self.db, username, email=email)["iiban"])

    def sub_account(self, username: str, *, of: str = ACCOUNT, email: str = "") -> str:
        """Make a sub-account, set up and ready. Returns its IIBAN."""
        return str(operate.make_account(self.db, username, email=email, sub_account_of=of)["iiban"])

    def key(
        self,
        permissions: Iterable[str] = tuple(ALL),
        *,
        name: str | None = None,
        account: str = ACCOUNT,
        ip_allowlist: Iterable[str] = (),
        nonce_window: int = 0,
        query_from: Moment = 0,
        query_to: Moment = 0,
        valid_for: str = "",
        valid_until: Moment = 0,
        otp: str = "",
    ) -> Key:
        """Make an API key, as a person does on the website. Left out: all 13 permissions, no limits, a new name.

        Permissions are codes as `query-funds`; `valid_for` is a duration as `90d`; `otp` is the password of its second
        factor.
        """
        if valid_for and valid_until:
            raise UsageError("valid_for and valid_until are two ways to say one thing", hint="give one of them")
        made = operate.make_key(
            self.db,
            account,
            f"key-{next(self._numbers)}" if name is None else name,
            tuple(permissions),
            ip_allowlist=tuple(ip_allowlist),
            valid_for=_duration(valid_for),
            valid_until=ceil(_seconds(valid_until)),
            query_from=ceil(_seconds(query_from)),
            query_to=ceil(_seconds(query_to)),
            nonce_window=nonce_window,
            password=otp or None,
        )
        return Key(made["name"], made["apiKey"], made["secret"])

    def revoke(self, name: str, *, account: str = ACCOUNT) -> None:
        """Delete an API key, as a person does on the website."""
        operate.revoke_key(self.db, account, name)

    def token(self, account: str = ACCOUNT, *, scopes: Iterable[str] = (), valid_for: str = "") -> Token:
        """Mint a Kraken Connect token pair of the client `krakenctl-sandbox`, beside earlier ones.

        Left out: every scope it may ask for, and the lifetimes of Kraken's (4 hours; its refresh token 30 days).
        `valid_for` is a duration as `3650d`.
        """
        given = operate.mint_token(self.db, account, tuple(scopes), valid_for=_duration(valid_for))
        return Token(given["access_token"], given["refresh_token"], given["expires_in"])

    @property
    def now(self) -> float:
        """Unix seconds on the sandbox's clock."""
        return clock.now(self.db)

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move the clock forward."""
        clock.advance(self.db, ((days * 24 + hours) * 60 + minutes) * 60 + seconds)

    def freeze(self, at: Moment | None = None) -> None:
        """Stop the clock, now or at a moment; `advance` still moves it."""
        clock.freeze(self.db, self.now if at is None else _seconds(at))

    def run(self) -> None:
        """Let a frozen clock run again."""
        clock.thaw(self.db)

    def fault(self, kind: str, **aim: Any) -> int:
        """Break something, as `fault("answer-lost", endpoint="AddOrder", nth=2)`. Returns the fault's number.

        `krakenctl sandbox fault kinds` says which there are, and what each is told; write `_` for `-` in names.
        Faults about keys (slow-key, slow-revoke, slots-full, misissue) strike `key` and `revoke` too.
        """
        return faults.add(self.db, {"kind": kind, **aim})

    def clear_faults(self) -> None:
        """Take every fault away."""
        faults.clear(self.db)

    def switch(self, name: str, value: str | int) -> None:
        """Answer one of Kraken's open questions otherwise: `krakenctl sandbox switches` lists them."""
        switches.set_switch(self.db, name, value)

    def seed(self, file: Path) -> Sown:
        """Fill the sandbox from a file, as `krakenctl sandbox seed` does. Returns what was made, with its secrets."""
        from krakenctl.tasks.seeding import seed as seed_from

        return seed_from(self.db, file)


def _seconds(moment: Moment) -> float:
    """Raises UsageError for what is no time."""
    if isinstance(moment, datetime):
        return moment.timestamp()
    try:
        seconds = parse_time(moment) if isinstance(moment, str) else moment
    except ValueError as wrong:
        raise UsageError(str(wrong)) from None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not isfinite(seconds):
        raise UsageError(f"{seconds} is no time")
    return seconds


def _duration(text: str) -> int:
    """Nothing is 0. Raises UsageError for what is no duration."""
    try:
        return parse_duration(text) if text else 0
    except ValueError as wrong:
        raise UsageError(str(wrong)) from None
