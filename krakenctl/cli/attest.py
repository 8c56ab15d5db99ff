"""krakenctl attest: look at a new key where it lives, when nobody else can."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from krakenctl.cli.asking import another, named, piped, refuse_none, refuse_unattended, second_factor
from krakenctl.cli.command import application, example
from krakenctl.cli.options import (
    NO_PATIENCE,
    ColorOption,
    DirOption,
    LockTimeoutOption,
    OutputOption,
    options_of,
    otp_env_option,
)
from krakenctl.cli.shell import Shell, TextOrJson
from krakenctl.errors import CredentialError, UsageError

if TYPE_CHECKING:
    from krakenctl.model.address import Address
    from krakenctl.model.attestation import Attestation, Attested
    from krakenctl.model.key import KeyPair
    from krakenctl.pairs.harvest import Harvest
    from krakenctl.tasks.attesting.asking import Way
    from krakenctl.tasks.attesting.run import Ears

DIFFERS = 3
_NAMED = "name its two variables: --env KEY,SECRET"
_LARGEST = 1024 * 1024

_option = options_of("ATTEST")
app = application()


@app.command(
    epilog=example(
        """
        krakenctl attest ApiKey/mm-desk/mm-btc                    # where the key may be used, with the workspace there
        krakenctl attest --print --env MM > mm-btc.json           # without it: what the key says, and no secret
        krakenctl attest ApiKey/mm-desk/mm-btc --from mm-btc.json # then, at the workspace
        """
    ),
)
def attest(
    ctx: typer.Context,
    address: Annotated[
        str | None, typer.Argument(metavar="[ADDRESS]", show_default=False, help="The key that waits to be looked at.")
    ] = None,
    print_it: Annotated[
        bool, _option("--print", "Needs no workspace: print what the key says of itself, for --from elsewhere.")
    ] = False,
    brought: Annotated[
        str, _option("--from", "What --print has printed where the key lives; - for standard input.", metavar="FILE|-")
    ] = "",
    stdin: Annotated[bool, _option("--stdin", "Read key and secret from standard input, as inspect does.")] = False,
    env_file: Annotated[Path | None, _option("--env-file", "Read them from a .env file.", metavar="FILE")] = None,
    env: Annotated[
        str, _option("--env", "Read them from two variables (KEY,SECRET), or by their prefix.", metavar="NAMES")
    ] = "",
    nonce: Annotated[
        str,
        _option(
            "--nonce",
            "Needed only for a key that was in use before: the next number that its program would send, or its clock.",
            metavar="s|ms|us|ns|N",
        ),
    ] = "",
    otp: Annotated[bool, _option("--otp", "The key has a second factor: ask for it.")] = False,
    otp_env: Annotated[str, otp_env_option("ATTEST")] = "",
    endpoint: Annotated[
        str,
        _option(
            "--endpoint",
            "With --print: the exchange; left out, the workspace's, else https://api.kraken.com.",
            metavar="URL|sandbox",
        ),
    ] = "",
    lock_timeout: LockTimeoutOption = NO_PATIENCE,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Look at a new key where it lives, when nobody else can, and finish with it.

    For keys that could not answer where they were made, because their allow-list leaves that host out. The pair comes
    from the workspace's store, or from where a flag says; if the kept one was mistyped, the one that answers replaces
    it. Exit code 3: it is not the key that was asked for, and nothing was done. What is brought with --from is
    somebody's word, and so is a pair that nobody here can compare with the kept one: the key stays marked as taken
    unseen.
    """
    from krakenctl.tasks.attesting.asking import Way
    from krakenctl.tasks.nonces import nonce_of

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    source, number = named(stdin=stdin, env_file=env_file, env=env), nonce_of(nonce)
    if print_it:
        _refuse_both(address, brought)
        way = Way(nonce=number, otp=second_factor(shell, otp_env, ask=otp))
        _print(shell, source or _typed(shell), endpoint, way)
        return
    if endpoint:
        raise UsageError("--endpoint goes with --print: a workspace has its own", hint="leave it out")
    where = _address(shell, address)
    if brought:
        _refuse_asking(source, nonce or otp_env, otp=otp)
        done = _taken(shell, where, brought, lock_timeout)
    else:
        way = Way(nonce=number, otp=second_factor(shell, otp_env, ask=otp))
        done = _asked(shell, where, source, way, lock_timeout)
    _show(shell, done)
    if (otp or otp_env) and not done.differences:
        shell.tell(_WITHOUT_FACTOR)
    raise typer.Exit(_exit_code(done))


def _refuse_both(address: str | None, brought: str) -> None:
    if address or brought:
        raise UsageError("--print only prints what a key says", hint="leave ADDRESS and --from out")


def _refuse_asking(source: Callable[[], Harvest] | None, how: str, *, otp: bool) -> None:
    if source or how or otp:
        raise UsageError(
            "--from brings what a key has said; nobody is asked", hint="name no pair, --nonce or --otp beside it"
        )


def _typed(shell: Shell) -> Callable[[], Harvest]:
    from krakenctl.pairs.harvest import Harvest, Labelled

    refuse_unattended(shell, "use --stdin, --env-file FILE or --env KEY,SECRET")
    return lambda: Harvest(pairs=(Labelled(label="", pair=another(shell)),))


def _one(harvest: Harvest) -> KeyPair:
    refuse_none(harvest, _NAMED)
    if len(harvest.pairs) > 1:
        labels = ", ".join(one.label for one in harvest.pairs)
        raise CredentialError(f"there are {len(harvest.pairs)} key pairs, and one is meant: {labels}", hint=_NAMED)
    return harvest.pairs[0].pair


def _print(shell: Shell, source: Callable[[], Harvest], endpoint: str, way: Way) -> None:
    from krakenctl.model.attestation import to_json
    from krakenctl.tasks.attesting.asking import look
    from krakenctl.tasks.oracle import endpoint_of

    where = endpoint_of(shell.root(), endpoint)
    said = to_json(look(shell.root(), _one(source()), where, way).said)
    if shell.json:
        shell.print_json(said)
    else:
        shell.print(json.dumps(said) + "\n")


def _asked(shell: Shell, address: Address, source: Callable[[], Harvest] | None, way: Way, patience: int) -> Attested:
    from krakenctl.tasks.attesting import run

    given = None if source is None else lambda: _one(source())
    return run.attest(shell.project(), address, given, way.nonce, _ears(shell, patience), otp=way.otp)


def _taken(shell: Shell, address: Address, brought: str, patience: int) -> Attested:
    from krakenctl.tasks.attesting import run

    attestation = _read(brought)
    return run.take(shell.project(), address, attestation, _ears(shell, patience))


def _ears(shell: Shell, patience: int) -> Ears:
    from krakenctl.cli.recovering import progress
    from krakenctl.tasks.attesting.run import Ears

    return Ears(tell=progress(shell), say=shell.note, patience=patience)


def _address(shell: Shell, text: str | None) -> Address:
    from krakenctl.cli import addresses

    if not text:
        raise UsageError("name the key that waits, or add --print", hint="as ApiKey/mm-desk/mm-btc")
    return addresses.parse(text, lambda: addresses.of_kind("ApiKey", shell.root()))


def _read(brought: str) -> Attestation:
    from krakenctl.model.attestation import from_json

    try:
        raw = piped("--from -", instead="name a file").read(_LARGEST) if brought == "-" else Path(brought).read_bytes()
        return from_json(json.loads(raw))
    except OSError as problem:
        raise UsageError(f"{brought} cannot be read: {problem.strerror}") from None
    except (ValueError, RecursionError) as problem:
        why = "it is no JSON" if isinstance(problem, (json.JSONDecodeError, RecursionError)) else str(problem)
    raise UsageError(f"{brought}: {why}", hint="it is what `krakenctl attest --print` prints")


def _show(shell: Shell, done: Attested) -> None:
    from krakenctl.render import attestation as view

    if shell.json:
        shell.print_json(view.to_json(done))
    else:
        shell.print(view.text(done, shell.paint()))


_WITHOUT_FACTOR = (
    "Next: take consumer.nonce out of its manifest, if it has it: nobody can ask the key without its second factor, and"
    " each look would be refused."
)


def _exit_code(done: Attested) -> int:
    from krakenctl.cli.recovering import UNFINISHED, exit_code

    if done.differences:
        return DIFFERS
    return UNFINISHED if done.left else exit_code(done.recovered)
