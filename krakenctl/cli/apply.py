"""krakenctl apply: make the exchange what the manifests say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.limits import AllowOption, MaxRevokesOption, ReasonOption, raised
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
from krakenctl.errors import UsageError

if TYPE_CHECKING:
    from krakenctl.model.plan import Plan, SavedPlan
    from krakenctl.workflow import Desk

_option = options_of("APPLY")
app = application()


@app.command(
    epilog=example(
        """
        krakenctl apply                                  # plans, asks, applies
        krakenctl apply --yes                            # does not ask
        krakenctl plan --out tonight.plan && krakenctl apply tonight.plan --yes
        krakenctl apply --allow withdraw --reason "the treasury's key, ticket 4711"
        krakenctl apply --runbook steps.md               # what a person has to do on the website, for later
        """
    )
)
def apply(
    ctx: typer.Context,
    plan: Annotated[
        Path | None, typer.Argument(metavar="[PLAN]", help="What `plan --out` saved; left out: plan now.")
    ] = None,
    yes: Annotated[bool, yes_option("APPLY")] = False,
    allow: AllowOption = [],  # noqa: B006 - typer copies it
    max_revokes: MaxRevokesOption = None,
    reason: ReasonOption = "",
    runbook: Annotated[
        Path | None,
        _option(
            "--runbook",
            "Write the steps that a person takes on Kraken's website to FILE, as Markdown with boxes to tick,"
            " instead of asking for them; with --yes, what needs no person is done all the same.",
            metavar="FILE",
        ),
    ] = None,
    stdin: Annotated[
        bool,
        _option(
            "--stdin",
            "A person has taken the steps of a runbook: read what came of them from standard input, a JSON object"
            ' a line, {"account","name","apiKey","secret"} for a new key and {"account","name","done":true} for another'
            ' step. "account" may be left out where only one has a key of that name.',
        ),
    ] = False,
    accept_unverified: Annotated[
        str | None,
        _option(
            "--accept-unverified",
            "Take every key that waits because it cannot be looked at from this host as it should be, and name each;"
            " with --stdin only those that a line tells of, and at a terminal only once you have said of one that it is"
            " right. REASON is kept on the record, with what Kraken said.",
            metavar="REASON",
        ),
    ] = None,
    lock_timeout: LockTimeoutOption = NO_PATIENCE,
    parallelism: ParallelismOption = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Make the exchange what the manifests say.

    A saved plan is planned again first, and refused with exit code 5 when anything moved, or its time is over. Applied
    again, it takes only the steps that are still open. A plan beyond a safety limit is shown, and refused with
    exit code 7 unless the limit is raised for this run.

    Where no API makes keys, it walks a person at the terminal through Kraken's website, step by step, and looks at what
    was done. Nobody there: these changes wait, exit code 8.
    """
    from krakenctl.cli.carry_out import carry_out
    from krakenctl.cli.person import at_hand, tell_unused
    from krakenctl.cli.plan_output import read_plan
    from krakenctl.cli.runbook import refuse_target

    shell = Shell.of(ctx, directory, output, no_color=no_color, parallelism=parallelism)
    limits = raised(allow, max_revokes, reason)
    saved = read_plan(plan) if plan else None
    refuse_target(runbook)
    unseen = _reason(accept_unverified)
    person = None if runbook else at_hand(shell, stdin=stdin, reason=unseen)
    code = carry_out(
        shell,
        "apply",
        lambda desk: desk.plan() if saved is None else _open_part(shell, desk, saved),
        question="Apply this plan?",
        yes=yes,
        lock_timeout=lock_timeout,
        raised=limits,
        person=person,
        runbook=runbook,
    )
    raise typer.Exit(tell_unused(shell, person, code))


def _reason(said: str | None) -> str:
    """Empty: nobody said that anything may be taken unseen. Raises UsageError where they did not say why."""
    if said is not None and not said.strip():
        raise UsageError("--accept-unverified needs a reason, which is kept on the record", hint="say why nobody looks")
    return (said or "").strip()


def _open_part(shell: Shell, desk: Desk, saved: SavedPlan) -> Plan | None:
    """What is left of a saved plan, and a word on what is not."""
    from krakenctl.model.time import show_time

    fresh = desk.refresh(saved)
    done = [mark for mark in desk.marks(saved) if mark.done]
    if done:
        last = max(done, key=lambda mark: mark.at)
        when = f"at {show_time(last.at)} by {last.who}"
        everything = sum(change.is_change for change in saved.plan.changes)
        if fresh is None:
            shell.note(f"This plan was applied already, {when}; nothing to do.")
        else:
            shell.note(f"{len(done)} of the {everything} changes of this plan were done already, {when}.")
    return fresh
