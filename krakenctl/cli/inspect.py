"""krakenctl inspect: what a key really is, said by the key itself."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption
from krakenctl.cli.shell import Shell, TextOrJson
from krakenctl.errors import CredentialError, UsageError

if TYPE_CHECKING:
    from krakenctl.inspection import Nonce, Oracle
    from krakenctl.model.inspection import Inspection
    from krakenctl.model.secret import Secret
    from krakenctl.pairs.harvest import Harvest

VIOLATION = 3

app = application()


class FailOn(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NEVER = "never"


def _option(flag: str, help_text: str, *, metavar: str | None = None, **more: Any) -> Any:
    variable = f"KRAKENCTL_INSPECT_{flag.strip('-').replace('-', '_').upper()}"
    return typer.Option(flag, metavar=metavar, envvar=variable, help=help_text, **more)


def _span(text: str) -> int:
    from krakenctl.model.time import parse_duration

    try:
        return 0 if text in ("0", "0s") else parse_duration(text)
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from None


_90_DAYS: Any = "90d"  # defaults, as their parser reads them
_14_DAYS: Any = "14d"


@app.command(
    epilog=example(
        """
        krakenctl inspect                                  # asks for key and secret; neither is shown
        krakenctl inspect --env-file .env --all
        krakenctl inspect --env KRAKEN_API_KEY,KRAKEN_API_SECRET -o json
        pass show kraken | krakenctl inspect --stdin       # two lines, NAME=VALUE lines, or JSON
        krakenctl inspect ApiKey/mm-desk/mm-btc
        """
    ),
)
def inspect(
    ctx: typer.Context,
    address: Annotated[
        str | None,
        typer.Argument(
            metavar="[ADDRESS|STORE:PATH]", show_default=False, help="A key of this workspace, or a place in a store."
        ),
    ] = None,
    stdin: Annotated[
        bool,
        _option("--stdin", 'Read key and secret from standard input: two lines, NAME=VALUE, or {"apiKey","secret"}.'),
    ] = False,
    env_file: Annotated[
        Path | None, _option("--env-file", "Read the pairs of a .env file, each found by its names.", metavar="FILE")
    ] = None,
    env: Annotated[
        str,
        _option(
            "--env",
            "Read environment variables: the names of two (KEY,SECRET), a prefix (MM for MM_API_KEY and MM_API_SECRET),"
            " or * for all pairs. Never their values.",
            metavar="NAMES",
        ),
    ] = "",
    only: Annotated[str, _option("--label", "Of several pairs, ask only this one.", metavar="LABEL")] = "",
    every: Annotated[bool, _option("--all", "Of several pairs, ask each.")] = False,
    endpoint: Annotated[
        str,
        _option(
            "--endpoint",
            "The exchange: a base URL, or sandbox. Left out: the workspace's; without a workspace https://api.kraken.com.",
            metavar="URL|sandbox",
        ),
    ] = "",
    nonce: Annotated[
        str,
        _option(
            "--nonce",
            "What the program that uses the key sends: s, ms, us, ns, or the very number N to send. Left out: found out"
            " by asking with the coarsest clock first. Needed where a program counts its calls: a clock's number would"
            " lock it out.",
            metavar="s|ms|us|ns|N",
        ),
    ] = "",
    otp: Annotated[bool, _option("--otp", "The key has a second factor: ask for it.")] = False,
    otp_env: Annotated[
        str, _option("--otp-env", "The environment variable that holds the second factor.", metavar="NAME")
    ] = "",
    probe: Annotated[
        bool,
        _option(
            "--probe",
            "Try each permission too, by calls that change nothing, where there are such calls: ten more at most, which"
            " may take half a minute.",
        ),
    ] = False,
    fail_on: Annotated[FailOn, _option("--fail-on", "From which severity on to exit 3.")] = FailOn.ERROR,
    max_age: Annotated[
        int, _option("--max-age", "How old a key may be; 0: as old as it likes.", metavar="DURATION", parser=_span)
    ] = _90_DAYS,
    expires_within: Annotated[
        int, _option("--expires-within", "How near an end is worth a warning.", metavar="DURATION", parser=_span)
    ] = _14_DAYS,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Show what a key really is: its account, what it may do and from where, until when; and what is wrong with that.

    The key is asked about itself, in one harmless call; a nonce in seconds that it refuses is tried once more in
    milliseconds. Key and secret come from a hidden prompt, or from where a flag says; never from the command line.
    Needs no workspace.
    """
    from krakenctl.audit.rules import Policy
    from krakenctl.inspection import endpoint_of, nonce_of, open_oracle

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    _refuse_two_sources(address, stdin=stdin, env_file=env_file, env=env)
    wanted = nonce_of(nonce)
    where = endpoint_of(shell.root(), endpoint)
    if not (address or stdin or env_file or env):
        _announce(shell, where)
    harvest, meant = _harvest(shell, address, stdin=stdin, env_file=env_file, env=env, nonce=wanted)
    harvest = _chosen(harvest, only, every=every)
    if meant is None:
        _warn(shell, len(harvest.pairs), where)
    second = _second_factor(shell, otp_env, ask=otp)
    with open_oracle(shell.root(), where) as oracle:
        policy = Policy(oldest=max_age, soon=expires_within)
        inspection = _asked(shell, oracle, harvest, nonce=meant, otp=second, policy=policy, probe=probe)
    _show(shell, inspection)
    raise typer.Exit(_exit_code(inspection, fail_on))


def _refuse_two_sources(address: str | None, *, stdin: bool, env_file: Path | None, env: str) -> None:
    named = {"ADDRESS": address, "--stdin": stdin, "--env-file": env_file, "--env": env}
    given = [flag for flag, value in named.items() if value]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} each say where the key comes from", hint="give one of them")


def _harvest(
    shell: Shell, address: str | None, *, stdin: bool, env_file: Path | None, env: str, nonce: Nonce
) -> tuple[Harvest, Nonce]:
    """From whichever source was named, and how to ask what it gave."""
    from krakenctl.pairs import sources

    if address:
        return _kept(shell, address, nonce)
    if stdin:
        return sources.stream(_piped()), nonce
    if env_file:
        return sources.env_file(env_file), nonce
    return (sources.variables(env, os.environ) if env else _typed(shell)), nonce


def _piped() -> BinaryIO:
    """Raises UsageError for a terminal, which would show what is typed."""
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "--stdin reads from a pipe or a file, and a terminal would show what is typed",
            hint="leave it out to be asked, or pipe the key in",
        )
    return sys.stdin.buffer


def _kept(shell: Shell, address: str, nonce: Nonce) -> tuple[Harvest, Nonce]:
    from krakenctl.cli import addresses
    from krakenctl.inspection import nonce_beside
    from krakenctl.model.desired import SecretRef
    from krakenctl.pairs import kept
    from krakenctl.pairs.harvest import Harvest

    root = shell.root()
    store, colon, path = address.partition(":")
    if colon:
        found = kept.of_place(root, SecretRef(store, path), os.environ)
    else:
        wanted = addresses.parse(address, lambda: addresses.of_kind("ApiKey", root))
        if wanted.kind != "ApiKey":
            raise UsageError(f"{address} is no key", hint="keys are written ApiKey/account/name")
        found = kept.of_address(root, wanted, os.environ)
    return Harvest(pairs=(found.found,)), nonce_beside(found.scale) if nonce is None else nonce


def _announce(shell: Shell, where: str) -> None:
    """Before anybody types a secret: who will be asked. Raises UsageError without a terminal."""
    if not shell.is_attended:
        raise UsageError(
            "there is no terminal to ask for key and secret on",
            hint="name where they are: --stdin, --env-file FILE, --env KEY,SECRET or ADDRESS",
        )
    shell.note(f"The key will be asked about itself at {where}. What you type is neither shown nor kept.")


def _warn(shell: Shell, keys: int, where: str) -> None:
    """Nobody has said what their programs send, and a program that counts would be locked out."""
    which = "1 key is" if keys == 1 else f"{keys} keys are"
    shell.note(
        f"{which} asked at {where} with a clock: seconds, then milliseconds. A program that counts its calls is locked"
        " out by either; --nonce says what it sends (see --help)."
    )


def _typed(shell: Shell) -> Harvest:
    from krakenctl.model.inspection import short
    from krakenctl.pairs import sources
    from krakenctl.pairs.harvest import Harvest, Labelled

    pair = sources.prompted(hidden, shell.note)
    return Harvest(pairs=(Labelled(label=short(pair.public_key), pair=pair),))


def hidden(question: str) -> Secret:
    """What is typed at a prompt that shows none of it; empty also where nobody will type any more.

    Not typer's prompt: it shows the question first and throws away what is pasted before it listens.
    """
    from getpass import getpass

    from krakenctl.model.secret import Secret

    try:
        return Secret(getpass(f"{question} (not shown): "))
    except EOFError:
        return Secret("")


def _chosen(harvest: Harvest, only: str, *, every: bool) -> Harvest:
    """The pairs that are meant. Raises CredentialError where there is none, and UsageError where it is not clear."""
    from dataclasses import replace

    pairs = harvest.pairs
    if not pairs:
        told = "; ".join(finding.message for finding in harvest.findings)
        raise CredentialError(
            f"no key pair was found{': ' + told if told else ''}",
            hint="names like MM_API_KEY and MM_API_SECRET are looked for, or give --env KEY,SECRET",
        )
    if only:
        pairs = tuple(one for one in pairs if one.label.casefold() == only.casefold())
    labels = ", ".join(one.label for one in harvest.pairs)
    if not pairs:
        raise UsageError("no pair goes by this --label", hint=f"there are: {labels}")
    if len(pairs) > 1 and not every:
        raise UsageError(f"there are {len(pairs)} pairs: {labels}", hint="add --all, or --label LABEL")
    return replace(harvest, pairs=pairs)


def _second_factor(shell: Shell, variable: str, *, ask: bool) -> Secret | None:
    from krakenctl.model.secret import Secret

    if variable:
        if not os.environ.get(variable):
            raise CredentialError("the environment variable that --otp-env names is not set", hint="export it")
        return Secret(os.environ[variable])
    if not ask:
        return None
    if not shell.is_attended:
        raise UsageError("there is no terminal to ask for the second factor on", hint="use --otp-env NAME")
    return hidden("Second factor")


def _asked(shell: Shell, oracle: Oracle, harvest: Harvest, **how: Any) -> Inspection:
    """Where one key is meant, its error is the command's; what was found where it came from is told before."""
    from krakenctl.errors import ExchangeError
    from krakenctl.inspection import describe, inspect
    from krakenctl.model.inspection import Inspection

    if len(harvest.pairs) > 1:
        return inspect(oracle, harvest, **how)
    try:
        one = describe(oracle, harvest.pairs[0], **how)
    except ExchangeError:
        for finding in harvest.findings:
            shell.note(f"{finding.severity.value} {finding.rule}: {finding.message}")
        raise
    return Inspection(endpoint=oracle.endpoint, now=oracle.now(), keys=(one,), findings=harvest.findings)


def _show(shell: Shell, inspection: Inspection) -> None:
    from krakenctl.render import inspection as view

    if shell.json:
        shell.print_json(view.as_json(inspection))
    else:
        shell.print(view.text(inspection, shell.paint()))


def _exit_code(inspection: Inspection, fail_on: FailOn) -> int:
    """A key that did not answer is an error, whatever the others are."""
    if not inspection.whole:
        return 1
    worst = inspection.worst()
    counted = {FailOn.ERROR: ("error",), FailOn.WARNING: ("error", "warning"), FailOn.NEVER: ()}[fail_on]
    return VIOLATION if worst is not None and worst.value in counted else 0
