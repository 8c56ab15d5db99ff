"""A plan as JSON text and back. Pure: the file is the command line's business. Schema: schemas/plan.schema.json.

A saved plan carries a digest over everything else in its file. It names the plan, and shows damage and careless edits;
it is no signature, and needs to be none: apply plans again, and takes no instruction from a file.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from krakenctl.errors import PlanFileError
from krakenctl.model.address import Address
from krakenctl.model.change_json import change_from_json, change_json, number, text, without_none
from krakenctl.model.coverage import Coverage
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.finding_json import finding_json
from krakenctl.model.live import Phase
from krakenctl.model.origin import Origin
from krakenctl.model.plan import Action, Overlap, Plan, PlannedAccount, SavedPlan
from krakenctl.model.recovery import Move, Recovery, recovery_json
from krakenctl.model.safety import Block, Limit, block_json
from krakenctl.model.surface import USUAL
from krakenctl.model.time import LONGEST, parse_time, show_time

FORMAT = "krakenctl.plan/v1"


def dump(plan: Plan, *, with_now: bool) -> str:
    """The plan as JSON text, to be printed. `now` is left out unless somebody chose it, so that two plans of an
    unchanged world are the same bytes."""
    return _text(to_json(plan, with_now=with_now))


def seal(plan: Plan, expires: int) -> SavedPlan:
    """Give it what a file needs: an end, no later than a plan may have, and a digest."""
    expires = min(expires, plan.now + LONGEST)
    return SavedPlan(plan=plan, expires=expires, digest=_digest(_with_end(plan, expires)))


def digest(plan: Plan) -> str:
    """The name of a plan that is applied without having been saved."""
    return _digest(to_json(plan, with_now=True))


def dump_saved(saved: SavedPlan) -> str:
    """The text of the file."""
    return _text({**_with_end(saved.plan, saved.expires), "digest": saved.digest})


def load(written: str) -> SavedPlan:
    """Read what `dump_saved` wrote. Raises PlanFileError."""
    try:
        raw = json.loads(written)
    except (ValueError, RecursionError):
        raise PlanFileError(
            "this is not a plan: it is no JSON",
            hint="a plan is what `krakenctl plan --out FILE` writes; what comes of a runbook, `krakenctl apply` asks"
            " for, or takes with --stdin",
        ) from None
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise PlanFileError(
            "this is not a plan that this krakenctl can read",
            hint=f"make one with `krakenctl plan --out FILE`; its format must be {FORMAT}",
        )
    if "digest" not in raw or "expires" not in raw:
        raise PlanFileError(
            "this plan was only printed, or saved by an older krakenctl: it has no digest or no expiry",
            hint="make it again with `krakenctl plan --out FILE`",
        )
    told = raw.pop("digest")
    try:
        if told != _digest(raw):
            raise PlanFileError(
                "this plan does not match its digest: somebody edited it, or it was damaged",
                hint="make it again with `krakenctl plan --out FILE`",
            )
        return _in_bounds(SavedPlan(plan=_plan(raw), expires=parse_time(raw["expires"]), digest=text(told)))
    except (RecursionError, KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise PlanFileError("this plan is damaged", hint="make it again with `krakenctl plan --out FILE`") from None


def _in_bounds(saved: SavedPlan) -> SavedPlan:
    if saved.expires > saved.plan.now + LONGEST:
        raise PlanFileError(
            f"this plan would not expire before {show_time(saved.expires)}, and no plan lives longer than 10 years",
            hint="make it again with `krakenctl plan --out FILE`",
        )
    return saved


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
        "recovery": [recovery_json(recovery) for recovery in plan.recovery],
        "changes": [change_json(change) for change in plan.changes],
        "unchanged": [str(address) for address in plan.unchanged],
        "overlaps": [{"address": str(o.address), "name": o.name, "until": show_time(o.until)} for o in plan.overlaps],
        "findings": [finding_json(finding) for finding in plan.findings],
        "blocks": [block_json(block) for block in plan.blocks],
    }


def _with_end(plan: Plan, expires: int) -> dict[str, Any]:
    return {**to_json(plan, with_now=True), "expires": show_time(expires)}


def _digest(raw: dict[str, Any]) -> str:
    canonical = json.dumps(raw, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def _text(raw: dict[str, Any]) -> str:
    return json.dumps(raw, indent=2, ensure_ascii=False) + "\n"


def _account_json(account: PlannedAccount) -> dict[str, Any]:
    return without_none(
        {
            "name": account.name,
            "kind": account.kind,
            "phase": account.phase.value,
            "coverage": account.coverage.value,
            "iiban": account.iiban or None,
            "username": account.username or None,
            "email": account.email or None,
            "keysPerAccount": account.keys_limit,
            "surface": account.surface if account.surface != USUAL else None,
            "lockedUntil": show_time(account.locked_until) if account.locked_until else None,
        }
    )


def _plan(raw: dict[str, Any]) -> Plan:
    return Plan(
        workspace=text(raw["workspace"]),
        endpoint=text(raw["endpoint"]),
        lineage=text(raw["lineage"]),
        manifests=text(raw["manifests"]),
        now=parse_time(raw["now"]),
        accounts=tuple(_account(row) for row in raw["accounts"]),
        changes=tuple(change_from_json(row) for row in raw["changes"]),
        unchanged=tuple(Address.parse(text) for text in raw["unchanged"]),
        overlaps=tuple(
            Overlap(address=Address.parse(row["address"]), name=text(row["name"]), until=parse_time(row["until"]))
            for row in raw["overlaps"]
        ),
        findings=tuple(_finding(row) for row in raw["findings"]),
        recovery=tuple(_recovery(row) for row in raw["recovery"]),
        blocks=tuple(_block(row) for row in raw["blocks"]),
    )


def _recovery(raw: dict[str, Any]) -> Recovery:
    return Recovery(
        address=Address.parse(raw["address"]),
        account=text(raw["account"]),
        name=text(raw["name"]),
        move=Move(raw["move"]),
        why=text(raw["why"]),
    )


def _block(raw: dict[str, Any]) -> Block:
    return Block(
        limit=Limit(raw["class"]),
        message=text(raw["message"]),
        flag=text(raw["flag"]),
        addresses=tuple(Address.parse(text(address)) for address in raw["addresses"]),
        allowed=raw["allowed"] is True,
    )


def _account(raw: dict[str, Any]) -> PlannedAccount:
    limit = raw.get("keysPerAccount")
    return PlannedAccount(
        name=text(raw["name"]),
        kind=text(raw["kind"]),
        phase=Phase(raw["phase"]),
        coverage=Coverage(raw["coverage"]),
        iiban=text(raw.get("iiban", "")),
        username=text(raw.get("username", "")),
        email=text(raw.get("email", "")),
        keys_limit=None if limit is None else number(limit),
        surface=text(raw.get("surface", USUAL)),
        locked_until=parse_time(raw["lockedUntil"]) if "lockedUntil" in raw else 0,
    )


def _finding(raw: dict[str, Any]) -> Finding:
    return Finding(
        rule=text(raw["rule"]),
        severity=Severity(raw["severity"]),
        message=text(raw["message"]),
        hint=text(raw.get("hint", "")),
        address=text(raw.get("address", "")),
        origin=_origin(raw) if "file" in raw else None,
        related=tuple((text(row["message"]), _origin(row)) for row in raw.get("related", [])),
    )


def _origin(raw: dict[str, Any]) -> Origin:
    return Origin(text(raw["file"]), number(raw.get("line", 0)), number(raw.get("column", 0)))
