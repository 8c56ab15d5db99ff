"""A plan as JSON text and back. Pure: the file is the command line's business. Schema: schemas/plan.schema.json."""

from __future__ import annotations

import json
from typing import Any

from krakenctl.errors import PlanFileError
from krakenctl.model import key_json
from krakenctl.model.address import Address
from krakenctl.model.desired import SecretRef
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.finding_json import finding_json
from krakenctl.model.live import Coverage, Phase
from krakenctl.model.origin import Origin
from krakenctl.model.plan import (
    Action,
    Change,
    FieldChange,
    NewKey,
    OldKey,
    Overlap,
    Plan,
    PlannedAccount,
    Step,
    Strategy,
    Verb,
)
from krakenctl.model.time import parse_time, show_time

FORMAT = "krakenctl.plan/v1"
_SPEC_FIELDS = {
    "permissions": "permissions",
    "ip_allowlist": "ipAllowlist",
    "valid_until": "validUntil",
    "query_from": "queryFrom",
    "query_to": "queryTo",
    "nonce_window": "nonceWindow",
}
_MANAGED = {written: name for name, written in _SPEC_FIELDS.items()}


def dump(plan: Plan, *, with_now: bool) -> str:
    """The plan as JSON text. `now` is in files, for planning again; it is left out of what is only printed, so that
    two plans of an unchanged world are the same bytes."""
    return json.dumps(to_json(plan, with_now=with_now), indent=2, ensure_ascii=False) + "\n"


def load(text: str) -> Plan:
    """Read what `dump` wrote, with `now`. Raises PlanFileError."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raise PlanFileError("this is not a plan: it is no JSON") from None
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise PlanFileError(
            "this is not a plan that this krakenctl can read",
            hint=f"make one with `krakenctl plan --out FILE`; its format must be {FORMAT}",
        )
    try:
        return _plan(raw)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise PlanFileError("this plan is damaged", hint="make it again with `krakenctl plan --out FILE`") from None


def to_json(plan: Plan, *, with_now: bool = False) -> dict[str, Any]:
    """Lists are in plan order; absent means none. Never a secret: a plan has none to give."""
    now = {"now": show_time(plan.now)} if with_now else {}
    return {
        "format": FORMAT,
        "workspace": plan.workspace,
        "endpoint": plan.endpoint,
        "lineage": plan.lineage,
        "manifests": plan.manifests,
        **now,
        "summary": {action.value: plan.count(action) for action in Action},
        "accounts": [_account_json(account) for account in plan.accounts],
        "changes": [change_json(change) for change in plan.changes],
        "unchanged": [str(address) for address in plan.unchanged],
        "overlaps": [{"address": str(o.address), "name": o.name, "until": show_time(o.until)} for o in plan.overlaps],
        "findings": [finding_json(finding) for finding in plan.findings],
    }


def change_json(change: Change) -> dict[str, Any]:
    return _without_none(
        {
            "address": str(change.address),
            "account": change.account,
            "action": change.action.value,
            "reasons": list(change.reasons),
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
            "renamedFrom": str(change.renamed_from) if change.renamed_from else None,
        }
    )


def _account_json(account: PlannedAccount) -> dict[str, Any]:
    return _without_none(
        {
            "name": account.name,
            "kind": account.kind,
            "phase": account.phase.value,
            "coverage": account.coverage.value,
            "iiban": account.iiban or None,
            "username": account.username or None,
            "email": account.email or None,
            "keysPerAccount": account.keys_limit,
        }
    )


def _field_json(field: FieldChange) -> dict[str, Any]:
    lists = {"added": list(field.added) or None, "removed": list(field.removed) or None}
    return {"field": field.field, "before": field.before, "after": field.after, **_without_none(lists)}


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


def _without_none(raw: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in raw.items() if value is not None}


def _plan(raw: dict[str, Any]) -> Plan:
    return Plan(
        workspace=_text(raw["workspace"]),
        endpoint=_text(raw["endpoint"]),
        lineage=_text(raw["lineage"]),
        manifests=_text(raw["manifests"]),
        now=parse_time(raw["now"]),
        accounts=tuple(_account(row) for row in raw["accounts"]),
        changes=tuple(_change(row) for row in raw["changes"]),
        unchanged=tuple(Address.parse(text) for text in raw["unchanged"]),
        overlaps=tuple(
            Overlap(address=Address.parse(row["address"]), name=_text(row["name"]), until=parse_time(row["until"]))
            for row in raw["overlaps"]
        ),
        findings=tuple(_finding(row) for row in raw["findings"]),
    )


def _account(raw: dict[str, Any]) -> PlannedAccount:
    limit = raw.get("keysPerAccount")
    return PlannedAccount(
        name=_text(raw["name"]),
        kind=_text(raw["kind"]),
        phase=Phase(raw["phase"]),
        coverage=Coverage(raw["coverage"]),
        iiban=_text(raw.get("iiban", "")),
        username=_text(raw.get("username", "")),
        email=_text(raw.get("email", "")),
        keys_limit=None if limit is None else _number(limit),
    )


def _change(raw: dict[str, Any]) -> Change:
    waits, former = raw.get("waitsFor"), raw.get("renamedFrom")
    return Change(
        address=Address.parse(raw["address"]),
        account=_text(raw["account"]),
        action=Action(raw["action"]),
        reasons=_texts(raw["reasons"]),
        fields=tuple(_field(row) for row in raw["fields"]),
        steps=tuple(Step(Verb(row["verb"]), _text(row["name"])) for row in raw["steps"]),
        strategy=Strategy(raw["strategy"]) if "strategy" in raw else None,
        old=_old(raw["old"]) if "old" in raw else None,
        new=_new(raw["new"]) if "new" in raw else None,
        secret=_secret(raw["secret"]) if "secret" in raw else None,
        overlap=_number(raw.get("overlapSeconds", 0)),
        waits_for=Address.parse(waits) if waits else None,
        trigger=_text(raw.get("trigger", "")),
        protect=raw.get("protect", False) is True,
        renamed_from=Address.parse(former) if former else None,
    )


def _field(raw: dict[str, Any]) -> FieldChange:
    added, removed = _texts(raw.get("added", [])), _texts(raw.get("removed", []))
    return FieldChange(_text(raw["field"]), raw["before"], raw["after"], added=added, removed=removed)


def _old(raw: dict[str, Any]) -> OldKey:
    return OldKey(name=_text(raw["name"]), created=_number(raw["created"]), spec=key_json.spec_from_json(raw["spec"]))


def _new(raw: dict[str, Any]) -> NewKey:
    valid_for = raw.get("validForSeconds")
    return NewKey(
        name=_text(raw["name"]),
        generation=_number(raw["generation"]),
        spec=key_json.spec_from_json(raw["spec"]),
        valid_for=None if valid_for is None else _number(valid_for),
        managed=frozenset(_MANAGED[name] for name in _texts(raw["managed"])),
    )


def _secret(raw: dict[str, Any]) -> SecretRef:
    return SecretRef(_text(raw["store"]), _text(raw["path"]))


def _finding(raw: dict[str, Any]) -> Finding:
    return Finding(
        rule=_text(raw["rule"]),
        severity=Severity(raw["severity"]),
        message=_text(raw["message"]),
        hint=_text(raw.get("hint", "")),
        address=_text(raw.get("address", "")),
        origin=_origin(raw) if "file" in raw else None,
        related=tuple((_text(row["message"]), _origin(row)) for row in raw.get("related", [])),
    )


def _origin(raw: dict[str, Any]) -> Origin:
    return Origin(_text(raw["file"]), _number(raw.get("line", 0)), _number(raw.get("column", 0)))


def _text(raw: object) -> str:
    """Whoever made the file, what is read of it is what its type says: `show` prints it."""
    if isinstance(raw, str):
        return raw
    raise TypeError("not a text")


def _texts(raw: object) -> tuple[str, ...]:
    if isinstance(raw, list):
        return tuple(_text(item) for item in raw)
    raise TypeError("not a list")


def _number(raw: object) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    raise TypeError("not a whole number")
