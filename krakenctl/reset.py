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

    try:
        _remove_secrets(project)
        for reference in _credential_files(project):
            reference.unlink(missing_ok=True)
        _remove_database(project.state_path)
        seed.reset(project.root / DATABASE)
    except OSError as problem:
        raise WorkspaceError(f"{problem.filename} cannot be removed: {problem.strerror}") from None
    return initialise(project.root, Wish(project.workspace.name, project.workspace.tag, SANDBOX))


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
    return [project.root / text.partition(":")[2] for text in references if text.startswith("file:")]


def _remove_database(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
