"""Mischief: faults that are set in the sandbox's file, aimed at calls, and strike them.

`KINDS` says what there is. `add`, `renew_all`, `listing` and `clear` are for whoever runs the sandbox; `are_set` and
`striking` are for the application. Nothing here serves a request.
"""

from __future__ import annotations

from krakenctl.sandbox.faults.kinds import ABOUT_KEYS, AIM, KINDS, Kind, Setting, checked, parse
from krakenctl.sandbox.faults.table import (
    Fault,
    add,
    add_all,
    are_set,
    check_endpoint,
    clear,
    listing,
    renew_all,
    striking,
)

__all__ = [
    "ABOUT_KEYS",
    "AIM",
    "KINDS",
    "Fault",
    "Kind",
    "Setting",
    "add",
    "add_all",
    "are_set",
    "check_endpoint",
    "checked",
    "clear",
    "listing",
    "parse",
    "renew_all",
    "striking",
]
