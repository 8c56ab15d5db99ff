"""What is there before an import: workspace, manifests, records. Read, never written."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import chain, count
from pathlib import Path, PurePosixPath

from krakenctl import schema_files, validate
from krakenctl.errors import InvalidManifests, NothingDeclared, UsageError, WorkspaceError
from krakenctl.load import read_manifests
from krakenctl.load.files import OWN_FILE
from krakenctl.load.manifests import parse
from krakenctl.model.desired import Desired
from krakenctl.model.document import Document
from krakenctl.model.recorded import Recorded
from krakenctl.model.workspace import Workspace
from krakenctl.project import WORKSPACE_FILE, Project, open_project, without_manifests
from krakenctl.surfaces.kraken.refusals import KRAKEN
from krakenctl.tasks import starter
from krakenctl.tasks.initialise import Wish, drawn_tag
from krakenctl.wiring import opening

FILE = "imported"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportGround:
    """`wish`: of the workspace that is to be made; None: there is one."""

    project: Project
    documents: tuple[Document, ...]
    recorded: Recorded
    wish: Wish | None = None

    @property
    def root(self) -> Path:
        return self.project.root

    @property
    def workspace(self) -> Workspace:
        return self.project.workspace

    @property
    def desired(self) -> Desired:
        return self.project.desired

    @property
    def set_names(self) -> frozenset[str]:
        return frozenset(
            each.value["metadata"]["name"] for each in self.documents if each.value["kind"] == "PermissionSet"
        )

    def inherited(self, account: str) -> frozenset[str]:
        """Fields that a key on that account has unless it says otherwise."""
        names: set[str] = set()
        nodes = {each.value["metadata"]["name"]: each.value["spec"] for each in self.documents if _is_node(each)}
        while (spec := nodes.pop(account, None)) is not None:
            names |= spec.get("keyDefaults", {}).keys()
            account = spec.get("account", "")
        return frozenset(names)

    def manifest_path(self, folder: str) -> str:
        """Of a new file that the workspace reads. Raises UsageError where it would not."""
        patterns = self.workspace.manifests
        base = PurePosixPath(folder) if folder else _folder(patterns[0])
        names = (f"{FILE}{number}.yaml" for number in chain([""], map("-{}".format, count(2))))
        path = next(str(base / name) for name in names if not os.path.lexists(self.root / base / name))
        if not any(_means(PurePosixPath(pattern).parts, PurePosixPath(path).parts) for pattern in patterns):
            raise UsageError(
                f"nobody would read {path}: this workspace reads {', '.join(patterns)}",
                hint="name another folder with --out, or add this one to `manifests` in krakenctl.yaml",
            )
        return path


def read(root: Path, wish: Wish, environ: Mapping[str, str]) -> ImportGround:
    """Raises WorkspaceError, or InvalidManifests where the manifests that are there are not sound."""
    if not (root / WORKSPACE_FILE).is_file():
        return _new(root, replace(wish, endpoint=wish.endpoint or KRAKEN))
    try:
        project = open_project(root)
    except NothingDeclared:  # also what an import leaves that was killed at its first step
        project = without_manifests(root)
    if project.workspace.endpoint != (wish.endpoint or project.workspace.endpoint):
        raise UsageError(f"this workspace is about {project.workspace.endpoint}, and --endpoint says {wish.endpoint}")
    documents = read_manifests(root, project.workspace.manifests).documents
    recorded = opening.state_home(root, project.workspace.state, environ).read()
    return ImportGround(project=project, documents=documents, recorded=recorded)


def _new(root: Path, wish: Wish) -> ImportGround:
    """The workspace that will be there; nothing is made yet."""
    if files := [*root.glob("manifests/**/*.yaml"), *root.glob("manifests/**/*.yml")]:
        raise WorkspaceError(
            f"there is no {WORKSPACE_FILE} in {root.absolute()}, and {files[0].relative_to(root)} is there",
            hint="run `krakenctl init` first, or import into an empty folder",
        )
    wish = drawn_tag(wish)
    [document] = parse(starter.workspace(wish.name, wish.tag, wish.endpoint).encode(), OWN_FILE).documents
    workspace, findings = validate.workspace(document, schema_files.load_kinds())
    if workspace is None:
        raise InvalidManifests("no workspace can be made with these names", findings)
    desired = Desired(accounts={}, keys={}, removals={}, digest="")
    project = Project(root=root, workspace=workspace, desired=desired, warnings=())
    return ImportGround(project=project, documents=(), recorded=Recorded(lineage=""), wish=wish)


def _is_node(document: Document) -> bool:
    return document.value["kind"] in ("Account", "SubAccount")


def _folder(pattern: str) -> PurePosixPath:
    """Where a pattern looks: what is before its first wildcard, and no file."""
    parts = PurePosixPath(pattern).parts
    fixed = next((place for place, part in enumerate(parts) if set(part) & set("*?[")), len(parts))
    base = PurePosixPath(*parts[:fixed])
    return base.parent if base.suffix in (".yaml", ".yml") else base


def _means(pattern: Sequence[str], path: Sequence[str]) -> bool:
    """As `load.find_files` reads a pattern: a folder means all that is below it."""
    if not pattern:
        return True
    if not path:
        return False
    if pattern[0] == "**":
        return _means(pattern[1:] or ("*",), path) or _means(pattern, path[1:])
    return fnmatchcase(path[0], pattern[0]) and _means(pattern[1:], path[1:])
