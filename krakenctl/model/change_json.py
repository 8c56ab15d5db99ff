"""A planned change as JSON, the same in plans and in the journal. Pure. It holds no secret."""

from __future__ import annotations

from typing import Any

from krakenctl.model import key_json
from krakenctl.model.address import Address
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import SecretRef
from krakenctl.model.plan import Action, Cause, Change, FieldChange, NewKey, OldKey, Step, Strategy, Verb

_SPEC_FIELDS = {
    "permissions": "permissions",
    "ip_allowlist": "ipAllowlist",
    "valid_until": "validUntil",
    "query_from": "queryFrom",
    "query_to": "queryTo",
    "nonce_window": "nonceWindow",
}
_MANAGED = {written: name for name, written in _SPEC_FIELDS.items()}


def change_json(change: Change) -> dict[str, Any]:
    return without_none(
        {
            "address": str(change.address),
            "account": change.account,
            "action": change.action.value,
            "reasons": list(change.reasons),
            "causes": [cause.value for cause in change.causes] or None,
            "fields": [_field_json(field) for field in change.fields],
            "steps": [{"verb": step.verb.value, "name": step.name} for step in change.steps],
            "strategy": change.strategy.value if change.strategy else None,
            "gap": change.gap,
            "old": _old_json(change.old),
            "new": _new_json(change.new),
            "secret": _secret_json(change.secret),
            "overlapSeconds": change.overlap or None,
            "waitsFor": str(change.waits_for) if change.waits_for else None,
            "trigger": change.trigger or None,
            "protect": change.protect or None,
            "consumerNonce": None if change.nonce is NonceScale.UNKNOWN else change.nonce.value,
            "renamedFrom": str(change.renamed_from) if change.renamed_from else None,
        }
    )


def change_from_json(raw: dict[str, Any]) -> Change:
    waits, former = raw.get("waitsFor"), raw.get("renamedFrom")
    return Change(
        address=Address.parse(raw["address"]),
        account=text(raw["account"]),
        action=Action(raw["action"]),
        reasons=texts(raw["reasons"]),
        causes=tuple(Cause(cause) for cause in texts(raw.get("causes", []))),
        fields=tuple(_field(row) for row in raw["fields"]),
        steps=tuple(Step(Verb(row["verb"]), text(row["name"])) for row in raw["steps"]),
        strategy=Strategy(raw["strategy"]) if "strategy" in raw else None,
        old=_old(raw["old"]) if "old" in raw else None,
        new=_new(raw["new"]) if "new" in raw else None,
        secret=_secret(raw["secret"]) if "secret" in raw else None,
        overlap=number(raw.get("overlapSeconds", 0)),
        waits_for=Address.parse(waits) if waits else None,
        trigger=text(raw.get("trigger", "")),
        protect=raw.get("protect", False) is True,
        nonce=NonceScale(text(raw.get("consumerNonce", NonceScale.UNKNOWN))),
        renamed_from=Address.parse(former) if former else None,
    )


def _field(raw: dict[str, Any]) -> FieldChange:
    added, removed = texts(raw.get("added", [])), texts(raw.get("removed", []))
    return FieldChange(text(raw["field"]), raw["before"], raw["after"], added=added, removed=removed)


def _old(raw: dict[str, Any]) -> OldKey:
    return OldKey(name=text(raw["name"]), created=number(raw["created"]), spec=key_json.spec_from_json(raw["spec"]))


def _new(raw: dict[str, Any]) -> NewKey:
    valid_for = raw.get("validForSeconds")
    return NewKey(
        name=text(raw["name"]),
        generation=number(raw["generation"]),
        spec=key_json.spec_from_json(raw["spec"]),
        valid_for=None if valid_for is None else number(valid_for),
        managed=frozenset(_MANAGED[name] for name in texts(raw["managed"])),
    )


def _secret(raw: dict[str, Any]) -> SecretRef:
    return SecretRef(text(raw["store"]), text(raw["path"]))


def _field_json(field: FieldChange) -> dict[str, Any]:
    lists = {"added": list(field.added) or None, "removed": list(field.removed) or None}
    return {"field": field.field, "before": field.before, "after": field.after, **without_none(lists)}


def _old_json(old: OldKey | None) -> dict[str, Any] | None:
    if old is None:
        return None
    return {"name": old.name, "created": old.created, "spec": key_json.spec_to_json(old.spec)}


def _new_json(new: NewKey | None) -> dict[str, Any] | None:
    if new is None:
        return None
    raw = {"name": new.name, "generation": new.generation, "spec": key_json.spec_to_json(new.spec)}
    valid_for = {} if new.valid_for is None else {"validForSeconds": new.valid_for}
    return {**raw, **valid_for, "managed": sorted(_SPEC_FIELDS[name] for name in new.managed)}


def _secret_json(secret: SecretRef | None) -> dict[str, Any] | None:
    return None if secret is None else {"store": secret.store, "path": secret.path}


def without_none(raw: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in raw.items() if value is not None}


def text(raw: object) -> str:
    """Whoever made the file, what is read of it is what its type says: `show` prints it."""
    if isinstance(raw, str):
        return raw
    raise TypeError("not a text")


def texts(raw: object) -> tuple[str, ...]:
    if isinstance(raw, list):
        return tuple(text(item) for item in raw)
    raise TypeError("not a list")


def number(raw: object) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    raise TypeError("not a whole number")
