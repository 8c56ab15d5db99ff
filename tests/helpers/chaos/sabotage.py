"""A krakenctl that breaks its promises, one at a time: the matrix has to notice each, or it is worth nothing."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from chaos.scenarios import OTHER_WORKSPACE
from krakenctl.apply.steps import check, revoke, takeback
from krakenctl.model.human import Revocation
from krakenctl.state import leases, log
from krakenctl.state.sql import SqlState
from krakenctl.stores.age import AgeStore
from krakenctl.stores.base import Slot
from krakenctl.surfaces.connect import Connect
from krakenctl.tasks.containment import sweep


@dataclass(frozen=True)
class Sabotage:
    does: Callable[[], None]  # in a process of its own
    breaks: int | str  # the promise of the design, or the log
    struck: str = ""  # by this fault, right before the first key is issued; empty: by none
    scenario: str = "replace"


def _throw_secrets_away() -> None:
    """Only when everything has been checked: whatever is noticed before that is taken back."""
    real = AgeStore.promote

    def promote(store: AgeStore, path: str, *told: Any) -> None:
        real(store, path, *told)
        store.remove(path, Slot.CURRENT)

    AgeStore.promote = promote  # type: ignore[method-assign]


def _revoke_before_issuing() -> None:
    real = Connect.issue

    def issue(surface: Connect, name: str, spec: Any) -> Any:
        surface.revoke("bot.a7.g1")
        return real(surface, name, spec)

    Connect.issue = issue  # type: ignore[method-assign]


def _revoke_a_strangers_key_too() -> None:
    real = Connect.revoke

    def revoke(surface: Connect, name: str) -> None:
        real(surface, name)
        real(surface, OTHER_WORKSPACE[0])

    Connect.revoke = revoke  # type: ignore[method-assign]


def _pretend_to_revoke() -> None:
    Connect.revoke = lambda *_: Revocation.PROVED  # type: ignore[method-assign]


def _forget_what_was_promoted() -> None:
    SqlState.promote = lambda *_, **__: None  # type: ignore[assignment, method-assign]


def _write_secrets_down() -> None:
    real = AgeStore.put

    def put(store: AgeStore, path: str, slot: Slot, entry: Any) -> None:
        (Path(tempfile.gettempdir()) / "debug").write_text(entry.secret.reveal())
        real(store, path, slot, entry)

    AgeStore.put = put  # type: ignore[method-assign]


def _check_nothing() -> None:
    check.differences = lambda *_: ()  # type: ignore[assignment]


def _issue_more_than_asked() -> None:
    real = Connect.issue

    def issue(surface: Connect, name: str, spec: Any) -> Any:
        real(surface, "bot.a7.g77", spec)
        return real(surface, name, spec)

    Connect.issue = issue  # type: ignore[method-assign]


def _leave_slots() -> None:
    AgeStore.remove = lambda *_: None  # type: ignore[assignment, method-assign]


def _set_no_end() -> None:
    Connect.update = lambda *_: None  # type: ignore[assignment, method-assign]


def _break_the_chain() -> None:
    log.hash_of = lambda _: "0" * 64  # type: ignore[attr-defined]


def _write_no_log() -> None:
    log._tell = lambda *_: ""


def _tell_twice() -> None:
    real = log._tell

    def tell(run: Any, own: str, deed: Any) -> str:
        real(run, f"{own} again", deed)
        return real(run, own, deed)

    log._tell = tell


def _go_on_without_a_lease() -> None:
    leases.SqlLeases.must_hold = lambda *_: None  # type: ignore[assignment, method-assign]
    leases.SqlLeases.check = lambda *_: None  # type: ignore[assignment, method-assign]


def _issue(**otherwise: Any) -> None:
    """With other terms than were asked for, and nobody checks."""
    real = Connect.issue
    Connect.issue = lambda surface, name, spec: real(surface, name, replace(spec, **otherwise))  # type: ignore[method-assign]
    _check_nothing()


def _open_to_the_world() -> None:
    _issue(ip_allowlist=("0.0.0.0/0",))


def _issue_for_ever() -> None:
    _issue(valid_until=0)


def _quote_secrets() -> None:
    real = AgeStore.put

    def put(store: AgeStore, path: str, slot: Slot, entry: Any) -> None:
        print("https://x.example/?secret=" + quote(entry.secret.reveal(), safe=""), file=sys.stderr)  # noqa: T201
        real(store, path, slot, entry)

    AgeStore.put = put  # type: ignore[method-assign]


def _believe_what_is_claimed() -> None:
    revoke._claim = lambda session, work, record, **_: revoke._forget(session, work, work.change.old, found=True)


def _believe_that_a_mistake_is_gone() -> None:
    takeback.doubt = lambda *_: ""


def _end_nothing() -> None:
    """The kill switch says that it is done, and was."""
    sweep.Sweep._revoke = lambda sweep, name: sweep._refused.update({name: None})  # type: ignore[method-assign]
    sweep.Sweep._look = lambda *_: []  # type: ignore[method-assign]


SABOTAGE: Mapping[str, Sabotage] = {
    "a secret is thrown away": Sabotage(_throw_secrets_away, 1),
    "a revoke is only pretended": Sabotage(_pretend_to_revoke, 1),
    "the old key is revoked before there is a new one": Sabotage(_revoke_before_issuing, 2),
    "a stranger's key is revoked": Sabotage(_revoke_a_strangers_key_too, 3),
    "what was promoted is not recorded": Sabotage(_forget_what_was_promoted, 4),
    "a secret is written to a temporary file": Sabotage(_write_secrets_down, 5),
    "a key with too many rights is promoted": Sabotage(_check_nothing, 6, struck="misissue"),
    "a key is issued twice": Sabotage(_issue_more_than_asked, 1),
    "slots of dead keys are left": Sabotage(_leave_slots, 4),
    "a retired key gets no end on the exchange": Sabotage(_set_no_end, 4, scenario="replace-overlap"),
    "the log's chain is broken": Sabotage(_break_the_chain, "log"),
    "nothing is written to the log": Sabotage(_write_no_log, "log"),
    "deeds are told twice": Sabotage(_tell_twice, "log"),
    "a run goes on whose lease was taken": Sabotage(_go_on_without_a_lease, "lease", struck="overtaken"),
    "a key that may be used from anywhere is promoted": Sabotage(_open_to_the_world, 6),
    "a key without an end is promoted": Sabotage(_issue_for_ever, 6),
    "a secret is in an address that is printed": Sabotage(_quote_secrets, 5),
    "a person's word is taken for a key's end": Sabotage(_believe_what_is_claimed, 1, scenario="hand-undeleted"),
    "a person's word is taken for a mistake's end": Sabotage(
        _believe_that_a_mistake_is_gone, 1, scenario="hand-belied"
    ),
    "a person's slip is promoted": Sabotage(_check_nothing, 6, scenario="hand-mistaken"),
    "the kill switch spares a key": Sabotage(_end_nothing, 1, scenario="kill-switch"),
}
