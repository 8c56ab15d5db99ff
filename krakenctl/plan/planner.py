"""The whole plan, from two pictures and a memory. Pure: everything is handed in, `now` too."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from krakenctl.model.address import Address
from krakenctl.model.desired import Desired, DesiredAccount
from krakenctl.model.finding import Finding
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.plan import Action, Change, Plan, PlannedAccount, Step, Verb
from krakenctl.model.recorded import Recorded
from krakenctl.model.recovery import Recovery
from krakenctl.model.silence import LOCKOUT_SECONDS
from krakenctl.model.surface import USUAL
from krakenctl.model.workspace import Workspace
from krakenctl.plan import authority, overlap, renamed, room
from krakenctl.plan.account import AccountPlan, plan_account, wait_for
from krakenctl.plan.changes import blocked
from krakenctl.plan.scene import Scene, scenes

_PATIENT = (room.WAITS, overlap.WAITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All that a plan is made from."""

    workspace: Workspace
    desired: Desired
    live: Mapping[str, LiveAccount]
    recorded: Recorded
    now: int  # unix seconds
    findings: tuple[Finding, ...] = ()  # warnings of the manifests, to be shown with the plan
    errand: authority.Errand = authority.APPLY
    recovery: tuple[Recovery, ...] = ()  # what is done first; live and recorded are as they will be after it


def plan(inputs: Inputs) -> Plan:
    """What would turn live into desired. The same inputs give the same plan, to the byte."""
    asked = authority.chosen(inputs.errand, inputs.desired, inputs.recorded, inputs.now)
    stage = scenes(
        inputs.desired,
        inputs.live,
        inputs.recorded,
        tag=inputs.workspace.tag,
        now=inputs.now,
        errand=inputs.errand,
        asked=asked,
        waiting={recovery.address: recovery.why for recovery in inputs.recovery if recovery.move.stays},
    )
    parts = [_part(scene, inputs.live) for scene in stage]
    share = _share(inputs, parts, asked)
    return Plan(
        workspace=inputs.workspace.name,
        endpoint=inputs.workspace.endpoint,
        lineage=inputs.recorded.lineage,
        manifests=inputs.desired.digest,
        now=inputs.now,
        accounts=tuple(_account(scene, inputs.recorded) for scene in stage),
        changes=tuple(share.kept),
        unchanged=tuple(address for part in parts for address in part.unchanged),
        overlaps=tuple(overlap for part in parts for overlap in part.overlaps),
        gone=tuple(gone for part in parts for gone in part.gone),
        settled=tuple(settled for part in parts for settled in part.settled),
        clocks=tuple(clock for part in parts for clock in part.clocks),
        recovery=inputs.recovery,
        findings=(*_findings(inputs, parts), *authority.remark(inputs.errand, share)),
    )


def _share(inputs: Inputs, parts: Iterable[AccountPlan], asked: Collection[Address]) -> authority.Share:
    """What of all changes belongs to the errand. Raises CannotRotate."""
    changes = [change for part in parts for change in part.changes]
    share = authority.share(inputs.errand, changes, asked, inputs.recorded.keys)
    share.left.extend(change for part in parts for change in part.left)
    authority.refuse(inputs.errand, asked, share, inputs.recorded)
    return share


def _findings(inputs: Inputs, parts: Iterable[AccountPlan]) -> Iterator[Finding]:
    """An errand has no eye for what is none of its business."""
    everything = isinstance(inputs.errand, authority.Apply)
    if everything:
        yield from inputs.findings
        yield from renamed.remarks(inputs.desired, inputs.recorded, inputs.live)
    for part in parts:
        yield from (finding for finding in part.findings if everything or finding.rule in _PATIENT)


def _part(scene: Scene, live: Mapping[str, LiveAccount]) -> AccountPlan:
    account = scene.account
    if account is None or account.address.kind == "Account" or scene.live.phase is Phase.READY:
        return plan_account(scene)
    why = scene.live.reason
    if scene.live.phase is Phase.ABSENT:
        master = live.get(account.master)
        if master is None or master.phase is Phase.READY:
            return _with_request(scene, account)
        why = f"{master.name} is to ask for it, and cannot be reached: {master.reason}"
    part = plan_account(scene)
    part.changes.insert(0, _waiting(account, scene.waiting.get(account.address, why)))
    return part


def _with_request(scene: Scene, account: DesiredAccount) -> AccountPlan:
    part = wait_for(scene, account.address)
    part.changes.insert(0, _request(account))
    return part


def _request(account: DesiredAccount) -> Change:
    return Change(
        address=account.address,
        account=account.master,
        action=Action.CREATE,
        reasons=(f"declared, and no credential leads to it yet; {account.email} gets an e-mail to finish the set-up",),
        steps=(Step(Verb.REQUEST, account.username),),
    )


def _waiting(account: DesiredAccount, reason: str) -> Change:
    return blocked(account.address, account.master, reason)


def _account(scene: Scene, recorded: Recorded) -> PlannedAccount:
    account, memory = scene.account, recorded.accounts.get(scene.name)
    return PlannedAccount(
        name=scene.name,
        kind=account.address.kind if account else memory.kind if memory else "Account",
        phase=scene.live.phase,
        coverage=scene.live.coverage,
        iiban=scene.live.iiban,
        username=account.username if account else "",
        email=account.email if account else "",
        keys_limit=account.keys_limit if account else None,
        surface=account.surface if account else memory.surface if memory else USUAL,
        locked_until=_locked_until(scene, recorded),
    )


def _locked_until(scene: Scene, recorded: Recorded) -> int:
    """Of one that could not be seen; else it has answered since."""
    until = recorded.lockouts.get(scene.name, 0) + LOCKOUT_SECONDS
    return until if scene.live.phase is not Phase.READY and scene.now < until else 0
