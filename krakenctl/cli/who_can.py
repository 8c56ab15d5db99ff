"""krakenctl who-can: every key that holds a permission, or may make a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import (
    ColorOption,
    DirOption,
    OutputOption,
    ParallelismOption,
    options_of,
    under_option,
)
from krakenctl.cli.shell import Shell, TextOrJson
from krakenctl.errors import UsageError

if TYPE_CHECKING:
    from krakenctl.knowledge.facts import Endpoint
    from krakenctl.knowledge.needs import Needs
    from krakenctl.render.access import Asked

_option = options_of("WHO_CAN")
app = application()


@app.command(
    epilog=example(
        """\
        krakenctl who-can withdraw-funds
        krakenctl who-can AddOrder --under mm-desk
        krakenctl who-can withdraw-funds --offline -o json
        """
    )
)
def who_can(
    ctx: typer.Context,
    thing: Annotated[
        list[str], typer.Argument(metavar="PERMISSION|CALL", help="A permission or a call, in any spelling.")
    ],
    under: Annotated[str, under_option("WHO_CAN")] = "",
    offline: Annotated[bool, _option("--offline", "Only manifests and state; ask nobody.")] = False,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
    parallelism: ParallelismOption = None,
) -> None:
    """List every key that holds a permission or may make a call: as declared, as recorded and as live.

    Keys that nobody here manages are among them. It says of each account how much of its keys it can see. Nothing is
    changed.
    """
    from krakenctl.render import access as drawing
    from krakenctl.tasks.holders import Question, holders

    shell = Shell.of(ctx, directory, output, no_color=no_color, parallelism=parallelism)
    asked, needs = _asked(" ".join(thing))
    found = holders(shell.root(), Question(needs.met_by, under), offline=offline, parallelism=shell.parallelism)
    if shell.json:
        shell.print_json(drawing.who_json(asked, found))
    else:
        shell.print(drawing.who_text(asked, found, shell.paint()))


def _asked(text: str) -> tuple[Asked, Needs]:
    """A permission goes before a call of the same name. Raises UsageError."""
    from krakenctl.cli.explain import known, unknown
    from krakenctl.knowledge import look_up
    from krakenctl.knowledge.facts import Endpoint, PermissionFacts
    from krakenctl.knowledge.needs import Needs

    facts = known()
    found = look_up(text, facts)
    for entry in found:
        if isinstance(entry, PermissionFacts):
            needs = Needs.one(entry.code)
            return _words(entry.code.value, needs, is_call=False), needs
    calls = [entry for entry in found if isinstance(entry, Endpoint)]
    if not calls:
        raise unknown(text, facts)
    if len({call.needs for call in calls}) > 1:
        told = ", ".join(call.call for call in calls)
        raise UsageError(f"“{text}” is more than one call, and they need different things", hint=f"name one of {told}")
    return _words(calls[0].call, calls[0].needs, _note(calls[0]), is_call=True), calls[0].needs


def _words(what: str, needs: Needs, note: str = "", *, is_call: bool) -> Asked:
    from krakenctl.model.permission import in_order
    from krakenctl.render.access import Asked

    ways = tuple(tuple(permission.value for permission in in_order(way)) for way in needs.ways)
    return Asked(what=what, is_call=is_call, needs=str(needs), ways=ways, note=note)


def _note(call: Endpoint) -> str:
    told = []
    if call.guide is not None:
        told.append(f"So says Kraken's reference; its guide says {call.guide}.")
    if call.unless:
        told.append(f"Any valid key can when it is {call.unless}.")
    return " ".join(told)
