"""Keys of one account on a served sandbox, asked as `verify` asks them, with a memory that is not written down."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing

import pytest

from krakenctl.model.address import key_address
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import SecretRef
from krakenctl.model.holding import Holding
from krakenctl.model.key import KeyPair, KeySpec
from krakenctl.model.permission import Permission
from krakenctl.model.recorded import RecordedKey
from krakenctl.model.secret import Secret
from krakenctl.observe.estate import Estate
from krakenctl.surfaces.kraken.gently import Caller
from krakenctl.surfaces.kraken.probes import Pace
from krakenctl.surfaces.kraken.row import Row
from krakenctl.tasks.verification.asking import Asking
from krakenctl.testing.memory import MemoryState

NUMBERS = itertools.count()


class Scene:
    """One account. Every call of a key of it is noted: how many failures in a row Kraken has seen after it."""

    def __init__(self, sandbox, http):
        self.sandbox, self.http, self.holdings = sandbox, http, []
        self.account = f"account-{next(NUMBERS)}"
        sandbox.account(self.account)
        self._ticks = itertools.count()
        self.worst, self.named, self.state = 0, False, MemoryState()

    def hold(
        self,
        name,
        networks=(),
        *,
        scale=NonceScale.MILLISECONDS,
        gone=False,
        answered=False,
        otp="",
        end=0,
        ending=False,
    ):
        made = self.sandbox.key(
            ["query-funds"], name=name, account=self.account, ip_allowlist=networks, otp=otp, valid_until=end
        )
        if gone:
            self.sandbox.revoke(name, account=self.account)
        if answered:
            self.state.hear(made.public_key, "desk", answers=True)
        record = RecordedKey(
            address=key_address("acme", name),
            live_name=name,
            generation=1,
            created=0,
            public_key=made.public_key,
            spec=KeySpec(permissions=frozenset({Permission.QUERY_FUNDS}), ip_allowlist=networks, valid_until=int(end)),
            secret=SecretRef("main", name),
            issued=0,
            retired_until=int(ending),
            claimed_by="alice" if ending else "",
        )
        pair = KeyPair(public_key=made.public_key, secret=Secret(made.secret))
        self.holdings.append(Holding(record=record, scale=scale, pair=pair))
        self.state.update(record)

    def used(self, name):
        """Its consumer's clock is a minute ahead."""
        nonce = int((self.sandbox.now + 60) * 1000)
        with closing(sqlite3.connect(self.sandbox.db)) as connection, connection:
            connection.execute("UPDATE key SET nonce = ? WHERE name = ?", (str(nonce), name))

    def ask(self, *, failures=3, probing=False, lists=None):
        share = self._estate().of("acme")
        asking = Asking(
            caller=Caller(http=self.http, held=share, clock=self._clock, wait=self._wait, budget=Row(left=failures)),
            gone=share.gone,
            pace=lambda: Pace("pro", lambda: self.sandbox.now, self._wait),
            now=int(self.sandbox.now),
            lists=lists or {},
            probing=probing,
        )
        found = asking.all(self.holdings)
        self._look()
        return found

    def _estate(self):
        """Of one command."""
        return Estate(
            recorded=self.state.read,
            declared={},
            open_store=pytest.fail,
            host="desk",
            now=lambda: int(self.sandbox.now),
            jot=self._jot,
            holding=lambda: None,
            named=[one.record.address for one in self.holdings] if self.named else (),
        )

    def _clock(self):
        """Time passes between two calls."""
        return int(self.sandbox.now * 1000) * 1_000_000 + next(self._ticks) * 1_000_000

    def _jot(self, deed):
        deed(self.state)
        return True

    def _wait(self, seconds):
        self._look()
        self.sandbox.advance(seconds=seconds + 0.001)

    def _look(self):
        with closing(sqlite3.connect(self.sandbox.db)) as connection:
            [[count]] = connection.execute("SELECT coalesce(max(count), 0) FROM failure").fetchall()
        self.worst = max(self.worst, count)
