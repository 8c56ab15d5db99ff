"""krakenctl drift: where live, recorded and desired part."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import (
    ColorOption,
    DirOption,
    ParallelismOption,
    duration,
    format_option,
    options_of,
    under_option,
)
from krakenctl.cli.shell import PlanFormat, Shell
from krakenctl.model.drift import Drifted, Kind

DRIFT = 2
FORTNIGHT: Any = "14d"  # as the option's parser reads it

_SOON = "Which ends are soon: a key's last days, at most the second half of its life."
_option = options_of("DRIFT")
app = application()


@app.command(
    epilog=example(
        """
        krakenctl drift                        # exit code 2 when anything differs
        krakenctl drift ApiKey/mm-desk/mm-btc
        krakenctl drift --under mm-desk --ignore unmanaged
        krakenctl drift -o markdown > issue.md
        """
    )
)
def drift(
    ctx: typer.Context,
    addresses: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ADDRESS]…", help="Only these keys, as ApiKey/account/name. Left out: everything."),
    ] = None,
    under: Annotated[str, under_option("DRIFT")] = "",
    within: Annotated[int, _option("--within", _SOON, parser=duration, metavar="DURATION")] = FORTNIGHT,
    ignore: Annotated[
        list[Kind] | None, _option("--ignore", "Leave this kind out; may be repeated.", metavar="KIND")
    ] = None,
    parallelism: ParallelismOption = None,
    directory: DirOption = None,
    output: Annotated[PlanFormat, format_option("DRIFT")] = PlanFormat.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Show where live, last sent and declared part: who changed what, and what is not applied. Nothing is changed.

    Exit code 2 when anything differs. What could not be seen is always said.
    """
    from krakenctl.cli.addresses import of_kind, parse
    from krakenctl.tasks.drift.look import Question
    from krakenctl.tasks.drift.look import drift as look

    shell = Shell.of(ctx, directory, output, no_color=no_color, parallelism=parallelism)
    project = shell.project()
    asked = tuple(parse(text, lambda: of_kind("ApiKey", shell.root())) for text in addresses or ())
    question = Question(addresses=asked, under=under, within=within, ignore=frozenset(ignore or ()))
    found = look(project, question, parallelism=shell.parallelism, say=shell.note)
    _print(shell, found)
    if found.drifts:
        raise typer.Exit(DRIFT)


def _print(shell: Shell, found: Drifted) -> None:
    from krakenctl.render import drift as view

    if shell.json:
        shell.print_json(view.as_json(found))
    elif shell.output == PlanFormat.MARKDOWN:
        from krakenctl.render import drift_markdown

        shell.print(drift_markdown.render(found))
    else:
        shell.print(view.text(found, shell.paint()))
