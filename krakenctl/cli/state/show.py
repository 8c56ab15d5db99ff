"""krakenctl state show: all that is recorded of one key or account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption
from krakenctl.cli.shell import Shell, TextOrJson
from krakenctl.errors import StateError

if TYPE_CHECKING:
    from krakenctl.model.recorded import Recorded

app = application()


@app.command(epilog=example("krakenctl state show ApiKey/mm-desk/mm-btc"))
def show(
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="As `state list` prints it.")],
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Show all that is recorded of one key or account."""
    from krakenctl.render import state as view
    from krakenctl.tasks.remembered import recorded

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    everything = recorded(shell.root())
    found = view.one_json(everything, address)
    if found is None:
        raise _unknown(address, everything)
    if shell.json:
        shell.print_json(found)
    else:
        shell.print(view.one_text(found, shell.paint()))


def _unknown(address: str, recorded: Recorded) -> StateError:
    from difflib import get_close_matches

    from krakenctl.render import state as view

    near = get_close_matches(address, view.addresses(recorded), n=1)
    hint = f"did you mean {near[0]}?" if near else "`krakenctl state list` prints what is there"
    return StateError(f"nothing is recorded of {address}", hint=hint)
