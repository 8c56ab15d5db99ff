"""What fails for one account is that account's matter; what fails for all ends the look at once."""

import pytest

from krakenctl.errors import (
    AnswerLost,
    CredentialMissing,
    ExchangeError,
    LockedOut,
    NotAuthorised,
    PermissionDenied,
    RateLimited,
    SafetyStop,
    Unreachable,
)
from krakenctl.model.coverage import Coverage
from krakenctl.model.live import Phase
from krakenctl.model.recorded import RecordedAccount
from krakenctl.observe import accounts as observe
from krakenctl.surfaces.base import Listing
from plan_builders import account, on, sub_account

IIBAN = "AA12 N84G EXAM PLE1"
DEAD = [NotAuthorised("dead"), PermissionDenied("no"), ExchangeError("nonsense")]
LASTING = [*DEAD, LockedOut("until eight")]
PASSING = [Unreachable("no route"), RateLimited("busy"), AnswerLost("HTTP 502")]


class Surface:
    def __init__(self, problem=None):
        self._problem = problem

    def iiban(self):
        if self._problem:
            raise self._problem
        return IIBAN

    def list_keys(self):
        return Listing((), Coverage.OUR_CLIENT)


def look(problems, *declared):
    """`problems` by account. Returns what is live, and which accounts were asked."""
    asked = []

    def surface(name):
        asked.append(name)
        if isinstance(problem := problems.get(name), CredentialMissing):
            raise problem
        return Surface(problem)

    accounts = {one.name: one for one in declared}
    try:
        return observe.accounts(accounts, {}, surface), asked
    except Exception as problem:
        problem.asked = asked
        raise


@pytest.mark.parametrize("problem", LASTING, ids=lambda problem: type(problem).__name__)
@pytest.mark.parametrize("failing", ["one", "desk"])
def test_an_account_that_fails_is_blocked_with_the_reason_and_the_others_go_on(problem, failing):
    live, _ = look({failing: problem}, account("one"), sub_account("desk", "one"), account("two"))
    assert (live[failing].phase, problem.message in live[failing].reason) == (Phase.REQUESTED, True)
    assert {name for name, one in live.items() if one.phase is Phase.READY} == {"one", "desk", "two"} - {failing}


@pytest.mark.parametrize("problem", [*DEAD, CredentialMissing("none")], ids=lambda problem: type(problem).__name__)
def test_when_no_master_can_be_seen_that_is_an_error(problem):
    with pytest.raises(type(problem)):
        look({"one": problem, "two": problem}, account("one"), sub_account("desk", "one"), account("two"))


def test_a_master_that_is_locked_does_not_hide_a_sub_account_whose_keys_are_its_own():
    locked = LockedOut("until eight")
    live, _ = look({"one": locked}, account("one"), sub_account("desk", "one"))
    assert (live["one"].phase, live["desk"].phase) == (Phase.REQUESTED, Phase.READY)


def test_where_every_account_is_locked_each_is_blocked_as_one_of_several_is():
    locked = LockedOut("until eight")
    live, _ = look({"one": locked, "desk": locked}, account("one"), sub_account("desk", "one"))
    assert {(each.phase, each.reason) for each in live.values()} == {(Phase.REQUESTED, "until eight")}


def test_where_another_needs_mending_that_is_told_and_not_the_lockout():
    with pytest.raises(NotAuthorised):
        look({"one": LockedOut("until eight"), "two": NotAuthorised("dead")}, account("one"), account("two"))


def test_sub_accounts_that_fail_do_not_make_it_look_as_if_no_master_could_be_seen():
    live, _ = look({"desk": ExchangeError("nonsense")}, account("one"), sub_account("desk", "one"))
    assert live["one"].phase is Phase.READY


@pytest.mark.parametrize("problem", PASSING, ids=lambda problem: type(problem).__name__)
def test_what_will_pass_blocks_nobody_and_is_not_asked_of_every_account(problem):
    with pytest.raises(type(problem)) as caught:
        look(dict.fromkeys(["one", "two"], problem), account("one"), account("two"))
    assert caught.value.asked == ["one"]


def test_of_a_lockout_that_is_news_it_is_said_for_how_long():
    told = LockedOut("refused", errors=["EGeneral:Temporary lockout"], hint="stop calling it for 15 minutes")
    live, _ = look({"one": told}, account("one"), account("two"))
    assert live["one"].reason == "refused; stop calling it for 15 minutes"


def test_a_credential_that_opens_another_account_still_stops_everything():
    with pytest.raises(SafetyStop):
        look({}, account("one", iiban="AA99 N84G EXAM PLE9"), account("two"))


@pytest.mark.parametrize("problem", LASTING, ids=lambda problem: type(problem).__name__)
def test_an_undeclared_account_that_fails_is_blocked_too(problem):
    live = observe.undeclared(RecordedAccount(name="old", iiban=IIBAN), lambda _: Surface(problem))
    assert (live.phase, problem.message in live.reason) == (Phase.REQUESTED, True)


@pytest.mark.parametrize(
    ("surfaces", "says", "hint"),
    [
        (("connect", "connect"), "the credential of acme and the credential of desk", "credentials in krakenctl.yaml;"),
        (("website", "website"), "the keys that are kept for acme and the keys that are kept for desk", "made on"),
        (("connect", "website"), "the credential of acme and the keys that are kept for desk", "credentials"),
    ],
)
def test_two_accounts_that_are_one_stop_everything_and_the_words_fit_how_each_is_reached(surfaces, says, hint):
    names = zip(("acme", "desk"), surfaces, strict=True)
    twins = {name: on(name=name, iiban=IIBAN, surface=surface) for name, surface in names}
    with pytest.raises(SafetyStop) as stopped:
        observe.refuse_twins(twins)
    assert f"{says} lead to {IIBAN}" in stopped.value.message
    assert hint in stopped.value.hint
    assert "credential" not in stopped.value.hint or "connect" in surfaces
