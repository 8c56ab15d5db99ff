"""In what a key that spoke for itself is not the one that was asked for, and what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from krakenctl.apply.steps import check
from krakenctl.model.attestation import Attestation
from krakenctl.model.iiban import normal_iiban
from krakenctl.model.journal import Intent
from krakenctl.model.time import show_time

_SLACK = 5  # seconds: one clock, the exchange's; but of two answers the later may be told first
# What is brought may have been said before somebody edited the key on the website; nothing can tell. So it does not
# keep: it is younger than the key's request, and no older than this.
LONGEST = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The key that waits, and all by which it is known from any other."""

    intent: Intent
    public_key: str  # of the pair that is kept, or as journalled
    iiban: str  # of its account; empty: no key of it has told yet
    others: Mapping[str, str]  # the workspace's other accounts, by IIBAN
    endpoint: str


def _is_it(wanted: Wanted, said: Attestation, *, brought: bool) -> bool:
    """Whether the pair that was asked is of the key that waits, though another pair may have been typed in for it.

    Names are unique within an account, and whoever mistyped a public key has nothing that could ever be asked.
    """
    if brought or said.public_key == wanted.public_key:
        return said.public_key == wanted.public_key
    return said.name == wanted.intent.live_name and bool(wanted.iiban) and _iiban(said) == wanted.iiban


def _may_be_it(wanted: Wanted, said: Attestation) -> bool:
    """The first key of its account, or one that is brought: its name is right, and the public key may be mistyped."""
    return said.name == wanted.intent.live_name and not any(_foreign(wanted, said))


def _another(wanted: Wanted, said: Attestation) -> str:
    if _may_be_it(wanted, said):
        return f"its public key is not the one that was typed in for {said.name}"
    return "this is another key: not the one whose secret was typed in"


def differences(wanted: Wanted, said: Attestation, now: int, *, brought: bool) -> tuple[str, ...]:
    """Everything, in words; () : none. `brought`: nobody here has asked it."""
    sent = wanted.intent.sent
    return (
        *([] if _is_it(wanted, said, brought=brought) else [_another(wanted, said)]),
        *_whereabouts(wanted, said),
        *_age(wanted.intent, said, now),
        *(check.differences(sent, said.spec) if sent else ()),
    )


def advice(wanted: Wanted, said: Attestation, now: int, *, brought: bool) -> str:
    """The next step, where there are differences."""
    address = wanted.intent.address
    if said.endpoint != wanted.endpoint:
        return f"ask it there: `krakenctl attest --print --endpoint {wanted.endpoint}`"
    if not _is_it(wanted, said, brought=brought):
        return _other_pair(wanted, said)
    if any(_age(wanted.intent, said, now)):
        return "ask it again where it lives, with `krakenctl attest --print`"
    if any(_foreign(wanted, said)):
        return (
            f"delete it there; `krakenctl apply` at a terminal takes the pair of one that is made on {address.path[0]}"
        )
    return "put it right on the website and attest it again; or delete it there, and tell `krakenctl apply`"


def _other_pair(wanted: Wanted, said: Attestation) -> str:
    name, account = wanted.intent.live_name, wanted.intent.account
    if not _may_be_it(wanted, said):
        return f"give the pair of {name}"
    return (
        f"if this pair is of {name} on {account}, what is kept was mistyped: `krakenctl apply` at a terminal takes it"
        " again, with [k], and so does --stdin"
    )


def _whereabouts(wanted: Wanted, said: Attestation) -> Iterator[str]:
    if said.name != wanted.intent.live_name:
        yield f"Kraken calls it “{said.name}”, not “{wanted.intent.live_name}”"
    yield from _foreign(wanted, said)
    if said.endpoint != wanted.endpoint:
        yield f"it was asked for at {said.endpoint}, and this workspace is on {wanted.endpoint}"


def _foreign(wanted: Wanted, said: Attestation) -> Iterator[str]:
    told = _iiban(said)
    other = f" ({wanted.others[told]})" if told in wanted.others else ""
    if told and wanted.iiban and told != wanted.iiban:
        yield f"it belongs to the account {told}{other}, not to {wanted.iiban}"
    elif other:
        yield f"it belongs to the account {told}{other}, not to {wanted.intent.account}"


def _age(intent: Intent, said: Attestation, now: int) -> Iterator[str]:
    if said.at < intent.began - _SLACK:
        yield f"it was asked at {show_time(said.at)}, which was before it was made"
    elif said.at > now + _SLACK:
        yield f"it was asked at {show_time(said.at)}, which is still to come"
    elif said.at < now - LONGEST.total_seconds():
        yield f"it was asked at {show_time(said.at)}, more than a day ago: it may have been edited since"


def _iiban(said: Attestation) -> str:
    return normal_iiban(said.iiban)
