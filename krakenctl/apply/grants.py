"""What the manifests grant a key today, beside what was asked for when an interrupted run began. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from krakenctl.model.address import Address
from krakenctl.model.allow_list import lies_within
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import SecretRef
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.key import EXPIRY_SLACK, KeySpec
from krakenctl.model.permission import in_order

WINDOWS = frozenset({"query_from", "query_to"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One declared key, as it would be issued now."""

    spec: KeySpec  # its valid_until holds only if valid_for is None
    valid_for: int | None  # seconds from the moment of issue
    managed: frozenset[str]  # see NewKey
    secret: SecretRef
    trigger: str = ""
    protect: bool = False
    nonce: NonceScale = NonceScale.UNKNOWN

    def has_ended(self, now: int) -> bool:
        return self.valid_for is None and self.spec.has_ended(now)


def excess(intent: Intent, grant: Grant) -> str:
    """What the key that was asked for may beyond its manifest of today; empty: nothing."""
    asked = _asked(intent)
    parts = () if asked is None else (*beyond(asked, grant.spec, grant.managed), *_longer(intent, asked, grant))
    return " and ".join(parts)


def beyond(asked: KeySpec, allowed: KeySpec, managed: frozenset[str] = WINDOWS) -> Iterator[str]:
    """In what a key that was asked for would go beyond what is allowed, its expiry aside. `managed`: of the query
    windows, which count."""
    if surplus := asked.permissions - allowed.permissions:
        yield f"may {', '.join(in_order(surplus))}"
    if not lies_within(asked.ip_allowlist, allowed.ip_allowlist):
        yield f"works from {', '.join(asked.ip_allowlist) or 'any address'}"
    if "query_from" in managed and asked.query_from < allowed.query_from:
        yield "sees what was before its query window"
    if "query_to" in managed and allowed.query_to and not 0 < asked.query_to <= allowed.query_to:
        yield "sees what comes after its query window"


def successor(
    intent: Intent, generations: Mapping[Address, int], taken: frozenset[str], grant: Grant | None = None
) -> Intent:
    """What is begun where a key is still to be issued: as declared today, where that is known."""
    intent = renewed(intent, generations, taken)
    new = intent.change.new
    if grant is None or new is None:
        return intent
    new = replace(new, spec=grant.spec, valid_for=grant.valid_for, managed=grant.managed)
    change = replace(intent.change, new=new, secret=grant.secret, trigger=grant.trigger, protect=grant.protect)
    change = replace(change, nonce=grant.nonce)
    return replace(intent, change=change)


def renewed(intent: Intent, generations: Mapping[Address, int], taken: frozenset[str] = frozenset()) -> Intent:
    """Under the next number, where the name was asked for once, which burns it, or is `taken`: a list shows it."""
    new = intent.change.new
    if new is None or (intent.sent is None and new.name not in taken):
        return intent
    generation = max(new.generation, generations.get(intent.address, 0)) + 1
    while (name := _name(intent, generation)) in taken:
        generation += 1
    steps = tuple(replace(step, name=name) if step.name == new.name else step for step in intent.change.steps)
    change = replace(intent.change, new=replace(new, name=name, generation=generation), steps=steps)
    return replace(intent, change=change, stage=Stage.REVOKED, sent=None, verdict="", public_key="")


def _name(intent: Intent, generation: int) -> str:
    return f"{intent.live_name.removesuffix(f'.g{intent.generation}')}.g{generation}"


def _asked(intent: Intent) -> KeySpec | None:
    return intent.sent or (intent.change.new.spec if intent.change.new else None)


def _longer(intent: Intent, asked: KeySpec, grant: Grant) -> Iterator[str]:
    """Durations are compared as such: what was asked for late is no longer life."""
    if "valid_until" not in grant.managed or intent.change.new is None:
        return
    before, now = intent.change.new.valid_for, grant.valid_for
    if before is not None and now is not None:
        longer = before > now
    else:
        end = grant.spec.valid_until if now is None else intent.began + now
        longer = not 0 < asked.valid_until <= end + EXPIRY_SLACK
    if longer:
        yield "lives longer"
