"""From a folder to a sound project: load → validate. Offline; it neither prints nor asks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from krakenctl import schema_files
from krakenctl.errors import InvalidManifests, NothingDeclared, WorkspaceError
from krakenctl.load import located, read_file, read_manifests
from krakenctl.model.desired import Desired
from krakenctl.model.document import Document
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.origin import Place
from krakenctl.model.workspace import Workspace

WORKSPACE_FILE = "krakenctl.yaml"
_NOTHING = {"no-manifests", "empty-workspace"}
_ON_PURPOSE = (
    "nothing was contacted or changed; to give up every key on purpose, leave an account declared without keys and run"
    " `krakenctl apply --allow empty --reason TEXT`"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A workspace whose manifests are sound."""

    root: Path
    workspace: Workspace
    desired: Desired
    warnings: tuple[Finding, ...]
    sound: bool = True  # False: the manifests cannot be used, and nothing is known of what they ask for

    @property
    def state_path(self) -> Path:
        return self.root / self.workspace.state.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What validate knows: everything that is wrong, and the rest if nothing is."""

    findings: tuple[Finding, ...]  # with origins
    workspace: Workspace | None
    desired: Desired | None
    files: int
    documents: int


def examine(root: Path, tolerated: Collection[str] = ()) -> Examined:
    """Read and check everything, offline. Raises WorkspaceError when there is no workspace.

    `tolerated`: rules whose errors do not make it unknown what is desired.
    """
    workspace, findings = _workspace(root)
    if workspace is None:
        return Examined(findings=located(root, findings), workspace=None, desired=None, files=1, documents=0)
    from krakenctl import validate

    manifests = read_manifests(root, workspace.manifests)
    # With a manifest unread, what it may declare is not called missing.
    complete = not any(finding.severity is Severity.ERROR for finding in manifests.findings)
    desired, sense = validate.desired(
        manifests.documents,
        workspace,
        manifests.digest,
        schema_files.load_kinds(),
        complete=complete,
        tolerated=tolerated,
    )
    found = (*findings, *manifests.findings, *sense)
    errors = any(finding.rule not in tolerated for finding in _errors(found))
    return Examined(
        findings=located(root, found),
        workspace=workspace,
        desired=None if errors else desired,
        files=len(manifests.files),
        documents=len(manifests.documents),
    )


def open_project(root: Path) -> Project:
    """The same, for those who need it sound. Raises InvalidManifests with every finding."""
    return _project(root, examine(root))


def as_written(root: Path) -> Project:
    """For those who only tell what is declared: also where it is more than is allowed.

    Raises InvalidManifests where a mistake hides something of it.
    """
    return _project(root, examine(root, _HIDING_NOTHING))


_HIDING_NOTHING = frozenset({
    "age-too-short", "exceeds-ceiling", "jitter-too-long", "name-too-long", "no-allowlist", "no-grants",
    "not-on-surface", "overlap-too-long", "secret-path", "secret-path-clash", "too-many-keys", "unknown-store",
    "valid-for-too-short",
})  # fmt: skip


def _project(root: Path, examined: Examined) -> Project:
    errors = _errors(examined.findings)
    if examined.workspace is None or examined.desired is None:
        if errors and {finding.rule for finding in errors} <= _NOTHING:
            message = "nothing is declared where something should be, and what is not declared would be revoked"
            raise NothingDeclared(message, examined.findings, hint=_ON_PURPOSE)
        raise InvalidManifests(f"{len(errors)} error{'s' * (len(errors) != 1)} in the manifests", examined.findings)
    return Project(
        root=root,
        workspace=examined.workspace,
        desired=examined.desired,
        warnings=examined.findings,
        sound=not errors,
    )


def _errors(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is Severity.ERROR]


def without_manifests(root: Path) -> Project:
    """For those who can do without: what is declared is not known. Raises InvalidManifests or WorkspaceError."""
    unknown = Desired(accounts={}, keys={}, removals={}, digest="")
    return Project(root=root, workspace=read_workspace(root), desired=unknown, warnings=(), sound=False)


def read_workspace(root: Path, *, any_version: bool = False) -> Workspace:
    """Only krakenctl.yaml, for those who need no manifests. Raises InvalidManifests or WorkspaceError.

    `any_version`: also where the workspace wants another krakenctl than this one.
    """
    workspace, findings = _workspace(root, any_version=any_version)
    if workspace is None:
        raise InvalidManifests(f"{WORKSPACE_FILE} is not sound", located(root, findings))
    return workspace


def _workspace(root: Path, *, any_version: bool = False) -> tuple[Workspace | None, tuple[Finding, ...]]:
    if not (root / WORKSPACE_FILE).is_file():
        raise WorkspaceError(f"there is no {WORKSPACE_FILE} in {root.absolute()}", hint=_way_to_one(root.absolute()))
    from krakenctl import validate

    reading = read_file(root, WORKSPACE_FILE)
    if reading.findings or len(reading.documents) != 1:
        return None, reading.findings or (_not_one_document(reading.documents),)
    workspace, findings = validate.workspace(reading.documents[0], schema_files.load_kinds())
    if workspace is not None and not any_version:
        _refuse_other_version(workspace)
    return workspace, findings


def _way_to_one(root: Path) -> str:
    """A workspace within a workspace is hardly ever meant."""
    for above in root.parents:
        if (above / WORKSPACE_FILE).is_file():
            return f"there is one above: krakenctl -C {above}"
    return (
        "run `krakenctl init` to make a workspace here, or `krakenctl import --from .env` for keys that you have; or"
        " name one with -C DIR"
    )


def _not_one_document(documents: Sequence[Document]) -> Finding:
    message = f"{WORKSPACE_FILE} holds {len(documents)} documents; it must hold one, of kind Workspace"
    return Finding(rule="workspace-file", message=message, place=Place(WORKSPACE_FILE, 0))


def _refuse_other_version(workspace: Workspace) -> None:
    """Raises WorkspaceError when the workspace wants another krakenctl than this one."""
    if not workspace.required_version:
        return
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    from krakenctl import __version__

    try:
        wanted = SpecifierSet(workspace.required_version)
    except InvalidSpecifier:
        message = f"requiredVersion “{workspace.required_version}” is not a version specifier"
        raise WorkspaceError(
            message, hint="write for example requiredVersion: '>=0.1,<1'", file=WORKSPACE_FILE
        ) from None
    if not wanted.contains(__version__, prereleases=True):
        message = f"this workspace wants krakenctl {workspace.required_version}, and this is {__version__}"
        raise WorkspaceError(message, hint="install the krakenctl that this workspace wants", file=WORKSPACE_FILE)
