"""Whose keys are: accounts of a workspace that are one, and one that is several, never read as clean."""

from __future__ import annotations

import pytest

from krakenctl.model.address import key_address
from krakenctl.model.coverage import Coverage
from krakenctl.model.verification import Setting, Source, Verdict, Verification, Verified, VerifySight
from krakenctl.tasks.verification.whose import settled

ONE, OTHER, THIRD = "AA11 N84G EXAM PLE1", "AA22 N84G EXAM PLE2", "AA33 N84G EXAM PLE3"


def asked(account: str, name: str, iiban: str = "", pin: str = "") -> Verified:
    agrees = {True: (iiban == pin if iiban else None)}
    pinned = (Setting(name="account", declared=pin, effective=iiban, source=Source.KEY, agrees=agrees[True]),)
    return Verified(
        address=key_address(account, name),
        name=f"{name}.a7.g1",
        verdict=Verdict.LISTED if iiban else Verdict.UNKNOWN,
        source=Source.KEY if iiban else Source.RECORDED,
        settings=pinned if pin else (),
        asked=bool(iiban),
        iiban=iiban,
    )


def looked(*keys: Verified, pins: dict[str, str] | None = None, lists: dict[str, str] | None = None) -> Verification:
    names = sorted({key.account for key in keys} | (lists or {}).keys())
    sights = tuple(VerifySight(account=name, coverage=Coverage.HELD) for name in names)
    found = Verification(endpoint="sandbox", now=0, probing=False, keys=keys, sights=sights)
    return settled(found, pins or {}, lists or {})


def wrong(found: Verification) -> set[str]:
    return {key.name.partition(".")[0] for key in found.keys if key.differs}


def mixed(found: Verification) -> dict[str, tuple[str, ...]]:
    return {sight.account: sight.mixed for sight in found.sights if sight.mixed}


def test_accounts_of_their_own_are_left_as_they_were() -> None:
    keys = asked("acme", "a", ONE, ONE), asked("acme", "b", ONE, ONE), asked("desk", "c", OTHER), asked("desk", "d")
    found = looked(*keys, pins={"acme": ONE})
    assert (found.keys, mixed(found), found.differs) == (keys, {}, False)


def test_two_accounts_of_which_nobody_knows_better_are_both_in_doubt() -> None:
    found = looked(asked("acme", "a", ONE), asked("desk", "b", ONE))
    assert wrong(found) == {"a", "b"}
    assert mixed(found) == {
        "acme": (f"a.a7.g1 belongs to {ONE}, which is the account desk",),
        "desk": (f"b.a7.g1 belongs to {ONE}, which is the account acme",),
    }


@pytest.mark.parametrize("looked_at", [True, False])
def test_what_strayed_is_wrong_and_not_the_account_that_is_known_to_be_at_home_there(looked_at: bool) -> None:
    """Also where only the other one was asked about."""
    home = [asked("acme", "a", ONE, ONE)] if looked_at else []
    found = looked(*home, asked("desk", "b", ONE), pins={"acme": ONE})
    assert (wrong(found), mixed(found).keys()) == ({"b"}, {"desk"})
    [stray] = [key for key in found.keys if key.account == "desk"]
    assert stray.remarks == (f"it belongs to {ONE}, which is the account acme",)


def test_keys_of_one_account_that_belong_to_two_are_all_in_doubt_until_a_pin_tells() -> None:
    found = looked(asked("acme", "a", ONE), asked("acme", "b", OTHER), asked("acme", "c"))
    assert wrong(found) == {"a", "b"}
    assert mixed(found) == {
        "acme": (f"what is declared on acme belongs to different accounts: a.a7.g1 to {ONE} and b.a7.g1 to {OTHER}",)
    }
    pinned = looked(asked("acme", "a", ONE, ONE), asked("acme", "b", OTHER, ONE), pins={"acme": ONE})
    assert (wrong(pinned), mixed(pinned)) == ({"b"}, {})


def test_a_list_tells_whose_an_account_is_too() -> None:
    found = looked(asked("desk", "b", ONE), lists={"acme": ONE, "desk": ""})
    assert (wrong(found), mixed(found).keys(), found.differs) == ({"b"}, {"acme", "desk"}, True)


def test_a_key_of_an_account_that_nobody_knows_beside_its_pin_is_named_as_before() -> None:
    found = looked(asked("acme", "a", THIRD, ONE), pins={"acme": ONE, "desk": OTHER})
    assert (wrong(found), mixed(found)) == ({"a"}, {})
