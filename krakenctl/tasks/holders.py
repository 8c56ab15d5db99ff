"""Every key that can do something, and what was seen of it: manifests, state, exchange. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from krakenctl.access.who import AccessScene, who
from krakenctl.errors import CredentialError, ExchangeError, InvalidManifests, UsageError
from krakenctl.project import Project, open_project, without_manifests
from krakenctl.tasks.remembered import offline_now, recorded
from krakenctl.workflow import open_desk

if TYPE_CHECKING:
    from krakenctl.model.access import Holders
    from krakenctl.model.live import LiveAccount
    from krakenctl.model.permission import Permission
    from krakenctl.model.recorded import Recorded


@dataclass(frozen=True, slots=True)
class Question:
    """`suffices`: whether what a key holds is enough. `under`: an account's name or address; empty: all accounts."""

    suffices: Callable[[AbstractSet[Permission]], bool]
    under: str = ""


def holders(root: Path, question: Question, *, offline: bool = False, parallelism: int | None = None) -> Holders:
    """Raises UsageError where `under` names no account.

    Manifests with mistakes are no reason to leave the question open: then state and exchange alone are asked.
    """
    project = _project(root)
    if offline:
        return _who(project, recorded(root), None, offline_now(root), question)
    with open_desk(project, parallelism=parallelism) as desk:
        try:
            remembered, live = desk.look()
        except (ExchangeError, CredentialError) as problem:
            problem.hint = "; ".join(filter(None, (problem.hint, "--offline asks only manifests and state")))
            raise
        return _who(project, remembered, live, desk.now(), question)


def _who(
    project: Project, remembered: Recorded, live: Mapping[str, LiveAccount] | None, now: int, question: Question
) -> Holders:
    accounts = _accounts(project, remembered, question.under)
    scene = AccessScene(
        desired=project.desired, recorded=remembered, live=live, accounts=accounts, now=now, sound=project.sound
    )
    return who(scene, question.suffices)


def _project(root: Path) -> Project:
    try:
        return open_project(root)
    except InvalidManifests:
        return without_manifests(root)


def _accounts(project: Project, remembered: Recorded, under: str) -> Collection[str]:
    """The node and what lies below it. An account whose manifest is gone is among all, if keys of ours are on it."""
    declared = project.desired.accounts
    left = {trace.account for trace in remembered.traces} - declared.keys()
    if not under:
        return {*declared, *left}
    name = under.removeprefix("Account/").removeprefix("SubAccount/")
    if name not in declared and name not in left:
        raise UsageError(f"no account is called “{name}”", hint=f"there are {', '.join(sorted({*declared, *left}))}")
    below = {each.name for each in declared.values() if each.master == name}
    return {name, *below, *(() if project.sound else _perhaps_below(name, remembered))}


def _perhaps_below(name: str, remembered: Recorded) -> Iterator[str]:
    """Where no manifest can be read, any sub-account may lie below a master: rather one too many than one less."""
    known = remembered.accounts
    if name in known and known[name].kind == "Account":
        yield from (each.name for each in known.values() if each.kind == "SubAccount")
