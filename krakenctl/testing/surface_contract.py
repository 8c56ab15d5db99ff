"""What every surface keeps to, whether it works by itself or through a person who is there.

See `krakenctl.surfaces.base.Surface`.
"""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from krakenctl.errors import AnswerLost, ExchangeError
from krakenctl.model.coverage import Coverage
from krakenctl.model.human import Revocation
from krakenctl.model.key import KeyPair, KeySpec, LiveKey
from krakenctl.model.permission import ON_CONNECT, Permission
from krakenctl.model.plan import Verb
from krakenctl.surfaces.base import Surface

NAME = "mm-btc.a7.g1"
DAY = 86_400
NEAR = 120  # seconds


class SurfaceContract:
    """Subclass it with a fixture `surface`: one account, with keys of others perhaps, with none of ours."""

    grantable: frozenset[Permission] = ON_CONNECT

    @pytest.fixture
    def surface(self) -> Surface:
        raise NotImplementedError("give your contract a fixture surface")

    @pytest.fixture
    def now(self) -> int:
        """The surface's clock stands in a test, or this is near enough: unix seconds."""
        return int(time.time())

    @pytest.fixture
    def spec(self, now: int) -> KeySpec:
        """With every field set."""
        return KeySpec(
            permissions=frozenset({Permission.QUERY_FUNDS, Permission.QUERY_OPEN_TRADES}),
            ip_allowlist=("127.0.0.1", "198.51.100.0/28", "2001:db8::/64"),
            valid_until=now + 90 * DAY,
            query_from=now - DAY,
            query_to=now + DAY,
            nonce_window=1000,
        )

    def test_it_says_whose_account_it_opens(self, surface: Surface) -> None:
        groups = surface.iiban().split(" ")
        assert [len(group) for group in groups] == [4, 4, 4, 4]
        assert surface.iiban() == surface.iiban().upper()

    def test_an_issued_key_is_listed_as_it_was_asked_for(self, surface: Surface, spec: KeySpec, now: int) -> None:
        issued = surface.issue(NAME, spec)
        live = self._listed(surface, NAME)
        assert (issued.live.name, issued.live.spec, live.spec) == (NAME, spec, spec)
        assert issued.live.created in (0, live.created)  # 0: it is told later
        assert abs(live.created - now) <= NEAR
        assert issued.secret.reveal() not in repr(surface.list_keys())

    def test_a_key_without_any_limit_is_listed_without_any(self, surface: Surface) -> None:
        spec = KeySpec(permissions=frozenset({Permission.QUERY_FUNDS}))
        surface.issue(NAME, spec)
        assert self._listed(surface, NAME).spec == spec

    def test_every_grantable_permission_alone_is_granted_alone(self, surface: Surface) -> None:
        for permission in sorted(self.grantable):
            surface.issue(permission.value, KeySpec(permissions=frozenset({permission})))
            assert self._listed(surface, permission.value).spec.permissions == {permission}

    def test_two_issues_give_two_pairs(self, surface: Surface, spec: KeySpec) -> None:
        one, two = surface.issue(NAME, spec), surface.issue("mm-btc.a7.g2", spec)
        assert one.public_key != two.public_key
        assert one.secret != two.secret

    def test_an_issued_key_describes_itself_as_it_was_asked_for(self, surface: Surface, spec: KeySpec) -> None:
        for name, wanted in ((NAME, spec), ("open", KeySpec(permissions=self.grantable))):
            issued = surface.issue(name, wanted)
            pair = KeyPair(public_key=issued.public_key, secret=issued.secret)
            seen = surface.inspect(pair, nonce=1)
            assert (seen.name, seen.spec, seen.public_key) == (name, wanted, issued.public_key)
            assert issued.live.created in (0, seen.created)

    def test_an_update_sets_every_field_and_keeps_the_pair(self, surface: Surface, spec: KeySpec) -> None:
        issued = surface.issue(NAME, spec)
        wanted = replace(spec, ip_allowlist=("127.0.0.1",), valid_until=spec.valid_until + DAY, nonce_window=7)
        surface.update(NAME, wanted)
        pair = KeyPair(public_key=issued.public_key, secret=issued.secret)
        assert self._listed(surface, NAME).spec == surface.inspect(pair, nonce=1).spec == wanted

    def test_an_update_can_take_every_limit_away(self, surface: Surface, spec: KeySpec) -> None:
        surface.issue(NAME, spec)
        surface.update(NAME, KeySpec(permissions=spec.permissions))
        assert self._listed(surface, NAME).spec == KeySpec(permissions=spec.permissions)

    def test_a_revoked_key_is_neither_listed_nor_good_for_anything(self, surface: Surface, spec: KeySpec) -> None:
        issued = surface.issue(NAME, spec)
        surface.issue("another", spec)
        assert surface.revoke(NAME) is Revocation.PROVED
        names = {live.name for live in surface.list_keys().keys}
        assert (NAME in names, "another" in names) == (False, True)
        with pytest.raises(ExchangeError):
            surface.inspect(KeyPair(public_key=issued.public_key, secret=issued.secret), nonce=1)

    def test_a_key_that_is_not_there_can_be_neither_updated_nor_revoked(self, surface: Surface, spec: KeySpec) -> None:
        with pytest.raises(ExchangeError) as updating:
            surface.update(NAME, spec)
        with pytest.raises(ExchangeError) as revoking:
            surface.revoke(NAME)
        assert not any(isinstance(caught.value, AnswerLost) for caught in (updating, revoking))

    def test_a_name_is_taken_once(self, surface: Surface, spec: KeySpec) -> None:
        surface.issue(NAME, spec)
        with pytest.raises(ExchangeError) as caught:
            surface.issue(NAME, spec)
        assert not isinstance(caught.value, AnswerLost)
        assert self._listed(surface, NAME).spec == spec

    def test_a_listing_is_of_these_keys_only_what_it_says_of_them(self, surface: Surface, spec: KeySpec) -> None:
        surface.issue(NAME, spec)
        listing = surface.list_keys()
        names = {live.name for live in listing.keys}
        assert {*listing.unasked, *listing.odd} <= names
        assert NAME not in {*listing.unasked, *listing.odd}

    @pytest.mark.parametrize("verb", [Verb.ISSUE, Verb.UPDATE, Verb.REVOKE, Verb.CHECK])
    def test_whoever_is_needed_is_there(self, surface: Surface, verb: Verb) -> None:
        surface.ready(verb, NAME)

    def test_a_listing_says_how_much_of_the_truth_it_is(self, surface: Surface) -> None:
        assert surface.list_keys().coverage in set(Coverage) - {Coverage.NONE}

    def _listed(self, surface: Surface, name: str) -> LiveKey:
        [live] = [live for live in surface.list_keys().keys if live.name == name]
        return live
