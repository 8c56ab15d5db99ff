"""Small values for tests of plans: everything has a default, so that a test shows only the field it is about."""

from dataclasses import replace

from krakenctl.model.address import Address, key_address
from krakenctl.model.coverage import Coverage
from krakenctl.model.desired import Desired, DesiredAccount, DesiredKey, Removal, Rotation, SecretRef
from krakenctl.model.journal import Intent
from krakenctl.model.key import KeySpec, LiveKey
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.origin import Place
from krakenctl.model.permission import ALL, Permission
from krakenctl.model.plan import Action, Change, NewKey, Plan, Strategy
from krakenctl.model.recorded import Recorded, RecordedKey
from krakenctl.model.workspace import StateSettings, StoreSettings, Workspace
from krakenctl.plan.authority import APPLY
from krakenctl.plan.planner import Inputs, plan

NOW = 1_800_000_000  # 2027-01-15T08:00:00Z
HOUR, DAY = 3600, 86400
PLACE = Place("keys.yaml", 0)
TRADE = frozenset({Permission.QUERY_FUNDS, Permission.MODIFY_TRADES})
READ = frozenset({Permission.QUERY_FUNDS})

WORKSPACE = Workspace(
    name="acme",
    endpoint="sandbox",
    tag="a7",
    manifests=("manifests",),
    state=StateSettings(path="state.db"),
    stores={"main": StoreSettings(type="age", path="secrets")},
    default_store="main",
    credentials={},
)


def bot(name="bot", account="acme", **fields):
    """A declared key. `max_age`, `overlap`, `trigger` and `jitter` are its rotation's."""
    rotation = {part: fields.pop(part) for part in ("max_age", "overlap", "trigger", "jitter") if part in fields}
    usual = {
        "grants": TRADE,
        "ip_allowlist": ("203.0.113.10",),
        "valid_for": None,
        "valid_until": None,
        "query_from": None,
        "query_to": None,
        "nonce_window": None,
        "consumer_nonce": "unknown",
        "secret": SecretRef("main", f"{account}/{name}"),
        "protect": False,
        "place": PLACE,
    }
    return DesiredKey(address=key_address(account, name), rotation=Rotation(**rotation), **(usual | fields))


def account(name="acme", **fields):
    usual = {"master": name, "surface": "connect", "ceiling": ALL, "own_allow": None, "own_deny": frozenset()}
    return DesiredAccount(address=Address("Account", (name,)), place=PLACE, **(usual | fields))


def sub_account(name="desk", master="acme", **fields):
    usual = {"surface": "connect", "ceiling": ALL, "own_allow": None, "own_deny": frozenset()}
    usual |= {"username": f"acme-{name}", "email": f"{name}@acme.example"}
    return DesiredAccount(address=Address("SubAccount", (name,)), master=master, place=PLACE, **(usual | fields))


def wish(*keys, accounts=(), forget=(), digest="sha256:0"):
    declared = {one.name: one for one in accounts or (account(),)}
    return Desired(
        accounts=declared,
        keys={key.address: key for key in sorted(keys, key=lambda key: key.address)},
        removals={address: Removal(address, "forget", PLACE) for address in forget},
        digest=digest,
    )


def spec_of(key, issued=NOW, **fields):
    """What the exchange holds of a key that was issued as declared."""
    usual = KeySpec(
        permissions=key.grants,
        ip_allowlist=key.ip_allowlist,
        valid_until=issued + key.valid_for if key.valid_for else key.valid_until or 0,
        query_from=key.query_from or 0,
        query_to=key.query_to or 0,
        nonce_window=key.nonce_window or 0,
    )
    return replace(usual, **fields)


def recorded(key, generation=1, issued=NOW, **fields):
    """The memory of a key that was issued as declared."""
    usual = {
        "address": key.address,
        "live_name": f"{key.address.name}.a7.g{generation}",
        "generation": generation,
        "created": issued,
        "public_key": "PUBLIC",
        "spec": spec_of(key, issued),
        "secret": key.secret,
        "issued": issued,
        "trigger": key.rotation.trigger,
        "protect": key.protect,
        "nonce": key.nonce,
    }
    return RecordedKey(**(usual | fields))


def alive(record, **spec):
    """The live key that a record is of; `spec` says what somebody changed."""
    return LiveKey(name=record.live_name, created=record.created, spec=replace(record.spec, **spec))


def stranger(name="by-hand", created=NOW - DAY, **fields):
    return LiveKey(name=name, created=created, spec=KeySpec(permissions=frozenset(Permission), **fields))


def intent(key, generation, began=NOW):
    new = NewKey(
        name=f"{key.address.name}.a7.g{generation}", generation=generation, spec=spec_of(key, began), valid_for=None
    )
    change = Change(
        address=key.address,
        account=key.account,
        action=Action.CREATE,
        strategy=Strategy.CREATE_FIRST,
        new=new,
        secret=key.secret,
    )
    return Intent(change=change, began=began, sent=new.spec)


def memory(*records, retired=(), intents=(), generations=None, accounts=None):
    return Recorded(
        lineage="L",
        accounts=accounts or {},
        keys={record.address: record for record in records},
        retired=tuple(retired),
        intents=tuple(intents),
        generations=generations or {},
    )


def on(*keys, name="acme", **fields):
    """A live account that is ready and tells of all its keys."""
    usual = {"phase": Phase.READY, "iiban": "AA12 N84G EXAM PLE1", "coverage": Coverage.COMPLETE}
    return LiveAccount(name=name, keys=tuple(keys), **(usual | fields))


def draw(desired, *live, recorded=None, now=NOW, findings=(), errand=APPLY, recovery=()) -> Plan:
    seen = {one.name: one for one in live or (on(),)}
    return plan(
        Inputs(
            workspace=WORKSPACE,
            desired=desired,
            live=seen,
            recorded=recorded or memory(),
            now=now,
            findings=findings,
            errand=errand,
            recovery=tuple(recovery),
        )
    )


def change_of(declared, record=None, now=NOW, **drift) -> Change | None:
    """What becomes of one declared key whose record, if any, is live; `drift` is what somebody changed of it."""
    live = [alive(record, **drift)] if record else []
    drawn = draw(wish(declared), on(*live), recorded=memory(*([record] if record else [])), now=now)
    return drawn.changes[0] if drawn.changes else None
