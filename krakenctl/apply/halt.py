"""The order to stop that one account of a run gives to all the others."""

from __future__ import annotations


class Halt:
    """One for a whole run; threads share it."""

    def __init__(self) -> None:
        self.reason = ""  # why nothing more is begun on any account; empty: go on

    def order(self, reason: str) -> None:
        """The first reason counts."""
        self.reason = self.reason or reason
