"""A runbook: a file with what a person is to do on the website. What it shows is journalled, so that it stays true."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from krakenctl.errors import UsageError

if TYPE_CHECKING:
    from krakenctl.model.plan import Plan
    from krakenctl.workflow import Desk


def refuse_target(target: Path | None) -> None:
    """Before anything is planned. Raises UsageError when no file can be made there."""
    if target is not None and not target.parent.is_dir():
        raise UsageError(f"no runbook can be written to {target}: there is no folder {target.parent}")


def write_runbook(target: Path, plan: Plan, desk: Desk) -> int:
    """How many steps it has. Raises UsageError for a file that is there already and says something else."""
    from krakenctl.render import human

    steps = desk.human_steps(plan)
    if steps:
        content = human.runbook(plan.workspace, plan.endpoint, steps).encode()
        try:
            is_new = not _says(target, content)
            desk.show(plan)
            if is_new:
                _write(target, content)
        except OSError as problem:
            raise UsageError(f"the runbook cannot be written to {target}: {problem.strerror}") from None
    return len(steps)


def _says(target: Path, content: bytes) -> bool:
    """Whether it is there already. Raises UsageError where that file says something else."""
    if not target.exists():
        return False
    if target.read_bytes() != content:
        raise UsageError(f"{target} is there already, and says something else", hint="name another file")
    return True


def _write(target: Path, content: bytes) -> None:
    from krakenctl import files

    files.write_whole(target, content, mode=0o600)
