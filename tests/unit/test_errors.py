"""Errors as a Python programmer meets them."""

from __future__ import annotations

import traceback

from krakenctl.errors import UsageError


def test_a_traceback_says_what_to_do_next() -> None:
    told = "".join(traceback.format_exception(UsageError("no such thing", hint="try another")))
    assert "no such thing" in told
    assert told.count("try another") == 1


def test_without_a_hint_nothing_is_added() -> None:
    assert not hasattr(UsageError("no such thing"), "__notes__")
