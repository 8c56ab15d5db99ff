"""Keys of a seed's accounts. A pair may be given, for tests that need the same one each time."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from krakenctl.errors import UsageError
from krakenctl.model.permission import Permission, in_order
from krakenctl.model.time import parse_duration, show_time
from krakenctl.sandbox import futures_keys, key_rules, keys
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.people.sowing.ground import Wrong
from krakenctl.sandbox.people.sowing.sown import SownKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from krakenctl.model.origin import Path
    from krakenctl.sandbox.accounts import Account
    from krakenctl.sandbox.keys import Key
    from krakenctl.sandbox.people.sowing.ground import SeedGround, Spec

_FACTORS = {"otp": "static", "totp": "totp"}  # field of the seed → sort of second factor, as the file has it


def sow_keys(ground: SeedGround, path: Path, account: Account, wanted: Spec) -> Iterator[SownKey]:
    for number, key in enumerate(wanted.get("keys", ())):
        spot = (*path, "keys", number)
        with ground.at(*spot):
            ground.once("key", account.id, key["name"])
            known = keys.by_name(ground.connection, account.id, key["name"])
            fields = _fields(ground, spot, key, ground.context.second if known is None else known.created)
            if known is None:
                _refuse_full(ground, account)
                made = seed.seed_website_key(ground.database, account.username, key["name"], **fields)
                yield SownKey(key["name"], *made)
            else:
                _compare(ground, spot, known, fields)
                yield SownKey(known.name, known.public_key, None)


def _refuse_full(ground: SeedGround, account: Account) -> None:
    if key_rules.is_full(ground.context, account.id):
        count = len(keys.of_account(ground.connection, account.id))
        raise UsageError(f"the account {account.username} has as many keys as it may have: {count}")


def _fields(ground: SeedGround, path: Path, key: Spec, created: int) -> dict[str, Any]:
    """As `seed.seed_website_key` takes them."""
    return {
        "permissions": key["permissions"],
        "ip_allowlist": tuple(_networks(ground, (*path, "ipAllowlist"), key.get("ipAllowlist", ()))),
        "nonce_window": key.get("nonceWindow", 0),
        "query_from": ground.time(key, "queryFrom"),
        "query_to": _query_to(ground, key),
        "valid_until": _end(ground, key, created),
        "otp": _second_factor(key),
        "fix": key.get("fix", False),
        "pair": _pair(key),
    }


def _networks(ground: SeedGround, path: Path, entries: Iterable[str]) -> Iterator[str]:
    """The sound ones; each of the others is noted."""
    for number, entry in enumerate(entries):
        with ground.at(*path, number):
            yield from seed.networks([entry])


def _query_to(ground: SeedGround, key: Spec) -> int:
    end = ground.time(key, "queryTo")
    if 0 < end < ground.time(key, "queryFrom"):
        raise Wrong("the end of the query period is before its start", "queryTo")
    return end


def _end(ground: SeedGround, key: Spec, created: int) -> int:
    if "validFor" not in key:
        return ground.time(key, "validUntil")
    if "validUntil" in key:
        raise Wrong("“validFor” and “validUntil” exclude each other", "validUntil")
    return created + parse_duration(key["validFor"])


def _second_factor(key: Spec) -> str:
    if "otp" in key and "totp" in key:
        raise Wrong("“otp” and “totp” exclude each other", "totp")
    return next((f"{sort}:{key[name]}" for name, sort in _FACTORS.items() if name in key), "")


def _pair(key: Spec) -> tuple[str, str] | None:
    if ("apiKey" in key) != ("secret" in key):
        raise UsageError("“apiKey” and “secret” are written both or not at all")
    return (key["apiKey"], key["secret"]) if "secret" in key else None


def _compare(ground: SeedGround, path: Path, known: Key, fields: dict[str, Any]) -> None:
    there = _shown(keys.wish_of(known))
    here = _shown(keys.KeyWish(known.name, frozenset(map(Permission, fields["permissions"])), *_terms(fields)))
    ground.compare(path, there, here)
    if bool(known.fix) != fields["fix"]:
        has = "has" if known.fix else "lacks"
        raise Wrong(f"the key “{known.name}” {has} the FIX permission in the sandbox", "fix")
    if known.otp != fields["otp"]:
        raise UsageError(f"the key “{known.name}” has another second factor in the sandbox")
    row = ground.connection.execute("SELECT public_key, secret FROM key WHERE id = ?", (known.id,)).fetchone()
    if fields["pair"] not in (None, row):
        raise UsageError(f"the key “{known.name}” has another pair in the sandbox", hint="its API key is " + row[0])


def _terms(fields: dict[str, Any]) -> Iterator[Any]:
    return (fields[name] for name in keys.KeyWish._fields[2:])


def _shown(wish: keys.KeyWish) -> dict[str, Any]:
    """As the seed's fields are named, for people."""
    return {
        "permissions": in_order(wish.permissions),
        "ipAllowlist": wish.ip_allowlist,
        "nonceWindow": wish.nonce_window,
        "queryFrom": _when(wish.query_from),
        "queryTo": _when(wish.query_to),
        "validUntil": _when(wish.valid_until),
    }


def _when(seconds: int) -> str:
    return show_time(seconds) if seconds else ""


def sow_futures_keys(ground: SeedGround, path: Path, account: Account, wanted: Spec) -> Iterator[SownKey]:
    """They have no names: one that may do the same from the same places is taken for the same."""
    rows = ground.connection.execute(
        "SELECT public_key, general, transfer, cidr_blocks FROM futures_key WHERE account_id = ?", (account.id,)
    )
    there: dict[tuple[str, ...], list[str]] = {}  # those that stand for no key of the seed yet
    for public_key, *terms in rows:
        there.setdefault(tuple(terms), []).append(public_key)
    for number, key in enumerate(wanted.get("futuresKeys", ())):
        with ground.at(*path, "futuresKeys", number):
            terms = (key["general"], key["transfer"], " ".join(map(_block, key.get("cidrBlocks", ()))))
            name = f"general {key['general']}, transfer {key['transfer']}"
            if there.get(terms):
                yield SownKey(name, there[terms].pop(), None)
            else:
                yield SownKey(name, *_new_futures_key(ground, account, key))


def _new_futures_key(ground: SeedGround, account: Account, key: Spec) -> tuple[str, str]:
    return futures_keys.insert(
        ground.connection,
        account.id,
        general=key["general"],
        transfer=key["transfer"],
        cidr_blocks=key.get("cidrBlocks", ()),
        now=ground.context.second,
    )


def _block(text: str) -> str:
    """As the file keeps it; what is none is refused when the key is made."""
    try:
        return str(ip_network(text))
    except ValueError:
        return text
