"""As the witness, of keys that a person makes: no list tells of them, nobody but that person can end them, and between
the website and the store a secret is in nobody's hands but theirs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from chaos.eyes import Row, recorded
from chaos.witness import Witness, told
from desk import Desk
from krakenctl.model.journal import Intent, Stage
from krakenctl.sandbox.database import opened
from krakenctl.stores.base import Slot

OUR_TAG = ".a7."


class HandWitness(Witness):
    def _ours(self, rows: dict[str, Row]) -> Iterator[Row]:
        """Made by the person because they were told to."""
        for public, row in rows.items():
            is_named = not row.client and OUR_TAG in row.name and public not in self.before.rows
            if (is_named or public in self.before.ours) and public not in self.touched:
                yield row

    def _as_declared(self, desk: Desk, rows: dict[str, Row]) -> Iterator[str]:
        """Looked at as Kraken would show it to whoever waited for the end of a lockout."""
        with opened(desk.db) as database, database.write() as connection:
            connection.execute("DELETE FROM failure")
        yield from Witness._as_declared(self, desk, rows)

    def _unheard_of(self, rows: dict[str, Row]) -> set[str]:
        """What was made and not typed in, or was lost on its way."""
        return self._orphans(rows)

    def _nothing_lost(self, desk: Desk, rows: dict[str, Row], reported: str) -> Iterator[str]:
        """A live key is recorded and its secret kept; or it is spoken of as one that nobody may have any more."""
        state, findings = recorded(desk), [finding["message"] for finding in json.loads(reported)["findings"]]
        remembered = {key.live_name: key for key in state.ours}
        held = {(entry.public_key, entry.secret.reveal()) for _, _, entry in self.eyes.entries()}
        for row in self._ours(rows):
            record, is_named = remembered.get(row.name), any(row.name in message for message in findings)
            if not is_named and record is None:
                yield f"1: {row.name} is live, and nobody remembers it"
            if not is_named and (row.public_key, row.secret) not in held:
                yield f"1: {row.name} is live, and its secret is in no slot"
            if record is not None and record.claimed_by and not is_named:
                yield f"1: {row.name} is only said to be revoked, and no plan tells"
        for path, slot, _ in self.eyes.entries():
            if slot is Slot.PENDING:
                yield f"1: the slot {path}/pending is still taken"

    def _others_untouched(self, rows: dict[str, Row]) -> Iterator[str]:
        """But for what a person has made for us beforehand: whoever has lost its private key makes it anew."""
        by_runbook = {public for public, row in self.before.rows.items() if not row.client and OUR_TAG in row.name}
        self.touched |= by_runbook - self.before.ours
        yield from Witness._others_untouched(self, rows)

    def _slots_of_the_dead(self, desk: Desk, rows: dict[str, Row]) -> Iterator[str]:
        """The secret of a key whose end nobody has proved is what may prove it."""
        claimed = {key.public_key for key in recorded(desk).retired if key.claimed_by}
        for path, slot, entry in self.eyes.entries():
            if entry.public_key not in rows.keys() | claimed:
                yield f"4: {path}/{slot} still holds {entry.live_name}, which is gone"

    def _ends_of_the_retired(self, desk: Desk, rows: dict[str, Row]) -> Iterator[str]:
        """Nobody is asked to give a key an end that is to be deleted anyway."""
        yield from ()

    def _nothing_untold(self, desk: Desk) -> Iterator[str]:
        """A claim is no end: whoever made it of a key that is then seen to live is asked, and may claim it, again."""
        lines = [line for line in told(desk) if line["outcome"] in ("done", "found", "gone")]
        lines = [line for line in lines if not line.get("message", "").startswith("claimed")]
        often = Counter((line["verb"], line["name"]) for line in lines if line["verb"] in ("issue", "revoke"))
        yield from (f"log: {count} lines tell of {' '.join(deed)}" for deed, count in often.items() if count > 1)


def given_up(desk: Desk) -> list[Intent]:
    """Names under which a key may have been made, whose secret nobody has."""
    return [intent for intent in recorded(desk).intents if intent.stage is Stage.LOST]


def unnamed(desk: Desk, plan: Any) -> Iterator[str]:
    """What the person is to look for on the website, and nobody tells them to."""
    messages = [finding["message"] for finding in plan["findings"]]
    for intent in given_up(desk):
        if not any(intent.live_name in message for message in messages):
            yield f"1: {intent.live_name} may be live with a secret that nobody has, and no plan tells"
