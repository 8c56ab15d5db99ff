"""What a plain scalar means: true, false, nothing, a whole number, or the text as it was written.

YAML 1.1 would turn `no` into false, `012` into ten, `1:30` into ninety and `2025-01-01` into a date. Here everything
that is not plainly something else stays what its writer sees. It never fails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Scalar = str | int | bool | None

_WORDS: Mapping[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# Fifteen digits: exact in every JSON reader. No leading zero and no `-0`: those are not how a number is written.
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,14}")


def plain(text: str) -> Scalar:
    """The value of an unquoted scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "-0123456789" and _INTEGER.fullmatch(text):
        return int(text)
    return text
