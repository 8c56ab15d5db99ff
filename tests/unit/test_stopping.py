"""What the changes are told that an error of another one has stopped."""

from types import SimpleNamespace

import pytest

from krakenctl.apply.halt import Halt
from krakenctl.apply.session import Session
from krakenctl.errors import Contained, KrakenctlError, LeaseLost, LockedOut, StateError, TooManyKeys

WHAT = "ApiKey/acme/bot"


def stopped_after(problem: KrakenctlError) -> tuple[str, str]:
    """On this account, and on all others."""
    ports = SimpleNamespace(halt=Halt())
    session = Session(None, None, ports, None, None, "L")  # type: ignore[arg-type]
    session.stop_after(problem, WHAT)
    return session.stopped, ports.halt.reason


@pytest.mark.parametrize("kind", [Contained, LeaseLost, StateError])
def test_what_stops_every_account_is_told_as_it_is(kind: type[KrakenctlError]):
    told = "not tried: the kill switch was used by jo: broken into"
    assert stopped_after(kind("the kill switch was used by jo: broken into")) == (told, told)


def test_what_stops_one_account_names_the_change_that_failed():
    assert stopped_after(LockedOut("locked")) == (f"not tried: {WHAT} failed in a way that would repeat itself", "")


def test_an_error_of_one_change_stops_nothing():
    assert stopped_after(TooManyKeys("too many")) == ("", "")
