"""Ends the wait for a key that could not be looked at where it was made: where it lives, it is asked about itself."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from krakenctl import opening, remembered
from krakenctl.actor import new_run
from krakenctl.apply import check
from krakenctl.errors import CredentialError, NonceRefused, StoreError, UsageError
from krakenctl.holdings import ADOPTED
from krakenctl.inspection import Oracle, endpoint_of, open_oracle
from krakenctl.model.attestation import Attestation, Attested
from krakenctl.model.iiban import normal_iiban
from krakenctl.model.journal import ACCEPTED, ATTESTED, Intent, Stage
from krakenctl.model.key import KeyPair
from krakenctl.model.time import show_time
from krakenctl.pairs.harvest import Labelled
from krakenctl.stores.base import Slot
from krakenctl.workflow import open_desk

if TYPE_CHECKING:
    from krakenctl.model.address import Address
    from krakenctl.model.outcome import Event
    from krakenctl.model.recorded import Recorded
    from krakenctl.project import Project

_2020 = 1_577_836_800
_SLACK = 120  # seconds: clocks of two hosts


def look(root: Path, pair: KeyPair, endpoint: str = "", nonce: int = 0) -> Attestation:
    """Ask the key about itself, in one harmless call. Raises ExchangeError.

    `nonce`: 0: small ones, so that whatever its consumer sends later is above them.
    """
    with open_oracle(root, endpoint_of(root, endpoint)) as oracle:
        return _look(oracle, pair, nonce)


def _look(oracle: Oracle, pair: KeyPair, nonce: int) -> Attestation:
    own = oracle.own_key(Labelled(label="", pair=pair))
    try:
        told = own.describe_with(nonce or 1)
    except NonceRefused:
        if nonce:
            raise
        told = own.describe_with(oracle.now() - _2020)  # it has been asked before; still far below any clock's number
    return Attestation(
        at=oracle.now(),
        endpoint=oracle.endpoint,
        host=socket.gethostname(),
        who=new_run("attest").who,
        public_key=pair.public_key,
        name=told.live.name,
        iiban=told.iiban,
        spec=told.live.spec,
    )


def attest(
    project: Project,
    address: Address,
    said: Callable[[KeyPair | None, str], Attestation],
    *,
    claimed: bool,
    patience: float = 0,
    tell: Callable[[Event], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> Attested:
    """`said` is given the pair that waits in the store, or None and why it cannot be read. Raises KrakenctlError.

    Where the key is not what was asked for, nothing is done. Else it goes on as after any other check.
    """
    with open_desk(project) as desk, desk.lease(new_run("attest"), patience, say):
        recorded = remembered.recorded(project.root)
        intent = _waiting(recorded, address)
        told = said(*_kept(project, intent))
        wrong = tuple(_wrong(intent, told, recorded, project, desk.now()))
        if wrong:
            return Attested(address=address, name=intent.live_name, said=told, claimed=claimed, differences=wrong)
        desk.vouch(intent, _verdict(told, new_run("attest").who if claimed else ""), "" if claimed else told.public_key)
        recovered = desk.recover(tell, say, lambda: False)
        return Attested(
            address=address,
            name=intent.live_name,
            said=told,
            claimed=claimed,
            recovered=tuple(one for one in recovered if one.recovery.address == address),
            log_head=desk.log_head(),
        )


def refuse_mistyped(kept: KeyPair | None, given: KeyPair) -> None:
    """What consumers would read is what must answer: a key is no proof of a secret that nobody has tried.

    Raises CredentialError.
    """
    if kept is not None and kept.public_key == given.public_key and kept.secret != given.secret:
        raise CredentialError(
            "the store keeps another private key for it than the one given here: one of the two was mistyped",
            hint="if it is the kept one, delete the key on the website and apply again; nothing was asked or done",
        )


def _waiting(recorded: Recorded, address: Address) -> Intent:
    """The key that is kept and was not looked at. Raises UsageError."""
    for intent in recorded.intents:
        if intent.address == address and intent.issues and intent.stage is Stage.STORED and intent.sent:
            return intent
    current = recorded.keys.get(address)
    if current is not None and current.without_secret:
        raise UsageError(
            f"{current.live_name} was {ADOPTED}: nothing of it waits to be looked at",
            hint=f"`krakenctl rotate {address}` replaces it with a key whose secret is kept here",
        )
    raise UsageError(
        f"no new key of {address} waits to be looked at", hint="`krakenctl plan` shows what waits, and for what"
    )


def _kept(project: Project, intent: Intent) -> tuple[KeyPair | None, str]:
    if intent.secret is None:
        return None, "it is not known where its secret is"
    try:
        store = opening.stores(project, os.environ)(intent.secret.store)
        entry = store.get(intent.secret.path, Slot.PENDING)
    except (StoreError, CredentialError) as problem:
        return None, problem.message
    if entry is None or entry.live_name != intent.live_name:
        return None, f"the store {intent.secret.store} does not keep it at {intent.secret.path}"
    return KeyPair(public_key=entry.public_key, secret=entry.secret), ""


def _wrong(intent: Intent, said: Attestation, recorded: Recorded, project: Project, now: int) -> list[str]:
    """Everything in which it is not the key that was asked for."""
    found: list[str] = []
    if intent.public_key and said.public_key != intent.public_key:
        found.append("this is another key: not the one whose secret was typed in")
    if said.name != intent.live_name:
        found.append(f"Kraken calls it “{said.name}”, not “{intent.live_name}”")
    if (iiban := _iiban(intent, recorded, project)) and said.iiban and normal_iiban(said.iiban) != iiban:
        found.append(f"it belongs to the account {said.iiban}, not to {iiban}")
    if said.endpoint != project.workspace.endpoint:
        found.append(f"it was asked for at {said.endpoint}, and this workspace is on {project.workspace.endpoint}")
    if not intent.began - _SLACK <= said.at <= now + _SLACK:
        found.append(f"it was asked at {show_time(said.at)}, which was before it was made, or is still to come")
    return [*found, *(check.differences(intent.sent, said.spec) if intent.sent else ())]


def _iiban(intent: Intent, recorded: Recorded, project: Project) -> str:
    desired, known = project.desired.accounts.get(intent.account), recorded.accounts.get(intent.account)
    return normal_iiban((desired.iiban if desired else "") or (known.iiban if known else ""))


def _verdict(said: Attestation, bringer: str) -> str:
    """What was brought is somebody's word: the key stays marked as taken unseen."""
    where = f"{said.who} on {said.host} at {show_time(said.at)}"
    return f"{ACCEPTED}: attested by {where}, as {bringer} says" if bringer else f"{ATTESTED}: by {where}"
