"""What is recorded, as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from krakenctl.model import key_json
from krakenctl.model.address import Address
from krakenctl.model.description import NonceScale
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.recorded import Containment, Given, Recorded, RecordedAccount, RecordedKey
from krakenctl.model.time import show_time
from krakenctl.render.paint import Paint, visible

FORMAT = "krakenctl.state/v1"
_MOMENTS = ("validUntil", "queryFrom", "queryTo")  # of a spec, in unix seconds


def to_json(recorded: Recorded) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "lineage": recorded.lineage,
        "accounts": [_account_json(account) for account in recorded.accounts.values()],
        "keys": [_key_json(key) for key in recorded.ours],
        "intents": [
            {"address": str(i.address), "liveName": i.live_name, "stage": i.stage, "began": show_time(i.began)}
            for i in recorded.intents
        ],
        "contained": [_contained_json(address, by) for address, by in recorded.contained.items()],
        "handedOver": [_given_json(given) for given in recorded.given],
    }


def render(recorded: Recorded, paint: Paint) -> str:
    return "\n".join(_lines(recorded, paint)) + "\n"


def addresses(recorded: Recorded) -> list[str]:
    accounts = [_address(account) for account in recorded.accounts.values()]
    given = (given.address for given in recorded.given)
    return [*accounts, *(str(address) for address in dict.fromkeys((*recorded.keys, *recorded.contained, *given)))]


def one_json(recorded: Recorded, address: str) -> dict[str, Any] | None:
    """One account, or key with all that is remembered of it; None when nothing is known of that address."""
    for account in recorded.accounts.values():
        if _address(account) == address:
            return _account_json(account)
    keys = (_key_json(key) for key in recorded.keys.values() if str(key.address) == address)
    contained = (_contained_json(each, by) for each, by in recorded.contained.items() if str(each) == address)
    retired = [_key_json(key) for key in recorded.retired if str(key.address) == address]
    given = [_given_json(given) for given in recorded.given if str(given.address) == address]
    found = {**next(keys, {}), **({"retired": retired} if retired else {}), **next(contained, {})}
    found |= {"handedOver": given} if given else {}
    return {"address": address, **found} if found else None


def one_text(found: dict[str, Any], paint: Paint) -> str:
    return "\n".join(_fields(found, paint, "")) + "\n"


def _fields(found: dict[str, Any], paint: Paint, prefix: str) -> Iterator[str]:
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _fields(value, paint, f"{prefix}{name}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for place, item in enumerate(value):
                yield from _fields(item, paint, f"{prefix}{name}[{place}].")
        else:
            yield f"{paint(f'{prefix}{name}:', 'dim')} {visible(_value(name, value))}"


def _value(name: str, value: object) -> str:
    """For people: a moment as a date, and words where there is nothing to show."""
    match value:
        case list():
            return ", ".join(map(str, value)) or ("any" if name == "ipAllowlist" else "none")
        case bool():
            return "yes" if value else "no"
        case int() if name in _MOMENTS:
            return show_time(value) if value else "no limit"
        case _:
            return str(value) or "none"


def _lines(recorded: Recorded, paint: Paint) -> Iterator[str]:
    if not (recorded.accounts or recorded.traces or recorded.contained or recorded.given):
        yield "Nothing is recorded yet: there was no apply."
        return
    for account in recorded.accounts.values():
        standing = visible(account.iiban) or ("requested, not ready" if account.requested else "not seen yet")
        yield f"{paint(_address(account), 'bold')}  {standing}"
    for key in recorded.keys.values():
        expiry = f"expires {show_time(key.spec.valid_until)}" if key.spec.valid_until else "never expires"
        unseen = f"  taken unseen: {visible(key.unverified)}" if key.unverified else ""
        place = "no secret here" if key.without_secret else f"{key.secret.store}:{key.secret.path}"
        yield f"{key.address}  {paint(visible(key.live_name), 'cyan')}  {expiry}  {place}{unseen}"
    for key in recorded.retired:
        yield f"{key.address}  {visible(key.live_name)}  {_end(key)}"
    for intent in recorded.intents:
        yield f"{intent.address}  {visible(intent.live_name)}  {_standing(intent)}"
    for address, by in recorded.contained.items():
        why = f": {visible(by.reason)}" if by.reason else ""
        told = f"contained: the kill switch was used at {show_time(by.at)} by {visible(by.who)}{why}"
        yield f"{address}  {paint(told, 'red')}"
    for given in recorded.given:
        yield f"{given.address}  {visible(given.live_name)}  handed over (Removed, action: forget): none of ours"


def _end(key: RecordedKey) -> str:
    if key.claimed_by:
        return f"revoked, as claimed by {visible(key.claimed_by)} at {show_time(key.claimed_at)}; not proved"
    return f"retired, until {show_time(key.retired_until)}"


def _standing(intent: Intent) -> str:
    if intent.mistaken:
        return f"it {intent.mistake}; `krakenctl recover --absent` says that it is gone"
    if intent.stage is Stage.LOST:
        return "given up: its name is burned, and every run looks out for it"
    if intent.stage is Stage.SHOWN:
        return "a person was told to make it: apply asks for it under this name until its pair is given"
    return f"begun by an earlier run, which came to “{intent.stage}”: `krakenctl recover` finishes or undoes it"


def _address(account: RecordedAccount) -> str:
    return f"{account.kind}/{account.name}"


def _account_json(account: RecordedAccount) -> dict[str, Any]:
    return {
        "address": _address(account),
        "surface": account.surface,
        "username": account.username,
        "iiban": account.iiban,
        "requested": account.requested,
    }


def _contained_json(address: Address, by: Containment) -> dict[str, Any]:
    return {"address": str(address), "contained": {"at": show_time(by.at), "who": by.who, "reason": by.reason}}


def _given_json(given: Given) -> dict[str, Any]:
    created = {"created": show_time(given.created)} if given.created else {}
    return {"address": str(given.address), "liveName": given.live_name, **created}


def _key_json(key: RecordedKey) -> dict[str, Any]:
    return {
        "address": str(key.address),
        "liveName": key.live_name,
        "generation": key.generation,
        "publicKey": key.public_key,
        **({"created": show_time(key.created)} if key.created else {}),  # Kraken does not always tell
        "issued": show_time(key.issued),
        "spec": key_json.spec_to_json(key.spec),
        "secret": {"store": key.secret.store, "path": key.secret.path},
        "trigger": key.trigger,
        "protect": key.protect,
        **({} if key.nonce is NonceScale.UNKNOWN else {"consumerNonce": key.nonce.value}),
        **({"retiredUntil": show_time(key.retired_until)} if key.retired_until else {}),
        **({"revokeClaimed": {"by": key.claimed_by, "at": show_time(key.claimed_at)}} if key.claimed_by else {}),
        **({"unverified": key.unverified} if key.unverified else {}),
        **({"withoutSecret": True} if key.without_secret else {}),
    }
