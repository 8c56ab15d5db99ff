"""krakenctl import: keys that there are, brought under management as they are."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from krakenctl.cli.asking import (
    NONCE_HELP,
    another,
    may_ask,
    piped,
    refuse_none,
    refuse_unattended,
    second_factor,
    typed,
)
from krakenctl.cli.command import application, example
from krakenctl.cli.options import (
    NO_PATIENCE,
    ColorOption,
    DirOption,
    LockTimeoutOption,
    OutputOption,
    options_of,
    otp_env_option,
    yes_option,
)
from krakenctl.cli.shell import Shell, TextOrJson
from krakenctl.errors import NeedsPerson, UsageError
from krakenctl.model.surface import USUAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from krakenctl.model.address import Address
    from krakenctl.model.importing import Import
    from krakenctl.pairs.harvest import Harvest, Labelled

LISTED = USUAL  # the keys that Kraken lists of accounts on Connect

_option = options_of("IMPORT")
app = application()


_SOURCE = "A .env or JSON file, - for standard input, STORE:PATH; or connect: the keys listed there. Repeatable."
SourceOption = Annotated[list[str] | None, _option("--from", _SOURCE, metavar="SOURCE")]
StrayArgument = Annotated[str, typer.Argument(hidden=True, metavar="[--from SOURCE]")]
InteractiveOption = Annotated[bool, _option("--interactive", "Ask for key and secret; neither is shown.")]
_TO = (
    "Import this key only, and under this address. LABEL is what its source calls it, or its name on Kraken with --from"
    " connect; left out: the only one. Repeatable."
)
ToOption = Annotated[list[str] | None, _option("--to", _TO, metavar="ADDRESS[=LABEL]")]
_ACCOUNT = "The account that the keys belong to: a declared one, or a new name."
AccountOption = Annotated[str, _option("--account", _ACCOUNT, metavar="NAME")]
OutOption = Annotated[
    str, _option("--out", "The folder for the new manifest, relative to the workspace.", metavar="DIR")
]
EndpointOption = Annotated[
    str, _option("--endpoint", "Of a new workspace. Left out: https://api.kraken.com.", metavar="URL")
]
_TAG = "Of a new workspace: two characters a-z 0-9. Left out: any."
TagOption = Annotated[str, _option("--tag", _TAG, metavar="TAG")]
NonceOption = Annotated[
    str, _option("--nonce", f"What the programs that use these keys send: {NONCE_HELP}", metavar="s|ms|us|ns|N")
]
OtpOption = Annotated[bool, _option("--otp", "The key has a second factor: ask for it. For one key at a time.")]
OtpEnvOption = Annotated[str, otp_env_option("IMPORT")]
YesOption = Annotated[bool, yes_option("IMPORT")]
DryRunOption = Annotated[bool, _option("--dry-run", "Ask the keys and show what would be written; write nothing.")]


@app.command(
    "import",
    epilog=example(
        """
        krakenctl import --from .env --dry-run      # what would be written
        krakenctl import --from .env
        krakenctl import --interactive              # asks for key and secret until one is left empty
        krakenctl import --from main:bots/mm-btc    # from a store of the workspace
        krakenctl import --from connect             # what Connect lists and nobody manages, without secrets
        krakenctl import --from connect --to "ApiKey/mm-desk/mm-btc=My bot #2"
        """
    ),
)
def import_(
    ctx: typer.Context,
    stray: StrayArgument = "",
    source: SourceOption = None,
    interactive: InteractiveOption = False,
    to: ToOption = None,
    account: AccountOption = "",
    out: OutOption = "",
    endpoint: EndpointOption = "",
    tag: TagOption = "",
    nonce: NonceOption = "",
    otp: OtpOption = False,
    otp_env: OtpEnvOption = "",
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    lock_timeout: LockTimeoutOption = NO_PATIENCE,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Bring keys that exist under management: each is asked about itself, declared as it is, its secret stored.

    One harmless call a key; nothing on Kraken changes, and the plan afterwards has no change. No file that exists is
    changed: a new manifest is written, and without a workspace a krakenctl.yaml. The source is left as it is: delete it
    once your programs read their keys from the store. Exits 1 if no key could be imported.
    """
    from krakenctl.tasks.importing.errand import Errand
    from krakenctl.tasks.importing.run import adopt, bring, to_be_asked
    from krakenctl.tasks.nonces import nonce_of
    from krakenctl.tasks.oracle import endpoint_of

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    if stray:
        raise UsageError(f"{stray} is no option of import", hint=f"say so: --from {stray}")
    errand = Errand(
        account=account, folder=out, endpoint=endpoint, tag=tag, nonce=nonce_of(nonce), to=_wishes(to or [])
    )
    if source == [LISTED] and not interactive:
        done = adopt(shell.root(), errand, dry_run=dry_run, patience=lock_timeout, say=shell.note)
    else:
        where = endpoint_of(shell.directory, endpoint)
        harvest = _harvest(shell, source or [], where if interactive else "", guessed=not nonce)
        asked = 0 if nonce or interactive else to_be_asked(shell.directory, harvest, errand)
        if asked and not may_ask(shell, asked, where, yes=yes):
            shell.note("Nothing was asked.")
            raise typer.Exit(1)
        errand = replace(errand, otp=second_factor(shell, otp_env, ask=otp))
        done = bring(shell.directory, harvest, errand, dry_run=dry_run, patience=lock_timeout, say=shell.note)
    _show(shell, done, [each for each in source or [] if Path(each).is_file()])
    raise typer.Exit(int(done.failed))


def _wishes(told: Sequence[str]) -> dict[str, Address]:
    """`ADDRESS=LABEL`, by label. Raises UsageError."""
    from krakenctl.cli import addresses

    wishes: dict[str, Address] = {}
    for one in told:
        text, _, label = one.partition("=")
        address = addresses.parse(text, lambda: ())
        if address.kind != "ApiKey":
            raise UsageError(f"--to {text} is no key", hint="keys are written ApiKey/account/name")
        if label in wishes or address in wishes.values():
            raise UsageError(f"--to names {label if label in wishes else address} twice", hint="leave one out")
        wishes[label] = address
    return wishes


def _harvest(shell: Shell, sources: list[str], asked_at: str, *, guessed: bool) -> Harvest:
    """Every pair, each once. `asked_at`: for what is typed. Raises UsageError, or CredentialError for none at all."""
    from krakenctl.pairs.harvest import Harvest
    from krakenctl.pairs.names import gathered

    if bool(sources) == bool(asked_at):
        raise UsageError("where are the keys?", hint="give --from FILE, or --interactive; not both")
    found = [_typed(shell, asked_at, guessed=guessed)] if asked_at else [_read(shell, each) for each in sources]
    whole = gathered(one for harvest in found for one in harvest.pairs)
    findings = tuple(finding for harvest in found for finding in harvest.findings)
    findings += tuple(finding for finding in whole.findings if finding not in findings)
    harvest = Harvest(pairs=whole.pairs, findings=findings)
    refuse_none(harvest, "names like MM_API_KEY and MM_API_SECRET are looked for")
    return harvest


def _read(shell: Shell, source: str) -> Harvest:
    from krakenctl.cli import places
    from krakenctl.pairs import kept, sources
    from krakenctl.pairs.harvest import Harvest

    if source == "-":
        return sources.stream(piped("--from -", instead="use --interactive to be asked"))
    if ":" in source and not Path(source).exists():
        place = places.parse(source, shell.root())
        return Harvest(pairs=(kept.pair_at(shell.root(), place, os.environ),))
    _refuse_store(shell, source)
    return sources.env_file(Path(source))


def _refuse_store(shell: Shell, source: str) -> None:
    """A store keeps more than what is to be imported, and cannot always be listed."""
    from krakenctl.errors import KrakenctlError
    from krakenctl.project import read_workspace

    try:
        stores = tuple(read_workspace(shell.root()).stores)
    except KrakenctlError:
        stores = ()
    if source in ("store", *stores) and not Path(source).exists():
        store = source if source in stores else next(iter(stores), "main")
        raise UsageError(f"{source} says which store, and not where in it", hint=f"write --from {store}:bots/mm-btc")


def _typed(shell: Shell, where: str, *, guessed: bool) -> Harvest:
    """Pair after pair, until somebody leaves the first half empty."""
    from krakenctl.pairs.harvest import Harvest, Labelled
    from krakenctl.pairs.names import ONLY

    refuse_unattended(shell, "use --from FILE, or --from -")
    shell.note("Leave the API key empty when there are no more.")
    pairs: list[Labelled] = []
    while True:
        try:
            pair = typed(shell, where, guessed=guessed, kept=True) if not pairs else another(shell)
            pairs.append(Labelled(label=ONLY, pair=pair, named=True))
        except NeedsPerson:
            if not pairs:
                raise
            return Harvest(pairs=tuple(pairs))
        except KeyboardInterrupt:
            shell.note("Nothing was imported.")
            raise


def _show(shell: Shell, done: Import, read: Sequence[str]) -> None:
    """`read`: the files that still hold the secrets."""
    from krakenctl.render import importing as view

    if shell.json:
        shell.print_json(view.to_json(done))
    else:
        shell.print(view.text(done, shell.paint()))
        if done.keys and not done.dry_run:
            shell.tell(f"Next: `krakenctl plan` shows no changes.{_to_delete(read)}")


def _to_delete(read: Sequence[str]) -> str:
    from krakenctl.render.paint import visible

    if not read:
        return ""
    still, them = ("still holds", "it") if len(read) == 1 else ("still hold", "them")
    names = " and ".join(map(visible, read))
    return f" {names} {still} the secrets: delete {them} once your programs read their keys from the store."
