"""What a person has set as declared is remembered, and decided on as if it had been sent so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from krakenctl.model.live import Aside
from krakenctl.model.plan import Action
from krakenctl.plan.authority import Tick
from plan_builders import DAY, NOW, READ, alive, bot, draw, memory, on, recorded, spec_of, wish

OLD = ("203.0.113.10",)
NEW = ("203.0.113.10", "198.51.100.4")
KEY = bot(ip_allowlist=NEW)


def sent(key=KEY, **fields):
    return recorded(key, spec=spec_of(key, ip_allowlist=OLD), **fields)


def drawn(key=KEY, record=None, live=NEW, errand=None, now=NOW, **aside):
    record = record or sent(key)
    seen = on(alive(record, ip_allowlist=live), asides={record.live_name: Aside(**aside)} if aside else {})
    more = {} if errand is None else {"errand": errand}
    return draw(wish(key), seen, recorded=memory(record), now=now, **more)


def test_a_key_that_somebody_set_as_declared_is_unchanged_and_remembered_so():
    plan = drawn()
    [settled] = plan.settled
    assert (plan.changes, plan.unchanged, settled.spec.ip_allowlist) == ((), (KEY.address,), NEW)


def test_what_nobody_declared_stays_as_it_was_sent():
    record = sent()
    live = alive(record, ip_allowlist=NEW, nonce_window=7)
    [settled] = draw(wish(KEY), on(live), recorded=memory(record)).settled
    assert (settled.spec.ip_allowlist, settled.spec.nonce_window) == (NEW, 0)


@pytest.mark.parametrize("live", [OLD, ("192.0.2.1",)], ids=["as it was sent", "otherwise"])
def test_a_key_that_is_not_as_declared_is_no_matter_of_memory(live):
    plan = drawn(live=live)
    assert ([change.action for change in plan.changes], plan.settled) == ([Action.UPDATE], ())


def test_a_key_that_is_as_it_was_sent_needs_no_word():
    assert drawn(record=recorded(KEY)).settled == ()


@pytest.mark.parametrize("aside", [{"unasked": "not asked"}, {"silent": True, "unasked": "refused"}], ids=str)
def test_what_nobody_has_seen_is_not_remembered(aside):
    assert drawn(**aside).settled == ()


def test_an_adopted_key_stays_as_it_was_adopted():
    assert drawn(record=sent(without_secret=True)).settled == ()


def test_an_edit_of_a_key_that_could_not_be_asked_says_that_it_may_be_done():
    [change] = drawn(live=OLD, unasked="not asked").changes
    assert change.reasons[-1] == "it could not be asked, so it may be so already"


def test_tick_rotates_a_due_key_that_somebody_set_as_declared():
    key = bot(ip_allowlist=NEW, max_age=30 * DAY)
    plan = drawn(key, sent(key, issued=NOW - 30 * DAY), errand=Tick())
    assert [change.action for change in plan.changes] == [Action.ROTATE]


def test_grants_that_somebody_gave_on_the_website_are_remembered_too():
    key = bot(grants=READ)
    record = recorded(bot())
    [settled] = draw(wish(key), on(alive(record, permissions=READ)), recorded=memory(record)).settled
    assert settled.spec == replace(record.spec, permissions=READ)
