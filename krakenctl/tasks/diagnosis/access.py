"""What krakenctl itself uses to reach each account: tokens, and the master's own key. At most three calls an account.

A token that is refused is asked nothing more, and neither is an account that Kraken has locked: failed calls add up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from krakenctl import parallel
from krakenctl.credentials import file_of
from krakenctl.errors import CredentialMissing, KrakenctlError, LockedOut, NonceRefused, RateLimited, Refused
from krakenctl.model.description import Description, NonceScale
from krakenctl.model.diagnosis import Told, ok, problem, unknown, warning
from krakenctl.model.key import KeyPair
from krakenctl.model.permission import SCOPE_PREFIX, SPELLINGS
from krakenctl.model.secret import Secret
from krakenctl.model.workspace import SANDBOX
from krakenctl.surfaces.kraken.answers import said
from krakenctl.surfaces.kraken.held import Held
from krakenctl.surfaces.kraken.own_key import OwnKey
from krakenctl.surfaces.kraken.row import Row
from krakenctl.tasks.diagnosis import verdicts
from krakenctl.tasks.diagnosis.check import Check, Needs, of_bug, of_error
from krakenctl.tasks.diagnosis.ground import DoctorGround, Party

_ALWAYS = frozenset({"account.info:basic", f"{SCOPE_PREFIX}read", f"{SCOPE_PREFIX}write"})
Look = Callable[[DoctorGround, Party], Iterable[Told]]


def credential(ground: DoctorGround) -> Iterator[Told]:
    """Whether there is a token for each account that needs one, and whether its file is safe."""
    for party in _with_token(ground):
        yield from _alone(_reference, ground, party)


def token(ground: DoctorGround) -> Iterator[Told]:
    """Whether Kraken takes it, whose account it opens, and what it may do as far as that is told."""
    yield from _each(_token, ground, [party for party in _with_token(ground) if _there(ground, party)])


def own_key(ground: DoctorGround) -> Iterator[Told]:
    """The master's own, which krakenctl requests sub-accounts with."""
    yield from _each(_own_key, ground, [party for party in ground.parties if _has_own_key(ground, party)])


def _reference(ground: DoctorGround, party: Party) -> Iterator[Told]:
    reference = ground.refs(party).token
    if not reference:
        yield problem("no token is named for it", hint="add it to credentials in krakenctl.yaml", about=party.name)
        return
    try:
        ground.credentials.token(reference)
    except CredentialMissing as missing:
        yield _no_token(ground, party, missing)
        return
    yield ok(f"a token in {reference}", about=party.name)
    yield from _life(ground, party, reference)


def _no_token(ground: DoctorGround, party: Party, missing: CredentialMissing) -> Told:
    """Of a sub-account that does not exist yet there can be none."""
    if party.is_master or party.pin:
        made = "`krakenctl init` signs this workspace's accounts up in the sandbox"
        return problem(missing.message, hint=made if ground.embedded else missing.hint, about=party.name)
    if party.requested:
        told = f"it was requested, and its token is not there yet: {missing.message}"
        hint = "its owner has to set it up and to authorise krakenctl; then put the token there"
        return warning(told, hint=hint, about=party.name)
    return ok("it does not exist yet: `krakenctl apply` requests it", about=party.name)


def _life(ground: DoctorGround, party: Party, reference: str) -> Iterator[Told]:
    """A token's answer says how long it lives from when it came, which is when its file was written."""
    file, seconds = file_of(ground.root, reference), ground.credentials.beside_token(reference).get("expires_in")
    if file is None or not isinstance(seconds, int | float) or ground.workspace.endpoint == SANDBOX:
        return
    yield from verdicts.token_life(file.stat().st_mtime + seconds - time.time(), party.name)


def _token(ground: DoctorGround, party: Party) -> Iterator[Told]:
    surface = ground.exchange.surface(party.name)
    iiban = surface.iiban()
    if party.pin and iiban != party.pin:
        yield problem(
            f"it opens the account {iiban}, and {party.pin} is the one we know",
            hint="correct the credential; if the account really changed, pin the new one in its manifest (iiban)",
            about=party.name,
        )
        return
    yield from _scopes(ground, party)
    listed = len(surface.list_keys().keys)
    yield ok(f"it opens {iiban} and lists {listed} key{'s' * (listed != 1)}", about=party.name)


def _scopes(ground: DoctorGround, party: Party) -> Iterator[Told]:
    """Kraken's documents show no scopes in a token's answer; where there are some, they are believed."""
    told = ground.credentials.beside_token(ground.refs(party).token).get("scope")
    if not isinstance(told, Secret):
        return
    keys = (key for key in ground.project.desired.keys.values() if key.account == party.name)
    granted = {SPELLINGS[permission].scope for key in keys for permission in key.grants}
    wanted = _ALWAYS | {f"{SCOPE_PREFIX}{scope}" for scope in granted if scope}
    yield from verdicts.scopes(frozenset(told.reveal().split()), wanted, party.name)


def _own_key(ground: DoctorGround, party: Party) -> Iterator[Told]:
    needed = any(not each.is_master and not each.pin for each in ground.parties)
    try:
        pair = ground.credentials.key_pair(ground.refs(party).api_key)
    except CredentialMissing as missing:
        if needed:
            yield problem(f"sub-accounts cannot be requested: {missing.message}", hint=missing.hint, about=party.name)
        else:
            yield ok("there is none, and none is needed: it only requests sub-accounts", about=party.name)
        return
    memory, before = ground.memory(party), ground.memory(party).refusal(pair.public_key)
    if why := memory.locked() or ("" if ground.wish.again else memory.rests(pair.public_key)):
        yield verdicts.resting(why, before.said if before else "", party.name)
        return
    seen = _described(ground, pair, memory)
    strict = ground.workspace.endpoint != SANDBOX
    told = list(verdicts.own_key(seen, pin=party.pin, needed=needed, now=ground.now, strict=strict, about=party.name))
    yield from told or [ok(f"it works, and is called {seen.live.name}", about=party.name)]


def _described(ground: DoctorGround, pair: KeyPair, memory: Held) -> Description:
    """What krakenctl itself sends with it are milliseconds: that is no higher than its own next nonce."""
    try:
        seen = OwnKey(ground.http, pair, ground.exchange.own_clock, row=Row(held=memory)).describe(
            NonceScale.MILLISECONDS
        )
    except (LockedOut, RateLimited):
        raise
    except Refused as problem:
        memory.note_refused(pair.public_key, said(problem))
        raise
    if memory.refusal(pair.public_key):
        memory.note(pair.public_key, answers=True)
    return seen


def _with_token(ground: DoctorGround) -> list[Party]:
    """Where keys are made by a person there is nothing for krakenctl to be authorised for."""
    return [party for party in ground.parties if party.traits.has_credential]


def _has_own_key(ground: DoctorGround, party: Party) -> bool:
    return party.is_master and bool(ground.refs(party).api_key)


def _there(ground: DoctorGround, party: Party) -> bool:
    """Whether there is a token to try; `credential` has told of the others."""
    try:
        ground.credentials.token(ground.refs(party).token)
    except KrakenctlError:
        return False
    return True


def _each(look: Look, ground: DoctorGround, parties: list[Party]) -> Iterator[Told]:
    for told in parallel.each(lambda party: list(_alone(look, ground, party)), parties, ground.parallelism):
        yield from told


def _alone(look: Look, ground: DoctorGround, party: Party) -> Iterator[Told]:
    """What fails for one account is told of that one."""
    if party.name in ground.locked:
        yield unknown("Kraken has locked this account, so it was not asked again", about=party.name)
        return
    try:
        yield from look(ground, party)
    except LockedOut as locked:
        ground.locked.add(party.name)
        ground.memory(party).note_lockout()
        yield problem(locked.message, hint=locked.hint, about=party.name)
    except NonceRefused as refused:
        yield problem(refused.message, hint=verdicts.NOT_ALONE, about=party.name)
    except KrakenctlError as error:
        yield of_error(error, party.name)
    except Exception as bug:  # noqa: BLE001 - there are other accounts
        yield of_bug(bug, party.name)


CHECKS = (
    Check("credential", "credentials", credential, Needs.WORKSPACE),
    Check("token", "tokens", token, Needs.WORKSPACE | Needs.EXCHANGE),
    Check("own-key", "krakenctl's own key", own_key, Needs.WORKSPACE | Needs.EXCHANGE),
)
