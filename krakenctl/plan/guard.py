"""What is too dangerous about a finished plan to be done without a word from somebody. Pure; it changes no plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from krakenctl.model.address import Address
from krakenctl.model.desired import Desired, SecretRef
from krakenctl.model.key import KeySpec
from krakenctl.model.permission import Permission
from krakenctl.model.plan import Action, Change, Plan
from krakenctl.model.recorded import Recorded
from krakenctl.model.safety import FEW, Block, Limit, Raised, Safety
from krakenctl.plan.authority import spared
from krakenctl.plan.changes import blocked
from krakenctl.plan.contained import containment
from krakenctl.plan.homes import homes

WITHDRAWING = frozenset(
    {Permission.WITHDRAW_FUNDS, Permission.ADD_WITHDRAW_ADDRESS, Permission.UPDATE_WITHDRAW_ADDRESS}
)
_ISSUING = (Action.CREATE, Action.REPLACE, Action.ROTATE)
_Danger = Callable[[KeySpec], frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """The keys that krakenctl itself uses, by what its credential references lead to."""

    places: frozenset[SecretRef] = field(default_factory=frozenset)  # `store:…`: follows a replacement in its place
    public_keys: frozenset[str] = field(default_factory=frozenset)  # a copy elsewhere: does not


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanGround:
    """What a plan was made from, as far as danger depends on it."""

    desired: Desired
    recorded: Recorded
    own: Callable[[], Own] = Own  # read only where a plan takes keys away


def guarded(plan: Plan, ground: PlanGround, safety: Safety, raised: Raised) -> Plan:
    return replace(plan, blocks=blocks(plan, ground, safety, raised))


def unattended(plan: Plan, ground: PlanGround) -> Plan:
    """For a run that nobody watches: a key that somebody must have a look at is held up, and the others go on."""
    why = {address: block.flag for block in _keys(plan, ground) for address in block.addresses}
    changes = (_held_up(c, why[c.address]) if c.address in why and c.action in _ISSUING else c for c in plan.changes)
    return replace(plan, changes=tuple(spared(changes)))


def _held_up(change: Change, flag: str) -> Change:
    why = f"due, but beyond a safety limit: left to `krakenctl apply {flag} --reason TEXT`"
    return blocked(change.address, change.account, why, *change.causes)


def blocks(plan: Plan, ground: PlanGround, safety: Safety, raised: Raised) -> tuple[Block, ...]:
    """Every limit that the plan goes beyond; what was raised for this run is among them, and allowed."""
    if not plan.has_changes:
        return ()
    found = (*_empty(ground), *_keys(plan, ground))
    opened = (replace(block, allowed=block.limit in raised.allow) for block in found)
    return (*_revokes(plan, ground, safety, raised), *opened)


def net_revokes(plan: Plan, ground: PlanGround) -> tuple[Address, ...]:
    """Whose last working key would go, with none in its place. One that has expired is no loss."""
    lost = {change.address for change in _without_successor(plan, ground) if not _expired(change, plan.now)}
    return tuple(sorted(lost))


def _revokes(plan: Plan, ground: PlanGround, safety: Safety, raised: Raised) -> Iterator[Block]:
    lost, managed = net_revokes(plan, ground), len(ground.recorded.keys)
    allowed = raised.max_revokes is not None and len(lost) <= raised.max_revokes
    limit = _beyond(len(lost), managed, safety)
    if raised.max_revokes is not None and not allowed:
        limit = f"--max-revokes is {raised.max_revokes}"
    if limit:
        message = f"{_keys_would(lost)} be revoked, and none comes in {_their(lost)} place; {limit}"
        flag = f"--max-revokes {len(lost)}"
        yield Block(limit=Limit.REVOKES, message=message, flag=flag, addresses=lost, allowed=allowed)


def _beyond(lost: int, managed: int, safety: Safety) -> str:
    """Which of the workspace's limits that is too many for; empty: none."""
    if lost > safety.max_revokes:
        return f"safety.maxRevokes is {safety.max_revokes}"
    if managed >= FEW and lost * 100 > managed * safety.max_revoke_percent:
        return f"safety.maxRevokePercent is {safety.max_revoke_percent}, of {managed} managed keys"
    return ""


def _empty(ground: PlanGround) -> Iterator[Block]:
    managed = tuple(sorted(ground.recorded.keys))
    if managed and not ground.desired.keys:
        count = f"{len(managed)} {'is' if len(managed) == 1 else 'are'} managed here"
        yield _block(Limit.EMPTY, f"the manifests declare no key any more, and {count}", managed)


def _keys(plan: Plan, ground: PlanGround) -> Iterator[Block]:
    """What is dangerous about single keys; a block for each class."""
    protected = [c for c in _without_successor(plan, ground) if _is_protected(c, ground)]
    said = {
        Limit.PROTECTED: (protected, "be revoked although protected, and none comes in {their} place"),
        Limit.WITHDRAW: (
            _newly(plan, ground, _withdraws),
            "become able to withdraw, or to say where withdrawals may go",
        ),
        Limit.OPEN: (_newly(plan, ground, _is_open), "become usable from any address"),
        Limit.OWN_KEY: (_own(plan, ground), "be taken away that krakenctl itself uses"),
        Limit.CONTAINED: (_contained(plan, ground), "be issued again after the kill switch had revoked {them}"),
    }
    for limit, (changes, what) in said.items():
        if addresses := tuple(sorted({change.address for change in changes})):
            words = what.format(their=_their(addresses), them="it" if len(addresses) == 1 else "them")
            yield _block(limit, f"{_keys_would(addresses)} {words}", addresses)


def _without_successor(plan: Plan, ground: PlanGround) -> list[Change]:
    """The revokes after which their consumer has no key that is, or will be, the current one."""
    home = homes(ground.desired.keys.values(), ground.recorded.keys)
    revokes = [change for change in plan.changes if change.action is Action.REVOKE]
    gone = {(change.address, change.old.name) for change in revokes if change.old}
    kept = {a for a, key in ground.recorded.keys.items() if (a, key.live_name) not in gone}
    kept |= {change.address for change in plan.changes if change.action in _ISSUING}
    kept = {home.get(address, address) for address in kept}
    return [change for change in revokes if home.get(change.address, change.address) not in kept]


def _expired(change: Change, now: int) -> bool:
    return change.old is not None and change.old.spec.has_ended(now)


def _is_protected(change: Change, ground: PlanGround) -> bool:
    """By the manifest, or by what outlives it."""
    record = ground.recorded.keys.get(change.address)
    return change.protect or (record is not None and record.protect)


def _newly(plan: Plan, ground: PlanGround, danger: _Danger) -> Iterator[Change]:
    """Keys that would be more dangerous than what was last sent; a key that was never there is compared with none."""
    for change in plan.changes:
        if change.new is not None:
            record = ground.recorded.keys.get(change.renamed_from or change.address)
            before = danger(record.spec) if record is not None else frozenset()
            if danger(change.new.spec) - before:
                yield change


def _withdraws(spec: KeySpec) -> frozenset[str]:
    return frozenset(spec.permissions & WITHDRAWING)


def _is_open(spec: KeySpec) -> frozenset[str]:
    return frozenset() if spec.ip_allowlist else frozenset({"any"})


def _own(plan: Plan, ground: PlanGround) -> Iterator[Change]:
    """A reference to a store's slot follows a key that is replaced in its place, before the old one goes."""
    taken = [change for change in plan.changes if change.old and change.action in (Action.REVOKE, *_ISSUING)]
    own = ground.own() if taken else Own()
    for change in taken:
        record = ground.recorded.keys.get(change.renamed_from or change.address)
        if record is not None and change.old is not None and change.old.name == record.live_name:
            stays = change.action in _ISSUING and not change.gap and change.secret == record.secret
            if record.public_key in own.public_keys or (record.secret in own.places and not stays):
                yield change


def _contained(plan: Plan, ground: PlanGround) -> Iterator[Change]:
    for change in plan.changes:
        key = ground.desired.keys.get(change.address) if change.action in _ISSUING else None
        record = ground.recorded.keys.get(change.renamed_from or change.address)
        if key is not None and containment(key, record, ground.recorded.contained):
            yield change


def _block(limit: Limit, message: str, addresses: Sequence[Address]) -> Block:
    return Block(limit=limit, message=message, flag=f"--allow {limit.value}", addresses=tuple(addresses))


def _keys_would(addresses: Sequence[Address]) -> str:
    return f"{len(addresses)} {'key' if len(addresses) == 1 else 'keys'} would"


def _their(addresses: Sequence[Address]) -> str:
    return "its" if len(addresses) == 1 else "their"
