"""The website as a surface: a robot does what it is told, or nearly; what its keys say of themselves is what counts."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace

import pytest

from krakenctl.errors import LockedOut, NeedsPerson, RateLimited, Refused, SafetyStop
from krakenctl.model.address import key_address
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import SecretRef
from krakenctl.model.holding import Holding
from krakenctl.model.human import Revocation, Site
from krakenctl.model.key import KeyPair, KeySpec
from krakenctl.model.live import Coverage
from krakenctl.model.permission import Permission
from krakenctl.model.recorded import RecordedKey
from krakenctl.model.secret import Secret
from krakenctl.surfaces.kraken import spot
from krakenctl.surfaces.kraken.own_key import OwnKey
from krakenctl.surfaces.website import Website
from krakenctl.testing.memory import MemoryHeld
from krakenctl.testing.person import SWAPPED, Robot, on, pasted, secret_of, slips, toggled
from krakenctl.testing.sandbox import served
from krakenctl.transport.http import Http

NAME = "mm-btc.a7.g1"
DAY = 86_400
FAR = 1_900_000_000
_NUMBERS = itertools.count()
READ = KeySpec(permissions=frozenset({Permission.QUERY_FUNDS}))


@pytest.fixture(scope="module")
def served_sandbox(tmp_path_factory):
    with served(tmp_path_factory.mktemp("website") / "sandbox.db") as sandbox:
        sandbox.freeze("2027-01-15T08:00:00Z")
        yield sandbox


@pytest.fixture
def sandbox(served_sandbox):
    """With an account for each test, and no failures in a row from the one before."""
    served_sandbox.site = f"account-{next(_NUMBERS)}"
    served_sandbox.account(served_sandbox.site)
    http = Http(served_sandbox.url)
    made = served_sandbox.key(["query-funds"], account=served_sandbox.site, name="good")
    spot.call(http, KeyPair(public_key=made.public_key, secret=Secret(made.secret)), "GetApiKeyInfo", 1, "answer")
    http.close()
    yield served_sandbox
    served_sandbox.clear_faults()


@pytest.fixture
def http(sandbox):
    http = Http(sandbox.url)
    yield http
    http.close()


@dataclass
class Scene:
    sandbox: object
    http: Http
    held: MemoryHeld = field(default_factory=MemoryHeld)
    waited: list[float] = field(default_factory=list)

    def open(self, robot=None, iiban=""):
        robot = robot or Robot(self.sandbox.db)
        robot.aliases["acme"] = self.sandbox.site
        site = Site(account="acme", page="https://example/api", iiban=iiban)
        clock = lambda: int(self.sandbox.now * 1_000_000_000)  # noqa: E731
        return Website(site, self.http, robot, self.held, clock, self.waited.append)

    def hold(self, name, spec=READ, *, scale=NonceScale.MILLISECONDS, account=None, claimed_by=""):
        """A key that somebody made, and that we know."""
        codes = sorted(spec.permissions)
        made = self.sandbox.key(codes, name=name, account=account or self.sandbox.site, ip_allowlist=spec.ip_allowlist)
        pair = KeyPair(public_key=made.public_key, secret=Secret(made.secret))
        record = RecordedKey(
            address=key_address("acme", name.partition(".")[0]),
            live_name=name,
            generation=1,
            created=0,
            public_key=pair.public_key,
            spec=spec,
            secret=SecretRef("main", name),
            issued=0,
            claimed_by=claimed_by,
        )
        self.held.keys.append(Holding(record=record, scale=scale, pair=pair))
        return pair


@pytest.fixture
def scene(sandbox, http):
    return Scene(sandbox, http)


def _listed(website, name=NAME):
    listing = website.list_keys()
    [live] = [key for key in listing.keys if key.name == name]
    return live, listing.unasked.get(name, ""), listing.odd.get(name, ())


# Looking


def test_a_key_with_a_known_nonce_speaks_for_itself(scene):
    scene.hold("bot", READ)
    website = scene.open()
    live, unasked, odd = _listed(website, "bot")
    assert (live.spec, unasked, odd) == (READ, "", ())
    assert website.list_keys().coverage is Coverage.HELD
    assert website.iiban()


@pytest.mark.parametrize("scale", [NonceScale.UNKNOWN, NonceScale.COUNTER])
def test_a_key_whose_consumer_might_be_locked_out_is_taken_as_recorded(scene, scale):
    pair = scene.hold("bot", scale=scale)
    live, unasked, _ = _listed(scene.open(), "bot")
    assert (live.spec, "consumer.nonce" in unasked) == (READ, True)
    spot.call(scene.http, pair, "GetApiKeyInfo", 1, "answer")  # nobody has called it before


def test_a_key_that_others_may_use_is_not_tried_from_here(scene):
    scene.hold("bot", replace(READ, ip_allowlist=("198.51.100.1",)))
    _, unasked, _ = _listed(scene.open(), "bot")
    assert "allow-list" in unasked


def test_a_renamed_key_is_listed_under_its_recorded_name_and_told(scene):
    pair = scene.hold("bot")
    made = scene.sandbox.key(["query-funds"], name="new-name", account=scene.sandbox.site)
    scene.held.keys[0] = replace(
        scene.held.keys[0], pair=KeyPair(public_key=made.public_key, secret=Secret(made.secret))
    )
    live, _, [odd] = _listed(scene.open(), "bot")
    assert (live.name, "new-name" in odd) == ("bot", True)
    assert pair.public_key != live.public_key


def test_a_key_that_has_answered_and_does_not_any_more_is_gone(scene):
    scene.hold("bot")
    assert _listed(scene.open(), "bot")
    scene.sandbox.revoke("bot", account=scene.sandbox.site)
    assert scene.open().list_keys().keys == ()


def _asked(monkeypatch):
    """What becomes of each call from now on."""
    asked, real = [], OwnKey._result

    def result(own, *call, **fields):
        try:
            told = real(own, *call, **fields)
        except Refused:
            asked.append("refused")
            raise
        asked.append("answered")
        return told

    monkeypatch.setattr(OwnKey, "_result", result)
    return asked


def test_what_is_proved_gone_is_remembered_and_not_asked_again(scene, monkeypatch):
    pair = scene.hold("bot")
    scene.open().list_keys()
    scene.sandbox.revoke("bot", account=scene.sandbox.site)
    asked = _asked(monkeypatch)
    assert scene.open().list_keys().keys == ()
    assert (len(asked), list(scene.held.proved)) == (2, [pair.public_key])
    assert [scene.open().list_keys().keys for _ in range(6)] == [()] * 6
    assert len(asked) == 2


def test_where_nothing_is_remembered_one_refusal_is_all(scene, monkeypatch):
    scene.hold("bot")
    scene.open().list_keys()
    scene.sandbox.revoke("bot", account=scene.sandbox.site)
    scene.held.remembers, asked = False, _asked(monkeypatch)
    listing = scene.open().list_keys()
    assert (len(asked), listing.vanished, "most likely" in listing.unasked["bot"]) == (1, {"bot"}, True)


def test_where_nothing_is_remembered_two_refusals_with_an_answer_in_between_prove_it(scene, monkeypatch):
    for name in ("a-gone", "kept", "z-gone"):
        scene.hold(name)
    scene.open().list_keys()
    for name in ("a-gone", "z-gone"):
        scene.sandbox.revoke(name, account=scene.sandbox.site)
    scene.held.remembers, asked = False, _asked(monkeypatch)
    website, ticks = scene.open(), itertools.count(int(scene.sandbox.now * 1_000_000_000), 10_000_000)
    website._roll.clock = lambda: next(ticks)
    assert [live.name for live in website.list_keys().keys] == ["kept"]
    assert "refused refused" not in " ".join(asked)


def test_those_that_answered_the_last_time_are_asked_first(scene, monkeypatch):
    names = {scene.hold(name).public_key: name for name in ("new", "known")}
    scene.held.note(next(key for key, name in names.items() if name == "known"), answers=True)
    order, real = [], OwnKey.describe
    monkeypatch.setattr(OwnKey, "describe", lambda own, scale: order.append(own._pair.public_key) or real(own, scale))
    scene.open().list_keys()
    assert [names[key] for key in order] == ["known", "new"]


def test_being_asked_to_wait_is_no_refusal_that_adds_up(scene):
    for number in range(4):
        scene.hold(f"bot-{number}")
    scene.sandbox.fault("rate-limit", account=scene.sandbox.site, times=4)
    website = scene.open()
    for _ in range(4):
        with pytest.raises(RateLimited):
            website.list_keys()
    assert website.list_keys().unasked == {}


def test_a_key_that_never_answered_from_here_is_not_said_to_be_gone(scene):
    scene.hold("bot")
    scene.sandbox.revoke("bot", account=scene.sandbox.site)
    _, unasked, _ = _listed(scene.open(), "bot")
    assert "refused from here" in unasked


def test_three_refusals_in_a_row_are_enough(scene):
    for number in range(6):
        scene.hold(f"bot-{number}")
        scene.sandbox.revoke(f"bot-{number}", account=scene.sandbox.site)
    unasked = scene.open().list_keys().unasked
    assert sum("refused from here" in why for why in unasked.values()) == 3
    assert sum("not asked" in why for why in unasked.values()) == 3


def test_a_lockout_stops(scene):
    scene.hold("bot")
    scene.sandbox.fault("lockout", account=scene.sandbox.site)
    with pytest.raises(LockedOut):
        scene.open().list_keys()


def test_keys_of_two_accounts_under_one_name_are_a_hard_stop(scene):
    scene.sandbox.account("elsewhere")
    scene.hold("one")
    scene.hold("two", account="elsewhere")
    with pytest.raises(SafetyStop):
        scene.open().iiban()


# Making


@pytest.fixture
def spec(sandbox):
    now = int(sandbox.now)
    return KeySpec(
        permissions=frozenset({Permission.QUERY_FUNDS, Permission.CREATE_WS_TOKEN, Permission.MODIFY_TRADES}),
        ip_allowlist=("127.0.0.1", "198.51.100.0/28"),
        valid_until=now + 90 * DAY,
        query_from=now - DAY,
        query_to=now + DAY,
        nonce_window=1000,
    )


def test_a_key_that_is_made_as_told_is_right(scene, spec):
    website = scene.open()
    issued = website.issue(NAME, spec)
    live, unasked, odd = _listed(website)
    assert (live.spec, live.public_key, unasked, odd) == (spec, issued.public_key, "", ())
    assert issued.secret.reveal() not in repr(website.list_keys())


@pytest.mark.parametrize("mistake", slips(FAR), ids=str)
def test_every_single_slip_shows_and_can_be_put_right(scene, spec, mistake):
    robot = Robot(scene.sandbox.db, [mistake])
    website = scene.open(robot)
    website.issue(NAME, spec)
    live, unasked, odd = _listed(website)
    assert not unasked
    assert bool(odd) != (live.spec != spec)
    assert website.amend(NAME, spec, odd or ("another spec",)).pair is None
    live, unasked, odd = _listed(website)
    assert (live.spec, unasked, odd) == (spec, "", ())


def test_the_key_of_another_account_is_told(scene, spec):
    scene.sandbox.account("other")
    iiban = scene.sandbox.account("pinned")
    robot = Robot(scene.sandbox.db, [on("other")])
    website = scene.open(robot, iiban=iiban)
    scene.sandbox.site = robot.aliases["acme"] = "pinned"
    website.issue(NAME, spec)
    _, _, [odd] = _listed(website)
    assert "belongs to the account" in odd
    made = website.amend(NAME, spec, (odd,))
    assert made.pair
    assert _listed(website)[2] == ()
    scene.sandbox.revoke(NAME, account="pinned")


@pytest.mark.parametrize("ip_allowlist", [(), ("127.0.0.1",)], ids=["any", "here"])
@pytest.mark.parametrize("slip", ["swapped", "secret", "pair"])
def test_a_pair_that_is_not_the_new_key_is_never_accepted(scene, slip, ip_allowlist):
    wanted = replace(READ, ip_allowlist=ip_allowlist)
    other = scene.hold("other")
    mistake = {"swapped": SWAPPED, "secret": secret_of(other), "pair": pasted(other)}[slip]
    website = scene.open(Robot(scene.sandbox.db, [mistake]))
    website.issue(NAME, wanted)
    _, unasked, odd = _listed(website)
    assert odd or "mistyped" in unasked
    website.amend(NAME, wanted, odd or (unasked,))
    live, unasked, odd = _listed(website)
    assert (live.spec, unasked, odd) == (wanted, "", ())


def test_whoever_gives_up_leaves_nothing_behind_here(scene):
    website = scene.open(Robot(scene.sandbox.db, [toggled(Permission.WITHDRAW_FUNDS)], gives_up=True))
    website.issue(NAME, READ)
    with pytest.raises(NeedsPerson):
        website.amend(NAME, READ, ("it may withdraw",))
    assert website.list_keys().keys == ()


def test_a_key_that_cannot_answer_here_is_neither_right_nor_wrong(scene):
    spec = replace(READ, ip_allowlist=("198.51.100.1",))
    website = scene.open()
    website.issue(NAME, spec)
    _, unasked, odd = _listed(website)
    assert (odd, "not in its allow-list" in unasked) == ((), True)


def test_a_new_key_may_take_its_time(scene):
    scene.sandbox.fault("slow-key", seconds=2)
    website = scene.open()
    scene.waited.clear()
    website.wait = website._roll.wait = lambda seconds: scene.sandbox.advance(seconds=seconds)
    website.issue(NAME, READ)
    assert _listed(website)[1:] == ("", ())


def test_asking_a_new_key_leaves_every_nonce_to_its_consumer(scene):
    website = scene.open()
    issued = website.issue(NAME, READ)
    website.list_keys()
    pair = KeyPair(public_key=issued.public_key, secret=issued.secret)
    spot.call(scene.http, pair, "GetApiKeyInfo", 100, "answer")


def test_a_name_is_not_asked_for_twice(scene):
    website = scene.open()
    website.issue(NAME, READ)
    with pytest.raises(Refused):
        website.issue(NAME, READ)


# Changing and ending


def test_an_update_is_read_back(scene):
    scene.hold("bot")
    website = scene.open()
    wanted = replace(READ, ip_allowlist=("127.0.0.1",), nonce_window=7)
    website.list_keys()
    scene.sandbox.advance(seconds=1)
    website.update("bot", wanted)
    assert _listed(website, "bot")[0].spec == wanted


def test_an_update_that_was_not_made_shows(scene):
    scene.hold("bot")
    website = scene.open(Robot(scene.sandbox.db, edits=False))
    website.list_keys()
    scene.sandbox.advance(seconds=1)
    website.update("bot", replace(READ, nonce_window=7))
    assert _listed(website, "bot")[0].spec == READ


def test_a_key_that_answered_and_does_not_any_more_is_revoked_and_that_is_proved(scene):
    scene.hold("bot", scale=NonceScale.UNKNOWN)
    website = scene.open()
    assert website.revoke("bot") is Revocation.PROVED
    assert website.list_keys().keys == ()


def test_a_key_that_cannot_answer_here_is_claimed_to_be_revoked_and_no_more(scene):
    scene.hold("bot", replace(READ, ip_allowlist=("198.51.100.1",)), scale=NonceScale.UNKNOWN)
    website = scene.open()
    assert website.revoke("bot") is Revocation.CLAIMED


def test_a_key_that_still_answers_is_not_believed_to_be_gone(scene):
    scene.hold("bot")
    robot = Robot(scene.sandbox.db, deletes=False)
    website = scene.open(robot)
    assert website.revoke("bot") is Revocation.PROVED  # they were told that it still answers, and deleted it
    assert [what for what, _, _ in robot.told] == ["revoke", "again"]


def test_a_claim_is_proved_by_a_later_run(scene):
    pair = scene.hold("bot", claimed_by="alice")
    scene.held.note(pair.public_key, answers=True)
    assert _listed(scene.open(), "bot")[1] == ""  # it answers: the claim is wrong
    scene.sandbox.revoke("bot", account=scene.sandbox.site)
    assert scene.open().list_keys().keys == ()


def test_a_claim_about_a_key_that_never_answered_from_here_stays_one(scene):
    scene.hold("bot", claimed_by="alice")
    scene.sandbox.revoke("bot", account=scene.sandbox.site)
    live, unasked, _ = _listed(scene.open(), "bot")
    assert (live.name, bool(unasked)) == ("bot", True)


def test_no_command_of_ours_brings_on_a_lockout(scene):
    for number in range(8):
        scene.hold(f"bot-{number}", scale=NonceScale.UNKNOWN)
    website = scene.open()
    assert {website.revoke(f"bot-{number}") for number in range(8)} == set(Revocation)
