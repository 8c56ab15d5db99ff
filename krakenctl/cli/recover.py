"""krakenctl recover: finish or undo what an interrupted run has begun, and nothing else."""

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
)
from krakenctl.cli.shell import Shell, TextOrJson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from krakenctl.cli.person import Attending
    from krakenctl.model.address import Address
    from krakenctl.model.outcome import Recovered
    from krakenctl.model.recovery import Recovery
    from krakenctl.model.run import Lease
    from krakenctl.project import Project
    from krakenctl.workflow import Desk

PENDING, UNFINISHED, WAITING, INTERRUPTED = 2, 4, 8, 130

_option = options_of("RECOVER")
app = application()


@app.command(
    epilog=example(
        """
        krakenctl recover --dry-run                      # what is left, and what would be done about it
        krakenctl recover
        krakenctl recover --exists SubAccount/mm-desk    # you looked on the website, and it is there
        krakenctl recover --absent ApiKey/mm-desk/mm-btc # and this key, which had been given up, is not
        """
    )
)
def recover(
    ctx: typer.Context,
    dry_run: Annotated[bool, _option("--dry-run", "Only say what would be done, and why.")] = False,
    exists: Annotated[
        list[str],
        _option(
            "--exists",
            "A sub-account that you found on the website, where it was not known whether it came to be.",
            metavar="ADDRESS",
        ),
    ] = [],  # noqa: B006 - typer copies it
    absent: Annotated[
        list[str],
        _option(
            "--absent",
            "One that you did not find there: the next plan requests it again. Or a key that was given up, answers no"
            " more, or is only said to be revoked; with its name on Kraken, where several of its address are in"
            " question. It is asked once more where it can be, and one that answers is not taken for gone.",
            metavar="ADDRESS[:NAME]",
        ),
    ] = [],  # noqa: B006 - typer copies it
    lock_timeout: LockTimeoutOption = NO_PATIENCE,
    parallelism: ParallelismOption = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Finish or undo what an interrupted run has begun, and nothing else.

    Every command that changes something does this first, so that it is needed only when nothing else is to be done. A
    new key whose secret is kept is checked and promoted; one whose secret is lost is revoked. A key that is not
    provably ours is never touched. Exit code 4: something could not be finished yet; 8: a person has to answer. With
    --dry-run 2: something is to be done.
    """
    from krakenctl.actor import new_run
    from krakenctl.cli.person import at_hand
    from krakenctl.errors import UsageError
    from krakenctl.workflow import open_desk

    shell = Shell.of(ctx, directory, output, no_color=no_color, parallelism=parallelism)
    if dry_run and (exists or absent):
        raise UsageError("--dry-run changes nothing, and an answer would", hint="leave one of the two out")
    if both := sorted({*exists} & {*absent}):
        raise UsageError(f"{both[0]} cannot be both there and not there", hint="give one answer for each")
    person = None if dry_run else at_hand(shell)
    with open_desk(_project(shell), parallelism=shell.parallelism, person=person, say=shell.note) as desk:
        if dry_run:
            for finding in desk.mistaken():
                shell.note(f"{finding.message}: {finding.hint}.")
            raise typer.Exit(_tell(shell, desk.foresee(), desk.running()))
        with desk.lease(new_run("recover"), lock_timeout, shell.note):
            _answer(shell, desk, exists, absent)
            code = _run(shell, desk, person)
    raise typer.Exit(code)


def _project(shell: Shell) -> Project:
    """Manifests that are not sound are no reason to leave a key half made; they only vouch for nothing."""
    from krakenctl.errors import InvalidManifests
    from krakenctl.project import without_manifests

    try:
        return shell.project()
    except InvalidManifests as problem:
        project = without_manifests(shell.root())
        shell.note(f"{problem.message}: no key is promoted that may do more than the one it replaces.")
        return project


def _answer(shell: Shell, desk: Desk, exists: Sequence[str], absent: Sequence[str]) -> None:
    from krakenctl.cli.addresses import of_kind, parse

    for text, found in (*((text, True) for text in exists), *((text, False) for text in absent)):
        place, _, name = text.partition(":")
        address = parse(place, lambda: of_kind("SubAccount", desk.project.root))
        doubt = desk.answer(address, exists=found, name=name)
        shell.note(f"{address}: noted: {_noted(address, doubt, found=found)}")


def _noted(address: Address, doubt: str, *, found: bool) -> str:
    if address.kind != "SubAccount":
        told = "not there; it is not looked for any more"
        return f"{told}. Only your word says so: {doubt}" if doubt else told
    return "it exists; its owner has still to set it up" if found else "not there; the next plan requests it again"


def _tell(shell: Shell, recoveries: tuple[Recovery, ...], running: Lease | None) -> int:
    from krakenctl.render import recovery as view

    if running is not None:
        shell.note(f"{running.sentence()}: what is under way may be theirs, and is recovered only if they are gone.")
    if shell.json:
        shell.print_json(view.left_json(recoveries, running))
    else:
        shell.print(view.left_text(recoveries, shell.paint()))
    return _foreseen(recoveries)


def _foreseen(recoveries: tuple[Recovery, ...]) -> int:
    """What `recover` would leave with; or, where it would leave with 0 and do something, 2."""
    from krakenctl.model.recovery import Move

    moves = {recovery.move for recovery in recoveries}
    if Move.WAIT in moves:
        return UNFINISHED
    return WAITING if Move.ASK in moves else PENDING if moves else 0


def _run(shell: Shell, desk: Desk, person: Attending | None) -> int:
    from krakenctl.cli.interrupt import Interrupt
    from krakenctl.cli.person import heed
    from krakenctl.cli.recovering import exit_code, progress

    with Interrupt() as interrupt:
        heed(person, interrupt.seen)
        told = desk.recover(progress(shell), shell.note, interrupt.seen)
    _print(shell, told, desk.log_head())
    return INTERRUPTED if interrupt.seen() else exit_code(told)


def _print(shell: Shell, told: tuple[Recovered, ...], log_head: str) -> None:
    from krakenctl.render import recovery as view

    if shell.json:
        shell.print_json(view.done_json(told, log_head))
    else:
        shell.print(view.done_text(told, shell.paint(), log_head))
