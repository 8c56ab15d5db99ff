"""Do all documents together mean something that can be done? From documents to what is desired, readable top to bottom.

Every part reports what it finds and goes on, so that all mistakes are told at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from krakenctl.model.desired import Desired
from krakenctl.model.document import Document
from krakenctl.model.finding import Finding
from krakenctl.model.workspace import Workspace
from krakenctl.validate import hierarchy, sets, together
from krakenctl.validate.grants import Grants
from krakenctl.validate.keys import KeyMaker
from krakenctl.validate.report import Report, has_errors, in_order
from krakenctl.validate.resources import Resources, collect
from krakenctl.validate.settings import Reader
from krakenctl.validate.shape import Shapes

_ABOUT_ABSENCE = {"unknown-account", "unknown-set", "unused-set", "empty-workspace"}


def desired(
    documents: Sequence[Document],
    workspace: Workspace,
    digest: str,
    schemas: Mapping[str, dict[str, Any]],
    *,
    complete: bool = True,
    tolerated: Collection[str] = (),
) -> tuple[Desired | None, tuple[Finding, ...]]:
    """What the documents ask for, and everything that is wrong or odd about it, sorted by place.

    `schemas` are JSON Schemas by kind, as `schema_files.load_kinds()` gives them. The first part is None when there is
    any finding of severity error. The order of the documents does not matter. `complete` is False when some manifest
    could not be read: then nothing is desired, and what seems to be missing is not reported, because it may be there.
    `tolerated`: rules whose errors do not count, because they hide nothing of what is asked for.
    """
    report: Report = []
    resources = collect(documents, Shapes(schemas), report)
    wished = _make_sense(resources, workspace, digest, report)
    findings = in_order(report if complete else [each for each in report if each.rule not in _ABOUT_ABSENCE])
    counted = [each for each in findings if each.rule not in tolerated]
    return (wished if complete and not has_errors(counted) else None), findings


def _make_sense(resources: Resources, workspace: Workspace, digest: str, report: Report) -> Desired:
    reader = Reader(report)
    nodes = hierarchy.grow(resources, reader, report)
    grants = Grants(sets.resolve(resources, report), resources, report)
    maker = KeyMaker(nodes, workspace, reader, grants, report)
    made = (maker.make(resources.keys[address], resources) for address in sorted(resources.keys))
    keys = {key.address: key for key in made if key is not None}
    accounts = {name: node.account for name, node in nodes.items()}
    gone = together.removals(resources, report)
    report.extend(together.check_keys(keys, accounts))
    report.extend(together.check_accounts(accounts))
    report.extend(together.check_former(keys, resources, gone))
    report.extend(together.unused_sets(resources))
    if not (resources.accounts or resources.keys or report):
        report.append(_empty())
    return Desired(accounts=accounts, keys=keys, removals=dict(sorted(gone.items())), digest=digest)


def _empty() -> Finding:
    message = "the manifests declare neither an account nor a key"
    return Finding(rule="empty-workspace", message=message, hint="an empty wish would revoke everything")
