"""krakenctl inspect: what a key really is, said by the key itself."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from krakenctl.cli.asking import NONCE_HELP, may_ask, named, refuse_none, refuse_unattended, second_factor, typed
from krakenctl.cli.command import application, example
from krakenctl.cli.options import (
    ColorOption,
    DirOption,
    OutputOption,
    options_of,
    otp_env_option,
    span,
    yes_option,
)
from krakenctl.cli.shell import Shell, TextOrJson
from krakenctl.errors import UsageError

if TYPE_CHECKING:
    from krakenctl.model.inspection import Inspection
    from krakenctl.pairs.harvest import Harvest
    from krakenctl.pairs.kept import Kept
    from krakenctl.tasks.inspection import Manner
    from krakenctl.tasks.nonces import Nonce
    from krakenctl.tasks.oracle import Oracle

    Found = tuple[Harvest, Kept | None]  # and what the workspace knows of it; None: nothing does

VIOLATION = 3

_option = options_of("INSPECT")
app = application()


class FailOn(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NEVER = "never"


_90_DAYS: Any = "90d"  # defaults, as their parser reads them
_14_DAYS: Any = "14d"

# Where the key comes from
KeyArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[ADDRESS|STORE:PATH]", show_default=False, help="A key of this workspace, or a place in a store."
    ),
]
_STDIN = 'Read key and secret from standard input: two lines, NAME=VALUE, or {"apiKey","secret"}.'
StdinOption = Annotated[bool, _option("--stdin", _STDIN)]
EnvFileOption = Annotated[
    Path | None, _option("--env-file", "Read the pairs of a .env file, each found by its names.", metavar="FILE")
]
_ENV = (
    "Read environment variables: the names of two (KEY,SECRET), a prefix (MM for MM_API_KEY and MM_API_SECRET),"
    " or * for all pairs. Never their values."
)
EnvOption = Annotated[str, _option("--env", _ENV, metavar="NAMES")]
LabelOption = Annotated[str, _option("--label", "Of several pairs, ask only this one.", metavar="LABEL")]
AllOption = Annotated[bool, _option("--all", "Of several pairs, ask each.")]
YesOption = Annotated[bool, yes_option("INSPECT")]

# How it is asked
_ENDPOINT = "A base URL, or sandbox. Left out: the workspace's exchange; without a workspace https://api.kraken.com."
EndpointOption = Annotated[str, _option("--endpoint", _ENDPOINT, metavar="URL|sandbox")]
NonceOption = Annotated[
    str, _option("--nonce", f"What the program that uses the key sends: {NONCE_HELP}", metavar="s|ms|us|ns|N")
]
_ALIVE = (
    "Only find out whether key and secret are right, with a number so low that it gets in no program's way, whatever it"
    " sends. A key that has been used tells nothing more then."
)
AliveOption = Annotated[bool, _option("--alive", _ALIVE)]
OtpOption = Annotated[bool, _option("--otp", "The key has a second factor: ask for it.")]
OtpEnvOption = Annotated[str, otp_env_option("INSPECT")]
_PROBE = (
    "Try each permission too, by calls that change nothing, where there are such calls: ten more at most, which may"
    " take a minute."
)
ProbeOption = Annotated[bool, _option("--probe", _PROBE)]

# What is made of it
FailOnOption = Annotated[FailOn, _option("--fail-on", "From which severity on to exit 3.")]
MaxAgeOption = Annotated[
    int, _option("--max-age", "How old a key may be; 0: as old as it likes.", metavar="DURATION", parser=span)
]
ExpiresOption = Annotated[
    int, _option("--expires-within", "How near an end is worth a warning.", metavar="DURATION", parser=span)
]


@app.command(
    epilog=example(
        """
        krakenctl inspect                                  # asks for key and secret; neither is shown
        krakenctl inspect --env-file .env --all
        krakenctl inspect --env KRAKEN_API_KEY,KRAKEN_API_SECRET -o json
        krakenctl inspect --env MM --alive                 # whatever the program sends as nonce
        pass show kraken | krakenctl inspect --stdin       # two lines, NAME=VALUE lines, or JSON
        krakenctl inspect ApiKey/mm-desk/mm-btc
        """
    ),
)
def inspect(
    ctx: typer.Context,
    address: KeyArgument = None,
    stdin: StdinOption = False,
    env_file: EnvFileOption = None,
    env: EnvOption = "",
    only: LabelOption = "",
    every: AllOption = False,
    yes: YesOption = False,
    endpoint: EndpointOption = "",
    nonce: NonceOption = "",
    alive: AliveOption = False,
    otp: OtpOption = False,
    otp_env: OtpEnvOption = "",
    probe: ProbeOption = False,
    fail_on: FailOnOption = FailOn.ERROR,
    max_age: MaxAgeOption = _90_DAYS,
    expires_within: ExpiresOption = _14_DAYS,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Show what a key really is: its account, what it may do and from where, until when; and what is wrong with that.

    The key is asked about itself, in one harmless call; a nonce in seconds that it refuses is tried once more half a
    minute ahead, and then in milliseconds. Key and secret come from a hidden prompt, or from where a flag says; never
    from the command line. Needs no workspace.
    """
    from krakenctl.audit.rules import Policy
    from krakenctl.tasks.inspection import Manner
    from krakenctl.tasks.nonces import nonce_of
    from krakenctl.tasks.oracle import endpoint_of

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    flagged = named(address=address, stdin=stdin, env_file=env_file, env=env)
    _refuse_contradiction(nonce, alive=alive, probe=probe)
    said = nonce_of(nonce)
    guessed = said is None and not alive
    where = endpoint_of(shell.root(), endpoint)
    if address:
        harvest, memory = _kept(shell, address, where)
    else:
        harvest, memory = flagged() if flagged else _typed(shell, where, guessed=guessed), None
    harvest = _chosen(harvest, only, every=every, hint=_PAIR if env else "")
    meant = _meant(said, memory, alive=alive)
    if guessed and (address or flagged) and meant is None and not may_ask(shell, len(harvest.pairs), where, yes=yes):
        shell.note("Nothing was asked.")
        raise typer.Exit(1)
    manner = Manner(
        nonce=meant,
        alive=alive,
        otp=second_factor(shell, otp_env, ask=otp),
        policy=Policy(oldest=max_age, soon=expires_within),
        probe=probe,
        ours=memory is not None,
    )
    inspection = _asked(shell, where, harvest, manner, memory)
    _show(shell, inspection)
    raise typer.Exit(_exit_code(inspection, fail_on))


_PAIR = ", or give both names: --env KEY,SECRET"


def _refuse_contradiction(nonce: str, *, alive: bool, probe: bool) -> None:
    if alive and (nonce or probe):
        raise UsageError(f"--alive asks nothing else, and {'--nonce' if nonce else '--probe'} does", hint="give one")


def _kept(shell: Shell, address: str, where: str) -> Found:
    from krakenctl.cli import addresses, places
    from krakenctl.pairs import kept
    from krakenctl.pairs.harvest import Harvest
    from krakenctl.tasks.oracle import now_at

    root = shell.root()
    if Path(address).is_file():
        raise UsageError(f"{address} is a file", hint=f"say so: --env-file {address}")
    if ":" in address:
        found = kept.of_place(root, places.parse(address, root), os.environ, lambda: now_at(root, where))
    else:
        wanted = addresses.parse(address, lambda: addresses.of_kind("ApiKey", root))
        if wanted.kind != "ApiKey":
            raise UsageError(f"{address} is no key", hint="keys are written ApiKey/account/name")
        found = kept.of_address(root, wanted, os.environ, lambda: now_at(root, where))
    return Harvest(pairs=(found.found,)), found


def _meant(said: Nonce, memory: Kept | None, *, alive: bool) -> Nonce:
    """What was said, or else what the manifests say. Raises UsageError where a person has to say it."""
    from krakenctl.tasks.nonces import nonce_beside

    return nonce_beside(memory.scale) if said is None and memory is not None and not alive else said


def _typed(shell: Shell, where: str, *, guessed: bool) -> Harvest:
    """Raises UsageError without a terminal."""
    from krakenctl.model.inspection import short
    from krakenctl.pairs.harvest import Harvest, Labelled

    refuse_unattended(shell, "name where they are: --stdin, --env-file FILE, --env KEY,SECRET or ADDRESS")
    pair = typed(shell, where, guessed=guessed, kept=False)
    return Harvest(pairs=(Labelled(label=short(pair.public_key), pair=pair, named=True),))


def _chosen(harvest: Harvest, only: str, *, every: bool, hint: str) -> Harvest:
    """The pairs that are meant. Raises CredentialError where there is none, and UsageError where it is not clear."""
    from dataclasses import replace

    refuse_none(harvest, f"names like MM_API_KEY and MM_API_SECRET are looked for{hint}")
    pairs = harvest.pairs
    if only:
        pairs = tuple(replace(one, named=True) for one in pairs if one.label.casefold() == only.casefold())
    labels = ", ".join(one.label for one in harvest.pairs)
    if not pairs:
        raise UsageError("no pair goes by this --label", hint=f"there are: {labels}")
    if len(pairs) > 1 and not every:
        raise UsageError(f"there are {len(pairs)} pairs: {labels}", hint="add --all, or --label LABEL")
    return replace(harvest, pairs=pairs)


def _asked(shell: Shell, where: str, harvest: Harvest, manner: Manner, memory: Kept | None) -> Inspection:
    """Where one key is meant, its error is the command's; what was found where it came from is told before."""
    from krakenctl.errors import KrakenctlError
    from krakenctl.model.inspection import Inspection
    from krakenctl.pairs.kept import shares_of
    from krakenctl.tasks.inspection import describe, inspect
    from krakenctl.tasks.oracle import open_oracle

    with open_oracle(shell.root(), where) as oracle:
        public_keys = {one.pair.public_key for one in harvest.pairs}
        known = shares_of(shell.root(), public_keys, oracle.now_there)
        if len(harvest.pairs) > 1:
            return _let_pass(oracle, inspect(oracle, harvest, manner, known))
        held = memory.held(oracle.now_there) if memory is not None else next(iter(known.values()), None)
        if held is None or not held.locked():
            manner = _warned(shell, manner, memory, oracle.now())
        try:
            one = describe(oracle, harvest.pairs[0], manner, held)
        except KrakenctlError:
            for finding in harvest.findings:
                shell.note(f"{finding.severity.value} {finding.rule}: {finding.message}")
            raise
        seen = Inspection(endpoint=oracle.endpoint, now=oracle.now(), keys=(one,), findings=harvest.findings)
        return _let_pass(oracle, seen)


def _let_pass(oracle: Oracle, seen: Inspection) -> Inspection:
    """The next command may know nothing of this one."""
    oracle.let_pass()
    return seen


def _warned(shell: Shell, manner: Manner, memory: Kept | None, now: int) -> Manner:
    from dataclasses import replace

    if memory is None or not (known := memory.against_it(now)):
        return manner
    shell.note(f"It may well be refused: {known}.")
    return replace(manner, known=known)


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
