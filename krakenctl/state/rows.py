"""Between values of ours and rows of the tables."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from krakenctl.model import key_json
from krakenctl.model.address import Address
from krakenctl.model.change_json import change_from_json, change_json
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import SecretRef
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.plan import Mark
from krakenctl.model.recorded import Announced, Containment, Given, RecordedAccount, RecordedKey

Row = tuple[Any, ...]
H = TypeVar("H", Given, Announced)


def account_row(account: RecordedAccount) -> Row:
    return (account.name, account.kind, account.surface, account.username, account.iiban, int(account.requested))


def account(row: Row) -> RecordedAccount:
    name, kind, surface, username, iiban, requested = row
    return RecordedAccount(
        name=name, kind=kind, surface=surface, username=username, iiban=iiban, requested=bool(requested)
    )


def key_row(key: RecordedKey) -> Row:
    row = (str(key.address), key.live_name, key.generation, key.created, key.public_key)
    spec = json.dumps(key_json.spec_to_json(key.spec))
    secret = (key.secret.store, key.secret.path)
    flags = (int(key.without_secret), int(key.unheard))
    ends = (key.retired_until, key.claimed_by, key.claimed_at, key.unverified, *flags)
    return (*row, spec, *secret, key.issued, key.trigger, int(key.protect), *ends, key.nonce.value)


def key(row: Row) -> RecordedKey:
    return RecordedKey(
        address=Address.parse(row[0]),
        live_name=row[1],
        generation=row[2],
        created=row[3],
        public_key=row[4],
        spec=key_json.spec_from_json(json.loads(row[5])),
        secret=SecretRef(row[6], row[7]),
        issued=row[8],
        trigger=row[9],
        protect=bool(row[10]),
        retired_until=row[11],
        claimed_by=row[12],
        claimed_at=row[13],
        unverified=row[14],
        without_secret=bool(row[15]),
        unheard=bool(row[16]),
        nonce=NonceScale(row[17]),
    )


def containment(row: Row) -> tuple[Address, Containment]:
    return Address.parse(row[0]), Containment(at=row[1], who=row[2], reason=row[3])


def handle_row(key: Given | Announced) -> Row:
    return str(key.address), key.live_name, key.created


def handle(kind: type[H], row: Row) -> H:
    return kind(address=Address.parse(row[0]), live_name=row[1], created=row[2])


def mark_row(mark: Mark) -> Row:
    return mark.change, mark.at, mark.who, int(mark.done)


def mark(row: Row) -> Mark:
    change, at, who, done = row
    return Mark(change=change, at=at, who=who, done=bool(done))


def intent_row(intent: Intent) -> Row:
    sent = json.dumps(key_json.spec_to_json(intent.sent)) if intent.sent else ""
    change = json.dumps(change_json(intent.change))
    head = (str(intent.address), intent.live_name, intent.stage.value, intent.verdict, intent.began)
    return (*head, intent.run, intent.who, intent.plan, change, sent, intent.public_key)


def intent(row: Row) -> Intent:
    address, live_name, stage, verdict, began, run, who, plan, change, sent, public_key = row
    found = Intent(
        change=change_from_json(json.loads(change)),
        began=began,
        stage=Stage(stage),
        sent=key_json.spec_from_json(json.loads(sent)) if sent else None,
        verdict=verdict,
        run=run,
        who=who,
        plan=plan,
        public_key=public_key,
    )
    if (str(found.address), found.live_name) != (address, live_name):
        raise ValueError("a row of the journal is about another change than it says")
    return found
