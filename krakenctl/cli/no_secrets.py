"""For commands that take key pairs: whoever writes one on the command line is stopped before anything repeats it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from typer.core import TyperCommand

from krakenctl.errors import UsageError


class NoSecrets(TyperCommand):
    """Looks at every word before any of it is read as an option or an address: those errors would repeat it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        refuse_secrets(args)
        return super().parse_args(ctx, args)


def refuse_secrets(args: list[str]) -> None:
    """Raises UsageError."""
    from krakenctl.pairs.pasted import looks_like_a_key

    if any(looks_like_a_key(word) and not Path(word.partition("=")[2] or word).is_file() for word in args):
        raise UsageError(
            "a word on the command line looks like a key or a secret; it is not repeated here, and nothing was done",
            hint="it is in the shell's history now, and others could see it: replace that key; give the next one at"
            " the prompt, with --stdin, or in a file with --env-file",
        )
