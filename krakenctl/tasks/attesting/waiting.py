"""Which key waits to be looked at, and whose a pair is by our own records. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from krakenctl.errors import UsageError
from krakenctl.model.address import Address
from krakenctl.model.desired import SecretRef
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.key import KeySpec
from krakenctl.model.recorded import Recorded
from krakenctl.observe.holdings import ADOPTED


@dataclass(frozen=True, slots=True)
class Waiting:
    """A key that a person has made, whose pair is kept, and which nobody could look at."""

    intent: Intent
    secret: SecretRef  # where it is kept, as pending
    sent: KeySpec  # what was asked for

    @property
    def address(self) -> Address:
        return self.intent.address

    @property
    def name(self) -> str:
        return self.intent.live_name


def find(recorded: Recorded, address: Address) -> Waiting:
    """Raises UsageError where nothing of that address waits, and says what does."""
    every = list(_waiting(recorded))
    for each in every:
        if each.address == address:
            return each
    current = recorded.keys.get(address)
    if current is not None and current.without_secret:
        raise UsageError(
            f"{current.live_name} was {ADOPTED}: nothing of it waits to be looked at",
            hint=f"`krakenctl rotate {address}` replaces it with a key whose secret is kept here",
        )
    raise UsageError(f"no new key of {address} waits to be looked at", hint=_hint(recorded, address, every))


def owner(recorded: Recorded, but: Waiting, public_key: str) -> str:
    """Which other key of ours has this public half, in words; empty: none."""
    for trace in recorded.traces:
        if trace.public_key == public_key and (trace.address, trace.live_name) != (but.address, but.name):
            return f"{trace.live_name} ({trace.address})"
    return ""


def _waiting(recorded: Recorded) -> Iterator[Waiting]:
    for each in recorded.intents:
        if each.issues and (each.stage is Stage.STORED or each.is_untried) and each.secret and each.sent:
            yield Waiting(each, each.secret, each.sent)


def _hint(recorded: Recorded, address: Address, waiting: list[Waiting]) -> str:
    begun = [each for each in recorded.intents if each.address == address]
    if shown := [each.live_name for each in begun if each.stage is Stage.SHOWN]:
        return f"the pair of {shown[0]} goes to `krakenctl apply`: at a terminal, or by --stdin with the runbook's line"
    if begun:
        return f"another step of {address} is under way: `krakenctl recover --dry-run` shows it"
    if waiting:
        return f"what waits: {', '.join(sorted(str(each.address) for each in waiting))}"
    return "nothing does; `krakenctl plan` shows what is to be done, and `krakenctl apply` takes the pair of a new key"
