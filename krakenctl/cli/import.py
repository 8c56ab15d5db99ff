"""krakenctl import: keys that there are, brought under management as they are."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import NO_PATIENCE, ColorOption, DirOption, LockTimeoutOption, OutputOption
from krakenctl.cli.shell import Shell, TextOrJson
from krakenctl.errors import CredentialError, NeedsPerson, UsageError

if TYPE_CHECKING:
    from krakenctl.importing.run import Errand
    from krakenctl.model.importing import Import
    from krakenctl.pairs.harvest import Harvest, Labelled

LISTED = "connect"  # the keys that Kraken lists of accounts on Connect

app = application()


def _option(flag: str, help_text: str, *, metavar: str | None = None) -> Any:
    return typer.Option(
        flag, metavar=metavar, envvar=f"KRAKENCTL_IMPORT_{flag.strip('-').upper().replace('-', '_')}", help=help_text
    )


@app.command(
    "import",
    epilog=example(
        """
        krakenctl import --from .env --dry-run      # what would be written
        krakenctl import --from .env
        krakenctl import --interactive              # asks for key and secret until one is left empty
        krakenctl import --from main:bots/mm-btc    # from a store of the workspace
        krakenctl import --from connect             # what Connect lists and nobody manages, without secrets
        """
    ),
)
def import_(
    ctx: typer.Context,
    source: Annotated[
        list[str] | None,
        _option(
            "--from",
            "A .env or JSON file, - for standard input, STORE:PATH; or connect: the keys listed there. Repeatable.",
            metavar="SOURCE",
        ),
    ] = None,
    interactive: Annotated[bool, _option("--interactive", "Ask for key and secret; neither is shown.")] = False,
    account: Annotated[
        str, _option("--account", "The account that the keys belong to: a declared one, or a new name.", metavar="NAME")
    ] = "",
    out: Annotated[
        str, _option("--out", "The folder for the new manifest, relative to the workspace.", metavar="DIR")
    ] = "",
    endpoint: Annotated[
        str,
        _option("--endpoint", "Of a new workspace. Left out: https://api.kraken.com.", metavar="URL"),
    ] = "",
    tag: Annotated[str, _option("--tag", "Of a new workspace: two characters a-z 0-9. Left out: any.")] = "",
    nonce: Annotated[
        str,
        _option(
            "--nonce",
            "What the programs that use these keys send: s, ms, us, ns, or the very number N to send. Left out: found"
            " out, with the coarsest clock first. Needed where a program counts its calls.",
            metavar="s|ms|us|ns|N",
        ),
    ] = "",
    dry_run: Annotated[
        bool, _option("--dry-run", "Ask the keys and show what would be written; write nothing.")
    ] = False,
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
    from krakenctl.importing.run import Errand, adopt, bring
    from krakenctl.inspection import nonce_of

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    errand = Errand(account=account, folder=out, endpoint=endpoint, tag=tag, nonce=nonce_of(nonce))
    if source == [LISTED] and not interactive:
        done = adopt(shell.root(), errand, dry_run=dry_run, patience=lock_timeout, say=shell.note)
    else:
        harvest = _harvest(shell, source or [], interactive=interactive)
        _refuse_one_number(errand, harvest)
        done = bring(shell.directory, harvest, errand, dry_run=dry_run, patience=lock_timeout, say=shell.note)
    _show(shell, done)
    raise typer.Exit(int(done.failed))


def _harvest(shell: Shell, sources: list[str], *, interactive: bool) -> Harvest:
    """Every pair, each once. Raises UsageError or CredentialError where there is none."""
    from krakenctl.pairs.harvest import Harvest
    from krakenctl.pairs.names import gathered

    if bool(sources) == interactive:
        raise UsageError("where are the keys?", hint="give --from FILE, or --interactive; not both")
    found = [_typed(shell)] if interactive else [_read(shell, source) for source in sources]
    whole = gathered(one for harvest in found for one in harvest.pairs)
    findings = tuple(finding for harvest in found for finding in harvest.findings)
    findings += tuple(finding for finding in whole.findings if finding not in findings)
    if not whole.pairs:
        told = "; ".join(finding.message for finding in findings)
        raise CredentialError(
            f"no key pair was found{': ' + told if told else ''}",
            hint="names like MM_API_KEY and MM_API_SECRET are looked for",
        )
    return Harvest(pairs=whole.pairs, findings=findings)


def _read(shell: Shell, source: str) -> Harvest:
    from krakenctl.model.desired import SecretRef
    from krakenctl.pairs import kept, sources
    from krakenctl.pairs.harvest import Harvest

    if source == "-":
        return sources.stream(sys.stdin.buffer)
    store, colon, path = source.partition(":")
    if colon and not Path(source).exists():
        return Harvest(pairs=(kept.of_place(shell.root(), SecretRef(store, path), os.environ).found,))
    return sources.env_file(Path(source))


def _typed(shell: Shell) -> Harvest:
    """Pair after pair, until somebody leaves the first half empty."""
    from krakenctl.cli.inspect import hidden
    from krakenctl.pairs import sources
    from krakenctl.pairs.harvest import Harvest, Labelled
    from krakenctl.pairs.names import ONLY

    if not shell.is_attended:
        raise UsageError("there is no terminal to ask for key and secret on", hint="use --from FILE, or --from -")
    shell.note("What you type is not shown. Leave the API key empty when there are no more.")
    pairs: list[Labelled] = []
    while True:
        try:
            pairs.append(Labelled(label=ONLY, pair=sources.prompted(hidden, shell.note)))
        except NeedsPerson:
            if not pairs:
                raise
            return Harvest(pairs=tuple(pairs))


def _refuse_one_number(errand: Errand, harvest: Harvest) -> None:
    if isinstance(errand.nonce, int) and len(harvest.pairs) > 1:
        raise UsageError("--nonce N is about one key, and there are several", hint="import them one by one")


def _show(shell: Shell, done: Import) -> None:
    from krakenctl.render import importing as view

    if shell.json:
        shell.print_json(view.to_json(done))
    else:
        shell.print(view.text(done, shell.paint()))
        if done.keys and not done.dry_run:
            shell.note("Next: `krakenctl plan` shows no changes. The source of the keys still holds their secrets.")
