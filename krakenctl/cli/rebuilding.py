"""How `krakenctl state rebuild` shows what it found, asks, and remembers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from krakenctl.cli.shell import Shell

if TYPE_CHECKING:
    from krakenctl.model.rebuilt import Rebuilt


def show(shell: Shell, lineage: str, *, replace: bool, without_secrets: bool) -> None:
    """Needs no lease: it remembers nothing."""
    from krakenctl.workflow import open_desk

    with open_desk(shell.project()) as desk:
        _print(shell, desk.rebuild(lineage, replace=replace, without_secrets=without_secrets), always=True)


def restore(shell: Shell, lineage: str, *, replace: bool, without_secrets: bool, yes: bool, lock_timeout: int) -> bool:
    """False: somebody said no."""
    from krakenctl.render import rebuilt as view
    from krakenctl.workflow import new_run, open_desk

    with open_desk(shell.project()) as desk, desk.lease(new_run("state rebuild"), lock_timeout, shell.note):
        rebuilt = desk.rebuild(lineage, replace=replace, without_secrets=without_secrets)
        _print(shell, rebuilt)
        if not yes and not shell.confirm("Remember this?", "--yes"):
            shell.note("Nothing was done.")
            return False
        aside = desk.restore(rebuilt)
        head = desk.log_head()
    if shell.json:
        shell.print_json(view.to_json(rebuilt, written=True, aside=aside, head=head))
    else:
        shell.print("\n" + view.written(rebuilt, aside, head, shell.paint()))
    return True


def _print(shell: Shell, rebuilt: Rebuilt, *, always: bool = False) -> None:
    """With -o json there is one document: the report at the end, or this one if there will be none."""
    from krakenctl.render import rebuilt as view

    if not shell.json:
        shell.print(view.render(rebuilt, shell.paint()))
    elif always:
        shell.print_json(view.to_json(rebuilt, written=False))
