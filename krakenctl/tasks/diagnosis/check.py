"""A check is a value: what it is called, what it needs, and how it looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Flag, auto

from krakenctl.errors import AnswerLost, KrakenctlError, RateLimited, StateBusy
from krakenctl.model.diagnosis import Told, problem, unknown
from krakenctl.tasks.diagnosis.ground import DoctorGround

_PASSING = (AnswerLost, RateLimited, StateBusy)  # it may be well again in a minute


class Needs(Flag):
    NOTHING = 0
    WORKSPACE = auto()  # a krakenctl.yaml that can be read; without one there is nothing to look at
    EXCHANGE = auto()  # one that answers
    STATE = auto()  # one that can be read, or none yet


@dataclass(frozen=True, slots=True)
class Check:
    id: str  # stable, for machines
    title: str  # for people
    run: Callable[[DoctorGround], Iterable[Told]]  # may raise KrakenctlError: then that is what it found
    needs: Needs = Needs.NOTHING


def of_error(error: KrakenctlError, about: str = "") -> Told:
    """An error of ours, raised while something was looked at."""
    tell = unknown if isinstance(error, _PASSING) else problem
    return tell(error.message, hint=error.hint, about=about)


def of_bug(bug: Exception, about: str = "") -> Told:
    """An error that nobody foresaw. Its text is not shown: nobody knows what is in it."""
    hint = "that is a mistake in krakenctl: report it"
    return unknown(f"this check itself broke ({type(bug).__name__})", hint=hint, about=about)
