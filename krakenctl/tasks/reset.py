"""The sandbox of a workspace, afresh: what was made in it goes, and everything that spoke of it.

It deletes nothing outside the workspace, and no credential outside `.krakenctl`: that may be one of a real exchange.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from krakenctl import files, plugins
from krakenctl.credentials import Credentials, file_of
from krakenctl.errors import SafetyStop, WorkspaceError
from krakenctl.model.workspace import SANDBOX
from krakenctl.project import Project
from krakenctl.tasks.initialise import Made, Wish, initialise
from krakenctl.wiring.embedded import DATABASE

if TYPE_CHECKING:
    from krakenctl.model.recorded import Recorded
    from krakenctl.state.base import StateHome
    from krakenctl.stores.base import Store


def reset(project: Project) -> list[Made]:
    """Returns what was made anew. Raises SafetyStop when what is to go may be more than a sandbox."""
    if project.workspace.endpoint != SANDBOX:
        raise SafetyStop(
            f"this workspace's endpoint is {project.workspace.endpoint}, not the sandbox; nothing was done",
            hint="sandbox reset is for endpoint: sandbox only",
        )
    home = plugins.state(project.workspace.state, project.root, Credentials(project.root, os.environ))
    try:
        _doomed(project, home)  # whoever is refused has changed nothing, not even the lease
        with _alone(project, home):
            _remove(_doomed(project, home), home)
    except OSError as problem:
        raise WorkspaceError(f"{problem.filename} cannot be removed: {problem.strerror}") from None
    return initialise(project.root, Wish(project.workspace.name, project.workspace.tag, SANDBOX))


def _alone(project: Project, home: StateHome) -> AbstractContextManager[object]:
    """Not under a run that changes things. Raises LockHeld. Where there is no state, there is no such run."""
    from krakenctl.actor import new_run
    from krakenctl.state.tenure import tenure

    if not home.read().lineage:
        return nullcontext()
    return tenure(home, new_run("sandbox reset"), project.workspace.state.lease)


@dataclass(frozen=True, slots=True)
class _Doomed:
    """All that is to go, apart from the state."""

    secrets: Sequence[tuple[Store, str]]
    credentials: Sequence[Path]
    sandbox: Sequence[Path]


def _doomed(project: Project, home: StateHome) -> _Doomed:
    """Nothing goes before it is known that everything may and can. Raises what `reset` raises."""
    from krakenctl.state.sqlite import with_journals

    recorded = home.read()
    _refuse_others(project, recorded)
    credentials = _credential_files(project)
    sandbox = with_journals(files.own(project.root, project.root / DATABASE))
    _refuse_what_stays([*credentials, *_state_files(project), *sandbox])
    return _Doomed(_secrets(project, recorded), credentials, sandbox)


def _remove(doomed: _Doomed, home: StateHome) -> None:
    """The state goes after all that only it can name, and before the sandbox: whoever is killed in between may run
    reset again, because the state never speaks of accounts that are gone."""
    _remove_secrets(doomed.secrets)
    for path in doomed.credentials:
        path.unlink(missing_ok=True)
    home.remove()
    for path in doomed.sandbox:
        path.unlink(missing_ok=True)


def _state_files(project: Project) -> list[Path]:
    from krakenctl.state.sqlite import with_journals

    if project.workspace.state.type != "sqlite":
        return []
    return with_journals(files.inside(project.root, project.state_path))


def _refuse_others(project: Project, recorded: Recorded) -> None:
    """The endpoint may have been changed for a try: what the state knows of a real exchange is not ours to delete."""
    from krakenctl.model.iiban import normal_iiban
    from krakenctl.sandbox.people import seed

    iibans = {account.iiban for account in recorded.accounts.values() if account.iiban}
    if not iibans:
        return
    settings = project.workspace.state
    place = settings.path if settings.type == "sqlite" else f"the schema {settings.schema}"
    hint = f"if nobody needs what it remembers, delete {place} yourself"
    try:
        ours = {normal_iiban(iiban) for iiban in seed.iibans(project.root / DATABASE)}
    except WorkspaceError as problem:
        raise SafetyStop(
            f"{problem.message}, so nobody can tell whether the state speaks of its accounts; nothing was done",
            hint=hint,
        ) from None
    if others := iibans - ours:
        raise SafetyStop(
            f"the state knows {', '.join(sorted(others))}, which is no account of this sandbox; nothing was done",
            hint=hint,
        )


def _secrets(project: Project, recorded: Recorded) -> list[tuple[Store, str]]:
    """Only those that the state knows, as a store may keep other things. Each store has been proved to be writable."""
    references = {trace.secret for trace in recorded.traces if trace.secret}
    stores = {}
    for name in {reference.store for reference in references} & project.workspace.stores.keys():
        settings = replace(project.workspace.stores[name], identity="")  # to remove, nothing is read
        files.inside(project.root, project.root / settings.path)
        stores[name] = plugins.store(settings, project.root, Credentials(project.root, {}))
        stores[name].prove_writable()
    return [(stores[reference.store], reference.path) for reference in references if reference.store in stores]


def _remove_secrets(secrets: Sequence[tuple[Store, str]]) -> None:
    from krakenctl.stores.base import Slot

    for store, path in secrets:
        for slot in Slot:
            store.remove(path, slot)


def _credential_files(project: Project) -> list[Path]:
    accounts = project.desired.accounts.values()
    refs = [project.workspace.credentials_of(account.name, account.username) for account in accounts]
    paths = [file_of(project.root, reference) for ref in refs for reference in (ref.token, ref.api_key)]
    return [files.own(project.root, path) for path in paths if path is not None]


def _refuse_what_stays(paths: Sequence[Path]) -> None:
    for path in paths:
        if odd := files.oddity(path):
            raise WorkspaceError(f"{path} is {odd}, and reset removes files only; nothing was done")
        if path.exists() and not os.access(path.parent, os.W_OK | os.X_OK):
            raise WorkspaceError(f"{path} cannot be removed; nothing was done", hint=f"check the mode of {path.parent}")
