"""A person at the terminal: what they read is enough to do it rightly, and every single slip is named to them."""

from __future__ import annotations

import pytest

import followed
from by_hand import a_key, by_hand
from desk import DAY, NOW, make_desk
from dialogue import Dialogue
from krakenctl.model.permission import SPELLINGS, Permission
from krakenctl.sandbox.people import operate

BOT = "ApiKey/acme/bot"
KEY, SECRET, AGAIN = "API key: ", "Private key: ", "[n] stop here "
USES, DELETED = "Does its program use bot.a7.g2? [y/N] ", "Is it deleted? [y/N] "
WHOLE = {
    "ipAllowlist": ["127.0.0.1", "198.51.100.0/28"],
    "validFor": "90d",
    "queryWindow": {"from": "2026-01-01", "to": "2026-12-31"},
    "nonceWindow": 5000,
}
FAR = NOW + 900 * DAY
CHECK_ORDERS = ("nonce-first", "address-first")  # which of them Kraken has is unconfirmed
OPEN = ("--allow", "open", "--reason", "a test")


@pytest.fixture
def desk(tmp_path):
    return make_desk(tmp_path)


def opened(desk, *args, columns=100):
    return Dialogue("-C", desk.root, "apply", "--yes", *args, cwd=desk.root, columns=columns)


def test_what_is_printed_is_enough_to_make_the_key(desk):
    desk.declare(by_hand(), a_key("bot", "query-funds", "modify-trades", "create-ws-token", **WHOLE))
    talk = opened(desk)
    told = followed.read(talk.until(KEY))
    assert (told.user, told.name, told.page) == ("acme", "bot.a7.g1", "/app/settings/api")
    assert len(told.boxes) == len(Permission)
    key, secret = followed.make(desk.db, told)
    talk.type(key)
    talk.until(SECRET)
    talk.type(secret)
    code, said = talk.end()
    assert (code, "1 change done (1 created)" in said) == (0, True), said
    assert secret not in talk.seen
    assert key not in talk.seen
    assert desk.entry("acme/bot").secret.reveal() == secret
    assert desk.plan()["changes"] == []


def test_both_halves_may_be_pasted_at_once_on_a_narrow_terminal(desk):
    desk.declare(by_hand(), a_key(**WHOLE))
    talk = opened(desk, columns=60)
    key, secret = followed.make(desk.db, followed.read(talk.until(KEY)))
    talk.type(f"{key}\n{secret}")
    assert talk.end()[0] == 0
    assert secret not in talk.seen


PASTES = {
    "blanks around": "  {key} \n\t{secret}  ",
    "an empty line between": "{key}\n\n\n{secret}",
    "quotes and a comma": "'{key}',\n\"{secret}\"",
    "windows' line ends": "{key}\r{secret}",
}


@pytest.mark.parametrize("paste", PASTES)
def test_what_copying_adds_does_no_harm(desk, paste):
    desk.declare(by_hand(), a_key())
    talk = opened(desk)
    key, secret = followed.make(desk.db, followed.read(talk.until(KEY)))
    talk.type(PASTES[paste].format(key=key, secret=secret))
    code, said = talk.end()
    assert (code, desk.plan()["changes"]) == (0, []), said


SLIPS = {
    "any address": ({"ip_allowlist": ()}, "from any address"),
    "an address too many": ({"ip_allowlist": (*WHOLE["ipAllowlist"], "198.51.100.77")}, "198.51.100.77"),
    "an address left out": ({"ip_allowlist": ("127.0.0.1",)}, "it works from 127.0.0.1, not from"),
    "no expiry": ({"valid_until": 0}, "it never expires, and should on 20"),
    "another expiry": ({"valid_until": FAR}, "it expires 20"),
    "no query start": ({"query_from": 0}, "its query window"),
    "another query start": ({"query_from": NOW - 400 * DAY}, "its query window"),
    "no query end": ({"query_to": 0}, "its query window"),
    "another query end": ({"query_to": NOW - 2 * DAY}, "its query window"),
    "no nonce window": ({"nonce_window": 0}, "its nonce window is 0, not 5000"),
    "another nonce window": ({"nonce_window": 500}, "its nonce window is 500, not 5000"),
    "another name": ({"name": "bot"}, "Kraken calls it “bot”"),
    "the generation before": ({"name": "bot.a7.g0"}, "Kraken calls it “bot.a7.g0”"),
}


@pytest.mark.parametrize("check_order", CHECK_ORDERS)
def test_every_single_slip_of_the_form_is_named_and_can_be_put_right(desk, check_order):
    """One after the other in one sitting: each time it is edited, another field is wrong."""
    desk.switch("check-order", check_order)
    desk.declare(by_hand(), a_key("bot", "query-funds", "modify-trades", **WHOLE))
    talk = opened(desk)
    told = followed.read(talk.until(KEY))
    slips = [(code, {"permissions": set(told.codes) ^ {code}}, SPELLINGS[code].label) for code in Permission]
    slips += [(what, form, words) for what, (form, words) in SLIPS.items()]
    _, first, words = slips[0]
    key, secret = followed.make(desk.db, told, **first)
    talk.type(f"{key}\n{secret}")
    name = told.name
    for _, form, coming in [*slips[1:], ("right", {}, "")]:
        said = talk.until(AGAIN)
        assert words in " ".join(said.split()), (words, said)
        assert "one thing is not right" in said
        desk.advance(20)  # which it takes them, and which the count of calls needs to fall
        followed.edit(desk.db, told, name, **form)
        name, words = form.get("name", told.name), coming
        talk.type("y")
    code, said = talk.end()
    assert (code, desk.plan()["changes"]) == (0, []), said


WRONG_PAIRS = {
    "another key's secret": "key and secret do not belong together",
    "another key": "Kraken calls it “spare”, not “bot.a7.g1”",
    "another key of the workspace": "this is the pair of first.a7.g1, which is another key of ours",
    "a key of another account": "it belongs to the account",
}


@pytest.mark.parametrize("slip", WRONG_PAIRS)
def test_a_pair_that_is_not_the_new_key_is_named_and_typed_in_again(desk, slip):
    desk.declare(by_hand(), a_key("first"))
    talk = opened(desk)
    first = followed.make(desk.db, followed.read(talk.until(KEY)))
    talk.type("\n".join(first))
    assert talk.end()[0] == 0
    operate.make_account(desk.db, "other")
    desk.declare(by_hand(), a_key("first"), a_key())
    desk.advance(60)
    talk = opened(desk)
    told = followed.read(talk.until(KEY))
    elsewhere, right = followed.make(desk.db, told, user="other"), followed.make(desk.db, told)
    spare = operate.make_key(desk.db, "acme", "spare", ["query-funds"])
    wrong = {
        "another key's secret": (right[0], spare["secret"]),
        "another key": (spare["apiKey"], spare["secret"]),
        "another key of the workspace": first,
        "a key of another account": elsewhere,
    }[slip]
    talk.type("\n".join(wrong))
    said = " ".join(talk.until(AGAIN).split())
    assert WRONG_PAIRS[slip] in said
    is_sure = slip not in ("another key's secret", "a key of another account")  # neither may be mended by typing
    assert ("[Y]" in said) == is_sure
    desk.advance(20)
    talk.type("k")
    assert "Create API key" not in talk.until(KEY)  # they need not make it once more
    talk.type("\n".join(right))
    code, said = talk.end()
    assert (code, desk.plan()["changes"]) == (0, []), said
    assert desk.entry("acme/bot").secret.reveal() == right[1]


def test_halves_that_are_swapped_are_told_apart_at_once(desk):
    desk.declare(by_hand(), a_key())
    talk = opened(desk)
    key, secret = followed.make(desk.db, followed.read(talk.until(KEY)))
    talk.type(secret)
    assert "here belongs the public one" in talk.until("once more: ")
    talk.type(f"{key}\n{secret}")
    code, said = talk.end()
    assert (code, desk.plan()["changes"]) == (0, []), said


STOPS = {"nothing": b"\n", "end": b"\x04", "ctrl-c": b"\x03"}


def stopping(talk, how):
    """The exit code, and what was said."""
    if how == "closed":
        return talk.hang_up(), talk.seen
    if how == "killed":
        return talk.kill(), talk.seen
    talk.press(STOPS.get(how, b"n\n"))
    return talk.end()


def fits(code, how):
    return code in {"ctrl-c": (130,), "closed": (8, 130), "killed": (-9,)}.get(how, (8,))


@pytest.mark.parametrize("half", [KEY, SECRET])
@pytest.mark.parametrize("how", [*STOPS, "closed", "killed"])
def test_whoever_stops_at_a_hidden_prompt_is_asked_for_the_same_key_again(desk, how, half):
    desk.declare(by_hand(), a_key())
    talk = opened(desk)
    told = followed.read(talk.until(KEY))
    key, secret = followed.make(desk.db, told)
    if half == SECRET:
        talk.type(key)
        talk.until(SECRET)
    code, said = stopping(talk, how)
    assert fits(code, how), said
    assert (desk.slots(), desk.changes()) == ([], {BOT: "create"})
    desk.advance(86_400)
    talk = opened(desk)
    again = followed.read(talk.until(KEY))
    assert (again.name, again.times) == (told.name, told.times)
    talk.type(f"{key}\n{secret}")
    code, said = talk.end()
    assert (code, desk.plan()["changes"]) == (0, []), said


@pytest.mark.parametrize("how", ["no", "end", "ctrl-c", "closed", "killed"])
def test_whoever_stops_at_a_slip_is_told_of_that_key_by_every_plan_until_it_is_right(desk, how):
    desk.declare(by_hand(), a_key())
    talk = opened(desk)
    told = followed.read(talk.until(KEY))
    key, secret = followed.make(desk.db, told, permissions=["withdraw-funds"])
    talk.type(f"{key}\n{secret}")
    assert "“Funds permissions – Withdraw”" in talk.until(AGAIN)
    code, said = stopping(talk, how)
    assert fits(code, how), said
    assert (desk.slots(), desk.recorded().keys) == (["acme/bot/pending"], {})
    ran = desk.run("plan")
    assert "bot.a7.g1 was made, and is not as it was asked for: it may withdraw-funds" in " ".join(ran.out.split())
    desk.advance(20)
    talk = opened(desk)
    assert "“Funds permissions – Withdraw”" in talk.until(AGAIN)
    desk.advance(20)
    followed.edit(desk.db, told)
    talk.type("y")
    code, said = talk.end()
    assert (code, desk.plan()["changes"]) == (0, []), said


def test_whoever_rather_deletes_the_wrong_key_is_asked_for_the_next_one(desk):
    desk.declare(by_hand(), a_key(ipAllowlist="any"))
    talk = opened(desk, *OPEN)
    told = followed.read(talk.until(KEY))
    talk.type("\n".join(followed.make(desk.db, told, permissions=["withdraw-funds"])))
    talk.until(AGAIN)
    talk.type("d")
    assert "it still answers: it was not deleted" in " ".join(talk.until(DELETED).split())
    desk.advance(20)
    operate.revoke_key(desk.db, "acme", told.name)
    talk.type("y")
    code, said = talk.end()
    assert (code, "bot.a7.g1 is deleted, as its own pair proves" in " ".join(said.split())) == (8, True), said
    assert (desk.slots(), desk.recorded().intents) == ([], ())
    talk = opened(desk, *OPEN)
    assert followed.read(talk.until(KEY)).name == "bot.a7.g2"
    talk.hang_up()


def test_an_answer_that_means_nothing_is_asked_for_again(desk):
    desk.declare(by_hand(), a_key())
    talk = opened(desk)
    told = followed.read(talk.until(KEY))
    talk.type("\n".join(followed.make(desk.db, told, permissions=["withdraw-funds"])))
    talk.until(AGAIN)
    talk.type("what?")
    talk.until(AGAIN)
    desk.advance(20)
    followed.edit(desk.db, told)
    talk.type("Y")
    assert talk.end()[0] == 0


@pytest.mark.parametrize("at", [USES, DELETED], ids=["before", "at"])
@pytest.mark.parametrize("how", ["nothing", "no", "end", "ctrl-c", "closed", "killed"])
def test_whoever_stops_before_the_old_key_is_deleted_is_asked_for_that_again(desk, how, at):
    desk.declare(by_hand(), a_key())
    talk = opened(desk)
    talk.type("\n".join(followed.make(desk.db, followed.read(talk.until(KEY)))))
    assert talk.end()[0] == 0
    desk.advance(60)
    desk.declare(by_hand(), a_key("bot", "query-ledger"))
    talk = opened(desk)
    talk.type("\n".join(followed.make(desk.db, followed.read(talk.until(KEY)))))
    talk.until(USES)
    if at == DELETED:
        talk.type("y")
        talk.until(DELETED)
    code, said = stopping(talk, how)
    assert fits(code, how) or code == 4, said
    assert desk.entry("acme/bot").live_name == "bot.a7.g2"
    desk.advance(7200)  # so that what was refused counts no longer
    talk = opened(desk)
    assert "An earlier run stopped here:" in talk.until(USES)
    talk.type("y")
    told = followed.read(talk.until(DELETED))
    operate.revoke_key(desk.db, "acme", told.name)
    talk.type("y")
    code, said = talk.end()
    assert (code, desk.plan()["changes"], desk.recorded().retired) == (0, [], ()), said
    assert "once its program uses it" not in " ".join(said.split())


def test_whoever_leaves_what_an_earlier_run_had_begun_is_not_asked_again_in_this_one(desk):
    desk.declare(by_hand(), a_key())
    talk = opened(desk)
    talk.type("\n".join(followed.make(desk.db, followed.read(talk.until(KEY)))))
    assert talk.end()[0] == 0
    desk.advance(60)
    desk.declare(by_hand(), a_key("bot", "query-ledger"))
    talk = opened(desk)
    talk.type("\n".join(followed.make(desk.db, followed.read(talk.until(KEY)))))
    talk.until(USES)
    talk.kill()
    assert "once its program uses it, bot.a7.g1 is revoked" in " ".join(desk.run("plan").out.split())
    talk = opened(desk)
    assert "An earlier run stopped here:" in talk.until(USES)
    talk.type("n")
    code, said = talk.end()
    assert (code, USES in said, "to revoke" in said) == (8, False, False), said
    assert "bot.a7.g1 on acme is kept until its program uses bot.a7.g2" in " ".join(said.split())
    assert {"bot.a7.g1", "bot.a7.g2"} <= set(desk.rows())


def test_a_change_walks_through_both_keys(desk):
    desk.declare(by_hand(), a_key())
    talk = opened(desk)
    key, secret = followed.make(desk.db, followed.read(talk.until(KEY)))
    talk.type(f"{key}\n{secret}")
    assert talk.end()[0] == 0
    desk.advance(60)
    desk.declare(by_hand(), a_key("bot", "query-funds", "query-ledger"))
    talk = opened(desk)
    told = followed.read(talk.until(KEY))
    assert (told.title, told.name) == ("Step 1 of 2 on acme: make an API key", "bot.a7.g2")
    key, secret = followed.make(desk.db, told)
    talk.type(f"{key}\n{secret}")
    assert "bot.a7.g2 is right, and its pair is in the store, at main:acme/bot" in " ".join(talk.until(USES).split())
    assert desk.entry("acme/bot").live_name == "bot.a7.g2"
    talk.type("y")
    told = followed.read(talk.until(DELETED))
    assert (told.title, told.name) == ("Step 2 of 2 on acme: delete an API key", "bot.a7.g1")
    operate.revoke_key(desk.db, told.user, told.name)
    talk.type("y")
    code, said = talk.end()
    assert (code, desk.plan()["changes"]) == (0, []), said


@pytest.mark.parametrize("output", ["text", "markdown"])
def test_a_plan_says_how_much_of_it_a_person_does(desk, output):
    desk.declare(by_hand(), a_key())
    assert "By a person on the website: 1 step." in desk.run("plan", "-o", output).out


def test_without_a_terminal_it_waits(desk):
    desk.declare(by_hand(), a_key())
    ran = desk.run("apply", "--yes")
    assert (ran.code, "a person" in ran.out) == (8, True)


@pytest.mark.parametrize("check_order", CHECK_ORDERS)
def test_a_key_that_cannot_answer_here_waits_or_is_accepted_on_the_record(desk, check_order):
    desk.switch("check-order", check_order)
    desk.declare(by_hand(), a_key(ipAllowlist=["198.51.100.7"]))
    talk = opened(desk)
    key, secret = followed.make(desk.db, followed.read(talk.until(KEY)))
    talk.type(f"{key}\n{secret}")
    assert "this host is not in its allow-list, or the key was mistyped" in " ".join(talk.until(AGAIN).split())
    talk.type("n")
    code, said = talk.end()
    assert (code, "krakenctl attest ApiKey/acme/bot" in " ".join(said.split())) == (8, True), said
    ran = desk.run("apply", "--yes", "--accept-unverified", "ticket 4711")
    assert ran.code == 0, ran.out + ran.err
    assert desk.recorded().keys
    assert "ticket 4711" in desk.run("log").out
