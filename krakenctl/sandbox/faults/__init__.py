"""Mischief: faults that are set in the sandbox's file, aimed at calls, and strike them.

`KINDS` says what there is. `add`, `listing` and `clear` are for whoever runs the sandbox; `striking`, `before` and
`after` are for the application. Nothing here serves a request.
"""

from __future__ import annotations

from krakenctl.sandbox.faults.kinds import AIM, KINDS, Kind, Setting, checked, parse
from krakenctl.sandbox.faults.table import Fault, add, are_set, clear, listing, striking

__all__ = [
    "AIM",
    "KINDS",
    "Fault",
    "Kind",
    "Setting",
    "add",
    "are_set",
    "checked",
    "clear",
    "listing",
    "parse",
    "striking",
]
