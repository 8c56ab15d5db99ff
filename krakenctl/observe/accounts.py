"""What is live, account by account, and whether it is the account we mean. Reads the exchange; changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from krakenctl.errors import (
    AnswerLost,
    CredentialMissing,
    ExchangeError,
    LockedOut,
    NotAuthorised,
    RateLimited,
    SafetyStop,
    Unreachable,
)
from krakenctl.model.desired import DesiredAccount
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.recorded import RecordedAccount, pin_of
from krakenctl.model.surface import presumed, traits
from krakenctl.parallel import each
from krakenctl.surfaces.base import Surface

TRANSIENT = (Unreachable, AnswerLost, RateLimited)

OpenSurface = Callable[[str], Surface]  # by account name; raises CredentialMissing


def accounts(
    declared: Mapping[str, DesiredAccount],
    recorded: Mapping[str, RecordedAccount],
    open_surface: OpenSurface,
    parallelism: int = 1,
) -> dict[str, LiveAccount]:
    """All declared ones. What fails for one blocks it and no other, unless no master can be seen and one needs mending.

    What will pass (TRANSIENT) is raised: it blocks nobody for good, no person is to be waited for, and the next ten
    thousand calls would fare no better. A lockout passes too, but is its own account's, and asked again only prolonged.
    """

    def look(name: str) -> LiveAccount | ExchangeError | CredentialMissing:
        try:
            return account(declared[name], recorded.get(name), open_surface)
        except TRANSIENT:
            raise
        except (CredentialMissing, ExchangeError) as problem:
            return problem

    seen = dict(zip(declared, each(look, list(declared), parallelism), strict=True))
    masters = [seen[name] for name, desired in declared.items() if desired.address.kind == "Account"]
    unseen = [problem for problem in masters if not isinstance(problem, LiveAccount)]
    lasting = [problem for problem in unseen if not isinstance(problem, LockedOut)]
    if lasting and len(unseen) == len(masters):
        raise lasting[0]
    return {name: live if isinstance(live, LiveAccount) else _unseen(name, _why(live)) for name, live in seen.items()}


def account(desired: DesiredAccount, recorded: RecordedAccount | None, open_surface: OpenSurface) -> LiveAccount:
    """One declared account. A master without a living credential is an error; a sub-account without one is a phase."""
    try:
        surface = open_surface(desired.name)
    except CredentialMissing as missing:
        if desired.address.kind == "Account":
            raise
        return _not_ready(desired, recorded, missing)
    try:
        return _seen(desired.name, surface, pin_of(desired, recorded), desired.surface)
    except NotAuthorised as refused:
        if desired.address.kind == "Account":
            raise
        return _unseen(desired.name, f"its credential is refused: {refused.message}")


def undeclared(recorded: RecordedAccount, open_surface: OpenSurface) -> LiveAccount:
    """An account whose manifest is gone while keys of ours are still recorded on it. What fails for it blocks it."""
    gone = f"{recorded.name} is no longer declared, and"
    try:
        return _seen(recorded.name, open_surface(recorded.name), pin_of(None, recorded), recorded.surface)
    except TRANSIENT:
        raise
    except (CredentialMissing, NotAuthorised) as problem:
        return _unseen(recorded.name, f"{gone} its credential is gone too: {problem.message}")
    except ExchangeError as problem:
        return _unseen(recorded.name, f"{gone} cannot be seen: {_why(problem)}")


def _why(problem: ExchangeError | CredentialMissing) -> str:
    """Of a lockout that Kraken has just told of, only the hint says for how long."""
    is_news = isinstance(problem, LockedOut) and problem.errors
    return f"{problem.message}; {problem.hint}" if is_news else problem.message


def refuse_twins(accounts: Mapping[str, LiveAccount]) -> None:
    """Two declared accounts behind one IIBAN: credentials or keys were mixed up. Raises SafetyStop."""
    seen: dict[str, LiveAccount] = {}
    for live in accounts.values():
        if live.iiban and (other := seen.setdefault(live.iiban, live)) is not live:
            raise SafetyStop(
                f"{other.name} and {live.name} are declared as two accounts, and are one: {_opener(other)} and"
                f" {_opener(live)} lead to {live.iiban}",
                hint=f"{_check(other, live)}; nothing was changed",
            )


def refuse_another(name: str, iiban: str, pin: str, opener: str, *, hint: str) -> None:
    """`opener`: what leads to the account that was seen, with its verb. Raises SafetyStop where that is not `pin`'s."""
    if pin and iiban and pin != iiban:
        raise SafetyStop(
            f"{opener} the account {iiban}, but {pin} is the one we know",
            hint=hint,
            address=name,
        )


def _opener(live: LiveAccount) -> str:
    return f"the credential of {live.name}" if _has_credential(live) else f"the keys that are kept for {live.name}"


def _check(*accounts: LiveAccount) -> str:
    """What to look at."""
    keys = "which account each was made on, and correct the manifests or what the store keeps"
    wrong = {True: "check the credentials in krakenctl.yaml", False: f"look {keys}"}
    return "; ".join(wrong[each] for each in sorted(set(map(_has_credential, accounts)), reverse=True))


def _has_credential(live: LiveAccount) -> bool:
    return presumed(live.surface).has_credential


def refuse_known(live: LiveAccount, known: Mapping[str, RecordedAccount]) -> None:
    """Raises SafetyStop where an account that is first seen in the middle of a run is one known by another name."""
    for other in known.values():
        if live.iiban and other.iiban == live.iiban and other.name != live.name:
            leads = "leads" if _has_credential(live) else "lead"
            raise SafetyStop(
                f"{_opener(live)} {leads} to {other.iiban}, the account {other.name}",
                hint=_check(live),
                address=live.name,
            )


def _not_ready(desired: DesiredAccount, recorded: RecordedAccount | None, missing: CredentialMissing) -> LiveAccount:
    """Absent only if nothing speaks for its existence: to request a sub-account twice would make two."""
    if recorded is not None and recorded.requested and not recorded.iiban:
        reason = f"requested; the owner of {desired.email} has still to set it up and to authorise krakenctl"
        return _unseen(desired.name, reason)
    if pin_of(desired, recorded):
        return _unseen(desired.name, f"its credential is missing: {missing.message}")
    return LiveAccount(name=desired.name, phase=Phase.ABSENT, reason="it does not exist yet")


def _unseen(name: str, reason: str) -> LiveAccount:
    return LiveAccount(name=name, phase=Phase.REQUESTED, reason=reason)


def _seen(name: str, surface: Surface, pin: str, kind: str) -> LiveAccount:
    """`pin`: see `pin_of`."""
    iiban = surface.iiban()
    opener = f"{'the credential of' if traits(kind).has_credential else 'a key that is recorded on'} {name} opens"
    wrong = "correct the credential; if the account really changed, pin the new one in its manifest (iiban)"
    refuse_another(name, iiban, pin, opener, hint=wrong)
    listing = surface.list_keys()
    return LiveAccount(
        name=name,
        phase=Phase.READY,
        iiban=iiban,
        coverage=listing.coverage,
        keys=listing.keys,
        surface=kind,
        asides=listing.asides,
    )
