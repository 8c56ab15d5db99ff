"""What commands share that ask keys about themselves: what is typed and not shown, and a word on nonces."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from krakenctl.cli.shell import Shell
from krakenctl.errors import CredentialError, UsageError

if TYPE_CHECKING:
    from krakenctl.model.secret import Secret
    from krakenctl.pairs.harvest import Harvest

NONCE_HELP = (
    "s, ms, us, ns, or the very number N to send. Left out: found out, with the coarsest clock first; a program whose"
    " clock is within 30 seconds of this one's is then refused for 62 seconds at worst. Needed where a program counts"
    " its calls: a clock's number would lock it out."
)


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


def second_factor(shell: Shell, variable: str, *, ask: bool) -> Secret | None:
    """As --otp-env NAME or --otp say; None: neither does. Raises CredentialError or UsageError."""
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


def refuse_none(harvest: Harvest, hint: str) -> None:
    """Raises CredentialError where a source has no pair, with what was found instead."""
    if harvest.pairs:
        return
    told = "; ".join(finding.message for finding in harvest.findings)
    raise CredentialError(f"no key pair was found{': ' + told if told else ''}", hint=hint)
