"""krakenctl exec: run a program with a key in its environment, and nowhere else."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, options_of
from krakenctl.cli.shell import Shell
from krakenctl.errors import CannotRun, NoSuchProgram, UsageError

if TYPE_CHECKING:
    from krakenctl.stores.base import Slot
    from krakenctl.tasks.lending import Loan

_PROGRAM = "krakenctl.program"  # in a context's meta: what stands behind the `--`
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SET_ASIDE = (signal.SIGPIPE, signal.SIGXFSZ)  # by Python; an ordinary program ends when one comes
_SET_DUMPABLE = 4  # PR_SET_DUMPABLE in linux/prctl.h

_option = options_of("EXEC")
app = application()


class _Command(TyperCommand):
    """Whatever stands behind the first `--` is the program's: no flag of it is ours."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        cut = args.index("--") if "--" in args else len(args)
        ctx.meta[_PROGRAM] = args[cut + 1 :] if "--" in args else None
        return super().parse_args(ctx, args[:cut])

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "-- PROGRAM [ARGUMENTS]..."]


def _slot(text: str) -> Slot:
    from krakenctl.tasks.lending import slot

    try:
        return slot(text)
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from None


SlotOption = Annotated[
    Any,
    _option(
        "--slot",
        "Which of a key's secrets: current, pending (issued, not yet checked) or previous (replaced).",
        parser=_slot,
        metavar="SLOT",
    ),
]
AddressArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="[PREFIX=]ADDRESS...", help="As ApiKey/mm-desk/mm-btc. Of several, each has a prefix of its own."
    ),
]
PrefixOption = Annotated[
    str, _option("--env-prefix", "The variables are PREFIX with API_KEY and API_SECRET behind it.", metavar="PREFIX")
]
KeyOption = Annotated[str | None, _option("--key-env", "The variable of the key, by its whole name.", metavar="NAME")]
SecretOption = Annotated[
    str | None, _option("--secret-env", "The variable of the secret, by its whole name.", metavar="NAME")
]
KeepOption = Annotated[
    list[str] | None,
    _option(
        "--keep-env", "Leave this variable to the program, although it is krakenctl's; may be repeated.", metavar="NAME"
    ),
]


@app.command(
    "exec",
    cls=_Command,
    epilog=example(
        """
        krakenctl exec ApiKey/mm-desk/mm-btc -- python bot.py --live
        krakenctl exec ApiKey/mm-desk/mm-btc --key-env KEY --secret-env SECRET -- ./bot
        krakenctl exec A_=ApiKey/desk-a/view B_=ApiKey/desk-b/view -- ./monitor     # A_API_KEY, B_API_KEY, …
        """
    ),
)
def exec_(
    ctx: typer.Context,
    addresses: AddressArgument,
    env_prefix: PrefixOption = "KRAKEN_",
    key_env: KeyOption = None,
    secret_env: SecretOption = None,
    slot: SlotOption = "current",
    keep_env: KeepOption = None,
    directory: DirOption = None,
    no_color: ColorOption = False,
) -> NoReturn:
    """Run a program with a key in its environment, and nowhere else.

    krakenctl becomes the program: its exit code, signals, input and terminal are the program's own. The exchange is
    not called, and neither it nor the state has to be up. krakenctl's own settings (KRAKENCTL_…) and the variables
    that krakenctl.yaml names as credentials are not passed on.
    """
    shell = Shell.of(ctx, directory, ctx.obj.output, no_color=no_color)
    program = _program(ctx.meta[_PROGRAM], addresses)
    wanted = [_wanted(text, env_prefix) for text in addresses]
    variables = [_variables(prefix, key_env, secret_env) for prefix, _ in wanted]
    _refuse_clash([name for names in variables for name in names])
    given = _given()  # now: once nobody may look into this process, it may not either
    usual = _unseen()
    environ, loans = _borrowed(shell, given, [text for _, text in wanted], slot, keep_env or ())
    for remark in (remark for loan in loans for remark in loan.remarks):
        shell.note(f"krakenctl: {remark}")
    _become(_found(program[0], environ), program, environ, list(zip(loans, variables, strict=True)), usual)


def _program(told: Sequence[str] | None, addresses: Sequence[str]) -> Sequence[str]:
    if told is None:
        first = next((text for text in addresses if "ApiKey/" not in text), "PROGRAM")
        raise UsageError(
            "there is no -- before the program, so nobody can tell its flags from ours",
            hint=f"krakenctl exec ADDRESS -- {first} …",
        )
    if not told:
        raise UsageError("there is no program behind the --", hint="krakenctl exec ADDRESS -- PROGRAM …")
    return told


def _wanted(text: str, usual: str) -> tuple[str, str]:
    """`A_=ApiKey/desk/bot` → its prefix and its address."""
    prefix, mark, address = text.rpartition("=")
    return (prefix if mark else usual), address


def _variables(prefix: str, key_env: str | None, secret_env: str | None) -> tuple[str, str]:
    names = key_env or f"{prefix}API_KEY", secret_env or f"{prefix}API_SECRET"
    for name in names:
        if not _NAME.fullmatch(name):
            raise UsageError(f"“{name}” is no name of a variable", hint="write letters, digits and underscores")
    return names


def _refuse_clash(names: Sequence[str]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(
            f"two values are meant for the variable {twice[0]}", hint="write PREFIX=ADDRESS, each with its own prefix"
        )


def _given() -> dict[str, str]:
    from krakenctl.tasks.lending import as_started

    return as_started(os.environ)


def _borrowed(
    shell: Shell, given: Mapping[str, str], addresses: Sequence[str], slot: Slot, keep: Sequence[str]
) -> tuple[dict[str, str], list[Loan]]:
    from krakenctl.cli.addresses import parse
    from krakenctl.tasks.lending import Lender, without_ours

    lender = Lender(shell.root(), os.environ)
    loans = [lender.lend(_key(parse(text, lambda: lender.known)), slot) for text in addresses]
    return without_ours(given, lender.variables, keep), loans


def _key(address: Any) -> Any:
    if address.kind != "ApiKey":
        raise UsageError(f"{address} is no key", hint="name one as ApiKey/account/name")
    return address


def _found(name: str, environ: Mapping[str, str]) -> str:
    """Where the program is. Raises CannotRun, with the exit codes that shells have for it."""
    path = environ.get("PATH", os.defpath)
    if found := shutil.which(name, path=path):
        return found
    if there := shutil.which(name, mode=os.F_OK, path=path):
        raise CannotRun(f"{there} is not executable; nothing was run", hint=f"chmod +x {there}")
    if os.path.isdir(name):  # noqa: PTH112 - as it was typed
        raise CannotRun(f"{name} is a folder; nothing was run")
    raise NoSuchProgram(f"there is no program {name}; nothing was run", hint="check the name, and PATH")


def _become(
    path: str,
    program: Sequence[str],
    environ: dict[str, str],
    loans: Sequence[tuple[Loan, tuple[str, str]]],
    core: tuple[int, int],
) -> NoReturn:
    """The secrets are named in no variable of ours: a crash report would show it."""
    from krakenctl.tasks.lending import pair_variables

    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    before = {each: signal.signal(each, signal.SIG_DFL) for each in _SET_ASIDE}
    resource.setrlimit(resource.RLIMIT_CORE, core)
    pairs = (pair_variables(loan, *names) for loan, names in loans)
    try:
        os.execve(path, list(program), reduce(or_, pairs, environ))  # noqa: S606 - there is no shell to be fooled
    except OSError as problem:
        reason = problem.strerror
    for each, handler in before.items():
        signal.signal(each, handler)
    raise CannotRun(f"{path} cannot be run: {reason}", hint="a script needs a first line as #!/bin/sh")


def _unseen() -> tuple[int, int]:
    """From here on no crash writes our memory to a disk. Returns the usual limit, which the program is to have.

    Linux heeds the limit only where a file is written, and not where another program is handed the memory; what it
    heeds there, it forgets by itself when we become the program.
    """
    usual = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, usual[1]))
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)
    return usual
