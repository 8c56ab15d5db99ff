"""The website as a surface: a robot does what it is told, or nearly; what its keys say of themselves is what counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from krakenctl.errors import NeedsPerson, RateLimited, Refused, SafetyStop
from krakenctl.model.coverage import Coverage
from krakenctl.model.description import NonceScale
from krakenctl.model.key import KeyPair, KeySpec
from krakenctl.model.permission import Permission
from krakenctl.model.secret import Secret
from krakenctl.testing.person import SWAPPED, Robot, on, pasted, secret_of, slips, toggled
from signed import signed
from website_scene import READ, listed, watch

NAME = "mm-btc.a7.g1"
DAY = 86_400
FAR = 1_900_000_000


# Looking


def test_a_key_with_a_known_nonce_speaks_for_itself(scene):
    scene.hold("bot", READ)
    website = scene.open()
    live, unasked, odd = listed(website, "bot")
    assert (live.spec, unasked, odd) == (READ, "", ())
    assert website.list_keys().coverage is Coverage.HELD
    assert website.iiban()


@pytest.mark.parametrize("scale", [NonceScale.UNKNOWN, NonceScale.COUNTER])
def test_a_key_whose_consumer_might_be_locked_out_is_taken_as_recorded(scene, scale):
    pair = scene.hold("bot", scale=scale)
    live, unasked, _ = listed(scene.open(), "bot")
    assert (live.spec, "consumer.nonce" in unasked) == (READ, True)
    signed(scene.http, pair, "GetApiKeyInfo", 1)  # nobody has called it before


def test_a_key_that_others_may_use_is_not_tried_from_here(scene):
    scene.hold("bot", replace(READ, ip_allowlist=("198.51.100.1",)))
    _, unasked, _ = listed(scene.open(), "bot")
    assert "allow-list" in unasked


def test_a_renamed_key_is_listed_under_its_recorded_name_and_told(scene):
    pair = scene.hold("bot")
    made = scene.sandbox.key(["query-funds"], name="new-name", account=scene.site)
    scene.ours.put("bot", KeyPair(public_key=made.public_key, secret=Secret(made.secret)), READ)
    assert scene.open().list_keys().called == {"bot": "new-name"}
    live, _, odd = scene.look("bot")
    assert (live.name, odd) == ("bot", ())
    assert pair.public_key != live.public_key


def test_those_that_answered_the_last_time_are_asked_first(scene, monkeypatch):
    names = {scene.hold(name).public_key: name for name in ("new", "known")}
    scene.held.note(next(key for key, name in names.items() if name == "known"), answers=True)
    order = []
    watch(monkeypatch, lambda pair, _: order.append(names[pair.public_key]))
    scene.open().list_keys()
    assert order == ["known", "new"]


def test_being_asked_to_wait_is_no_refusal_that_adds_up(scene):
    for number in range(4):
        scene.hold(f"bot-{number}")
    scene.sandbox.fault("rate-limit", account=scene.site, times=4)
    website = scene.open()
    for _ in range(4):
        with pytest.raises(RateLimited):
            website.list_keys()
    assert website.list_keys().unasked == {}


def test_keys_of_two_accounts_under_one_name_are_a_hard_stop(scene):
    scene.sandbox.account(f"beside-{scene.site}")
    scene.hold("one")
    scene.hold("two", account=f"beside-{scene.site}")
    with pytest.raises(SafetyStop):
        scene.open().iiban()


# Making


@pytest.fixture
def spec(served_sandbox):
    now = int(served_sandbox.now)
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
    live, unasked, odd = listed(website, NAME)
    assert (live.spec, live.public_key, unasked, odd) == (spec, issued.public_key, "", ())
    assert issued.secret.reveal() not in repr(website.list_keys())


@pytest.mark.parametrize("mistake", slips(FAR), ids=str)
def test_every_single_slip_shows_and_can_be_put_right(scene, spec, mistake):
    robot = Robot(scene.sandbox.db, [mistake])
    website = scene.open(robot)
    website.issue(NAME, spec)
    live, unasked, odd = listed(website, NAME)
    assert not unasked
    assert bool(odd) != (live.spec != spec)
    assert website.amend(NAME, spec, odd or ("another spec",)).pair is None
    live, unasked, odd = listed(website, NAME)
    assert (live.spec, unasked, odd) == (spec, "", ())


def test_the_key_of_another_account_is_told(scene, spec):
    other, pinned = (f"{which}-{scene.site}" for which in ("other", "pinned"))
    scene.sandbox.account(other)
    iiban = scene.sandbox.account(pinned)
    robot = Robot(scene.sandbox.db, [on(other)])
    website = scene.open(robot, iiban=iiban)
    scene.site = robot.aliases["acme"] = pinned
    website.issue(NAME, spec)
    _, _, [odd] = listed(website, NAME)
    assert "belongs to the account" in odd
    made = website.amend(NAME, spec, (odd,))
    assert made.pair
    assert listed(website, NAME)[2] == ()
    scene.revoke(NAME)


@pytest.mark.parametrize("ip_allowlist", [(), ("127.0.0.1",)], ids=["any", "here"])
@pytest.mark.parametrize("slip", ["swapped", "secret", "pair"])
def test_a_pair_that_is_not_the_new_key_is_never_accepted(scene, slip, ip_allowlist):
    wanted = replace(READ, ip_allowlist=ip_allowlist)
    other = scene.hold("other")
    mistake = {"swapped": SWAPPED, "secret": secret_of(other), "pair": pasted(other)}[slip]
    website = scene.open(Robot(scene.sandbox.db, [mistake]))
    website.issue(NAME, wanted)
    _, unasked, odd = listed(website, NAME)
    assert odd or "mistyped" in unasked
    website.amend(NAME, wanted, odd or (unasked,))
    live, unasked, odd = listed(website, NAME)
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
    _, unasked, odd = listed(website, NAME)
    assert (odd, "not in its allow-list" in unasked) == ((), True)


def test_a_new_key_may_take_its_time(scene):
    scene.sandbox.fault("slow-key", seconds=2)
    website = scene.open(wait=lambda seconds: scene.sandbox.advance(seconds=seconds))
    website.issue(NAME, READ)
    assert listed(website, NAME)[1:] == ("", ())


def test_asking_a_new_key_leaves_every_nonce_to_its_consumer(scene):
    website = scene.open()
    issued = website.issue(NAME, READ)
    website.list_keys()
    pair = KeyPair(public_key=issued.public_key, secret=issued.secret)
    signed(scene.http, pair, "GetApiKeyInfo", 100)


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
    assert listed(website, "bot")[0].spec == wanted


def test_an_update_that_was_not_made_shows(scene):
    scene.hold("bot")
    website = scene.open(Robot(scene.sandbox.db, edits=False))
    website.list_keys()
    scene.sandbox.advance(seconds=1)
    website.update("bot", replace(READ, nonce_window=7))
    assert listed(website, "bot")[0].spec == READ
