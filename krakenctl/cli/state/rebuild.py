"""krakenctl state rebuild: a lost state is put together again, shown, and remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import (
    NO_PATIENCE,
    ColorOption,
    DirOption,
    LockTimeoutOption,
    OutputOption,
    ParallelismOption,
    options_of,
    yes_option,
)
from krakenctl.cli.shell import Shell, TextOrJson

if TYPE_CHECKING:
    from krakenctl.model.rebuilt import Rebuilt

_option = options_of("STATE_REBUILD")
app = application()


@app.command(
    epilog=example(
        """
        krakenctl state rebuild --dry-run     # what could be known, and what not
        krakenctl state rebuild
        """
    )
)
def rebuild(
    ctx: typer.Context,
    lineage: Annotated[
        str, _option("--lineage", "Whose keys are ours, where the stores hold those of several.", metavar="LINEAGE")
    ] = "",
    replace: Annotated[
        bool, _option("--replace", "Even if there is a state that remembers keys; a copy of it is kept.")
    ] = False,
    without_secrets: Annotated[
        bool,
        _option("--without-secrets", "Even if keys with this workspace's tag are live and the stores hold no secret."),
    ] = False,
    dry_run: Annotated[bool, _option("--dry-run", "Show it, and remember nothing.")] = False,
    yes: Annotated[bool, yes_option("STATE_REBUILD")] = False,
    lock_timeout: LockTimeoutOption = NO_PATIENCE,
    parallelism: ParallelismOption = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Put a lost state together again from the exchange and the stores, and say what nobody could know.

    Neither of the two is changed. The stores must be readable here. Look at `krakenctl plan` afterwards.
    """
    shell = Shell.of(ctx, directory, output, no_color=no_color, parallelism=parallelism)
    if dry_run:
        _show(shell, lineage, replace=replace, without_secrets=without_secrets)
        return
    if not _restore(
        shell, lineage, replace=replace, without_secrets=without_secrets, yes=yes, lock_timeout=lock_timeout
    ):
        raise typer.Exit(1)


def _show(shell: Shell, lineage: str, *, replace: bool, without_secrets: bool) -> None:
    """Needs no lease: it remembers nothing."""
    from krakenctl.workflow import open_desk

    with open_desk(shell.project(), parallelism=shell.parallelism) as desk:
        _print(shell, desk.rebuild(lineage, replace=replace, without_secrets=without_secrets), always=True)


def _restore(shell: Shell, lineage: str, *, replace: bool, without_secrets: bool, yes: bool, lock_timeout: int) -> bool:
    """False: somebody said no."""
    from krakenctl.actor import new_run
    from krakenctl.render import rebuilt as view
    from krakenctl.workflow import open_desk

    with (
        open_desk(shell.project(), parallelism=shell.parallelism) as desk,
        desk.lease(new_run("state rebuild"), lock_timeout, shell.note),
    ):
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
