"""Whoever writes a key or a secret on the command line is stopped before anything repeats it, whichever the command."""

from __future__ import annotations

import os
from collections.abc import Sequence

from krakenctl.errors import UsageError

_SHORTEST = 40  # characters of half a pair, cut off: shorter words need no closer look


def refuse_secrets(args: Sequence[str]) -> None:
    """Looks at every word before any is read as a command, an option or an address: those errors would repeat it.

    What stands behind a `--` is another program's. Raises UsageError.
    """
    own = args[: args.index("--")] if "--" in args else args
    if any(map(_may_be_one, own)):
        raise UsageError(
            "a word on the command line looks like a key or a secret; it is not repeated here, and nothing was done",
            hint="it is in the shell's history now, and others could see it: replace that key; give the next one at"
            " the prompt, with --stdin, or in a file with --env-file",
        )


def _may_be_one(word: str) -> bool:
    if len(word) < _SHORTEST:
        return False
    from krakenctl.pairs.pasted import looks_like_a_key

    return looks_like_a_key(word) and not _is_place(word.partition("=")[2] or word) and not _is_place(word)


def _is_place(word: str) -> bool:
    """Whether it is a file, or would be one in a folder that is there."""
    folder = os.path.dirname(word)  # noqa: PTH120 - a Path raises for what is too long to be one
    return os.path.exists(word) or (folder not in ("", "/") and os.path.isdir(folder))  # noqa: PTH110, PTH112
