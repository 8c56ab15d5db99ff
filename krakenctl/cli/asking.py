"""What commands share that are given keys: what is typed and not shown, where flags say they are, a word on nonces."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from krakenctl.cli.shell import Shell
from krakenctl.errors import CredentialError, NeedsPerson, UsageError

if TYPE_CHECKING:
    from krakenctl.model.key import KeyPair
    from krakenctl.model.secret import Secret
    from krakenctl.pairs.harvest import Harvest

NONCE_HELP = (
    "s, ms, us, ns, or the very number N to send. Left out: found out, with the coarsest clock first; a program whose"
    " clock is within 30 seconds of this one's is then refused for 62 seconds at worst. Needed where a program counts"
    " its calls: a clock's number would lock it out."
)


def named(*, stdin: bool, env_file: Path | None, env: str, address: str | None = None) -> Callable[[], Harvest] | None:
    """Where a flag says that the pairs are; None: none does. `address` may say it too. Raises UsageError for two."""
    from krakenctl.pairs import sources

    said = {"ADDRESS": address, "--stdin": stdin, "--env-file": env_file, "--env": env}
    given = [flag for flag, value in said.items() if value]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} each say where the key comes from", hint="give one of them")
    if stdin:
        source = piped("--stdin")
        return lambda: sources.stream(source)
    if env_file:
        return lambda: sources.env_file(env_file)
    return (lambda: sources.variables(env, os.environ)) if env else None


def piped(flag: str, *, instead: str = "leave it out to be asked") -> BinaryIO:
    """Standard input. Raises UsageError for a terminal, which would show what is typed."""
    if sys.stdin is None:
        raise UsageError(f"{flag} reads standard input, and there is none", hint="pipe something in")
    if sys.stdin.isatty():
        raise UsageError(
            f"{flag} reads from a pipe or a file, and a terminal would show what is typed",
            hint=f"{instead}, or pipe it in",
        )
    return sys.stdin.buffer


def refuse_unattended(shell: Shell, instead: str) -> None:
    if not shell.is_attended:
        raise UsageError("there is no terminal to ask for key and secret on", hint=instead)


def hidden(question: str) -> Secret:
    """What is typed at a prompt that shows none of it. Raises EOFError where nobody will type any more.

    Not typer's prompt: it shows the question first and throws away what is pasted before it listens.
    """
    from getpass import getpass

    from krakenctl.model.secret import Secret

    try:
        return Secret(getpass(f"{question} (not shown): "))
    except (EOFError, KeyboardInterrupt):
        sys.stderr.write("\n")  # what is said next begins a line
        raise


def second_factor(shell: Shell, variable: str, *, ask: bool) -> Secret | None:
    """As --otp-env NAME or --otp say; None: neither does. Raises CredentialError, NeedsPerson or UsageError."""
    from krakenctl.model.secret import Secret

    if variable:
        if not os.environ.get(variable):
            raise CredentialError("the environment variable that --otp-env names is not set", hint="export it")
        return Secret(os.environ[variable])
    if not ask:
        return None
    if not shell.is_attended:
        raise UsageError("there is no terminal to ask for the second factor on", hint="use --otp-env NAME")
    try:
        return hidden("Second factor")
    except EOFError:
        raise NeedsPerson("no second factor was given, and nothing was asked of Kraken") from None


def may_ask(shell: Shell, keys: int, where: str, *, yes: bool) -> bool:
    """Nobody has said what the programs send that use these keys, and one that counts would be locked out."""
    which = "1 key is" if keys == 1 else f"{keys} keys are"
    shell.tell(f"{which} asked at {where} with a clock: {_COUNTING}")
    if yes or shell.json or not shell.is_attended:
        return True
    return shell.confirm(f"Ask {keys} key{'s' * (keys != 1)}?", "--yes")


_COUNTING = (
    "seconds, then milliseconds. A program that counts its calls is locked out by either; --nonce says what it sends"
    " (see --help)."
)


def typed(shell: Shell, where: str, *, guessed: bool, kept: bool) -> KeyPair:
    """Before anybody types a secret: who will be asked, and what that does. `kept`: it goes into a store."""
    shown = "not shown, and goes into the store" if kept else "neither shown nor kept"
    shell.tell(f"The key will be asked about itself at {where}. What you type is {shown}.")
    if guessed:
        shell.tell(f"It is asked with a clock: {_COUNTING}")
    return another(shell)


def another(shell: Shell) -> KeyPair:
    from krakenctl.pairs import sources

    return sources.prompted(hidden, shell.tell)


def refuse_none(harvest: Harvest, hint: str) -> None:
    """Raises CredentialError where a source has no pair, with what was found instead. `hint`: where that was nothing
    like one."""
    if harvest.pairs:
        return
    found = [finding for finding in harvest.findings if finding.rule != _OF_THE_FILE]
    told = "; ".join(finding.message for finding in found)
    do = next((finding.hint for finding in found if finding.rule in _BEYOND_NAMES), hint)
    raise CredentialError(f"no key pair was found{': ' + told if told else ''}", hint=do)


_OF_THE_FILE = "file-open-to-others"
_BEYOND_NAMES = (  # a name alone would not help
    *("odd-key", "half-a-pair", "ambiguous-pair", "futures-key", "not-kraken"),
    *("several-lines", "unreadable-line"),
)
