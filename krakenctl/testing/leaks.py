"""Does an error show a secret, anywhere a log, a crash report or a person would look?"""

from __future__ import annotations

import traceback


def everything_shown(error: BaseException) -> str:
    """Text, repr, fields and traceback of an error and of all that hangs on it: causes, contexts, groups."""
    shown, waiting, seen = [], [error], set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        shown += [str(one), repr(one), repr(vars(one)), repr(one.args), *traceback.format_exception(one)]
        waiting += [other for other in (one.__cause__, one.__context__) if other is not None]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
    return "\n".join(shown)
