"""krakenctl verify: what keys can really do, beside what is declared of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, ParallelismOption, format_option, options_of
from krakenctl.cli.shell import PlanFormat, Shell

if TYPE_CHECKING:
    from krakenctl.model.verification import Verification
    from krakenctl.tasks.verification.run import VerifyWish

ERROR, DIFFERS = 1, 3

_option = options_of("VERIFY")
app = application()

_UNDER = "An account, as acme or SubAccount/mm-desk: the keys on it and below it."
UnderOption = Annotated[str, _option("--under", _UNDER, metavar="NODE")]
_PROBE = "Also try permissions, with calls that create, move and change nothing. Half a minute a key, at most."
ProbeOption = Annotated[bool, _option("--probe", _PROBE)]
_FAILURES = (
    "How many calls of one account may be refused: then its keys are asked no more. Failures in a row can lock an"
    " account."
)
FailuresOption = Annotated[int, _option("--failures", _FAILURES, min=0, max=4, metavar="N")]
CompleteOption = Annotated[bool, _option("--require-complete", "Exit 3 also when a key could not be seen.")]


@app.command(
    epilog=example(
        """
        krakenctl verify
        krakenctl verify ApiKey/mm-desk/mm-btc --probe
        krakenctl verify --under mm-desk --require-complete -o json   # in a pipeline: 3 is not as declared, or unseen
        krakenctl verify -o markdown > comment.md
        """
    )
)
def verify(
    ctx: typer.Context,
    addresses: Annotated[
        list[str] | None, typer.Argument(metavar="[ADDRESS]...", help="Of keys, as ApiKey/mm-desk/mm-btc.")
    ] = None,
    under: UnderOption = "",
    probe: ProbeOption = False,
    failures: FailuresOption = 3,
    require_complete: CompleteOption = False,
    parallelism: ParallelismOption = None,
    directory: DirOption = None,
    output: Annotated[PlanFormat, format_option("VERIFY")] = PlanFormat.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Compare what is declared of each key with what it really can do, and say how that is known.

    From its account's list where there is one, and from the key itself where that cannot disturb the program that uses
    it: consumer.nonce must be a clock, this host must be able to read its secret, and its allow-list must let this host
    in. Changes nothing.

    Exit code 3: a key differs. 1: nothing could be seen. 0: what was seen is as declared; the coverage says how much
    that is.
    """
    from krakenctl.tasks.verification.run import verify as verified

    shell = Shell.of(ctx, directory, output, no_color=no_color, parallelism=parallelism)
    wish = _wish(shell, addresses or [], under, probe=probe, failures=failures)
    found = verified(shell.project(), wish, parallelism=shell.parallelism, say=shell.note)
    _show(shell, found)
    raise typer.Exit(_exit_code(found, require_complete=require_complete))


def _show(shell: Shell, found: Verification) -> None:
    from krakenctl.render import verification as view

    if shell.json:
        shell.print_json(view.to_json(found))
    elif shell.output == PlanFormat.MARKDOWN:
        shell.print(view.markdown(found))
    else:
        shell.print(view.text(found, shell.paint()))


def _exit_code(found: Verification, *, require_complete: bool) -> int:
    if found.differs:
        return DIFFERS
    if found.blind:
        return ERROR
    return DIFFERS if require_complete and not found.complete else 0


def _wish(shell: Shell, addresses: list[str], under: str, *, probe: bool, failures: int) -> VerifyWish:
    """Raises UsageError."""
    from krakenctl.cli.addresses import of_kind, parse
    from krakenctl.errors import UsageError
    from krakenctl.tasks.verification.run import VerifyWish

    if addresses and under:
        raise UsageError("name keys by their addresses, or a node with --under, one of the two")
    found = [parse(text, lambda: of_kind("ApiKey", shell.root())) for text in addresses]
    for address in found:
        if address.kind != "ApiKey":
            raise UsageError(f"{address} is no key", hint=f"--under {address.name} verifies every key below it")
    kind, slash, node = under.rpartition("/")
    if slash and kind not in ("Account", "SubAccount"):
        raise UsageError(f"--under takes an account, and {under} is none", hint="as acme, or SubAccount/mm-desk")
    return VerifyWish(addresses=tuple(found), under=node, probe=probe, failures=failures)
