"""What helps after an error, where the kill switch has not got through."""

from __future__ import annotations

from krakenctl.errors import AnswerLost, KrakenctlError, LockedOut, RateLimited, Unreachable
from krakenctl.model.page import in_words

_PASSES = (Unreachable, AnswerLost, RateLimited, LockedOut)


def passes(problem: KrakenctlError | None) -> bool:
    """Whether it may have passed by the next run. None: Kraken took it, and shows the key all the same."""
    return problem is None or isinstance(problem, _PASSES)


def remedy(problem: KrakenctlError | None, page: str) -> str:
    """What to do about it, as a sentence without its end. `page`: where a person revokes keys."""
    by_hand = f"if that takes long, its owner revokes keys at {in_words(page)}"
    hint = problem.hint if problem else ""
    return "; ".join(filter(None, (hint or ("run it again" if passes(problem) else ""), by_hand)))
