"""The sandbox of a workspace, afresh: what was made in it goes, and everything that spoke of it."""

from __future__ import annotations

from pathlib import Path

from krakenctl.credentials import Credentials
from krakenctl.embedded import DATABASE
from krakenctl.errors import SafetyStop, WorkspaceError
from krakenctl.initialise import Made, Wish, initialise
from krakenctl.model.workspace import SANDBOX
from krakenctl.project import Project


def reset(project: Project) -> list[Made]:
    """Returns what was made anew. Raises SafetyStop when the workspace's endpoint is not the sandbox."""
    if project.workspace.endpoint != SANDBOX:
        raise SafetyStop(
            f"this workspace's endpoint is {project.workspace.endpoint}, not the sandbox; nothing was done",
            hint="sandbox reset is for endpoint: sandbox only",
        )
    from krakenctl.sandbox import seed

    _refuse_others(project)
    try:
        _remove_secrets(project)
        for reference in _credential_files(project):
            reference.unlink(missing_ok=True)
        _remove_database(project.state_path)
        seed.reset(project.root / DATABASE)
    except OSError as problem:
        raise WorkspaceError(f"{problem.filename} cannot be removed: {problem.strerror}") from None
    return initialise(project.root, Wish(project.workspace.name, project.workspace.tag, SANDBOX))


def _refuse_others(project: Project) -> None:
    """The endpoint may have been changed for a try: what the state knows of a real exchange is not ours to delete."""
    from krakenctl.sandbox.database import opened
    from krakenctl.state.sqlite import read_only
    from krakenctl.surfaces.connect import normal_iiban

    iibans = {account.iiban for account in read_only(project.state_path).accounts.values() if account.iiban}
    file = project.root / DATABASE
    if not iibans:
        return
    try:
        with opened(file) as database:
            rows = database.connection().execute("SELECT iiban FROM account WHERE iiban IS NOT NULL")
            ours = {normal_iiban(iiban) for (iiban,) in rows}
    except WorkspaceError:  # a damaged sandbox: to start afresh is what reset is for
        return
    if others := iibans - ours:
        raise SafetyStop(
            f"the state knows {', '.join(sorted(others))}, which is no account of this sandbox; nothing was done",
            hint=f"if nobody needs what it remembers, delete {project.workspace.state_path} yourself",
        )


def _remove_secrets(project: Project) -> None:
    """Only those that the state knows: a store may keep other things."""
    from krakenctl import plugins
    from krakenctl.state.sqlite import read_only
    from krakenctl.stores.base import Slot

    recorded = read_only(project.state_path)
    references = {key.secret for key in recorded.traces}
    for reference in references:
        settings = project.workspace.stores.get(reference.store)
        if settings is not None:
            store = plugins.store(settings, project.root, Credentials(project.root, {}))
            for slot in Slot:
                store.remove(reference.path, slot)


def _credential_files(project: Project) -> list[Path]:
    accounts = project.desired.accounts.values()
    refs = [project.workspace.credentials_of(account.name, account.username) for account in accounts]
    references = [reference for ref in refs for reference in (ref.token, ref.api_key)]
    files = [Path(text.partition(":")[2]).expanduser() for text in references if text.startswith("file:")]
    return [project.root / file for file in files]


def _remove_database(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
