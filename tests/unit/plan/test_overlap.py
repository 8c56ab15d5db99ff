"""While two generations of a key work at once: what waits for the older one's end, what does not, and what is said."""

import pytest

from krakenctl.model.plan import Action
from krakenctl.plan.authority import APPLY, Rotate, Tick
from plan_builders import DAY, HOUR, NOW, READ, TRADE, alive, bot, draw, memory, on, recorded, wish

NAMED = Rotate(addresses=(bot().address,))


def drawn(after, before=None, *, errand=APPLY, now=NOW + HOUR, until=NOW + DAY, **drift):
    """One key, issued NOW as its second generation, while the first is in its overlap."""
    before = before or bot(overlap=DAY)
    older, ours = recorded(before, retired_until=until), recorded(before, generation=2)
    live = on(alive(older), alive(ours, **drift))
    return draw(wish(after), live, recorded=memory(ours, retired=[older]), now=now, errand=errand)


def told(plan):
    return [(change.action.value, change.old.name if change.old else "") for change in plan.changes]


EARLY = [("revoke", "bot.a7.g1")]


@pytest.mark.parametrize(
    ("before", "after", "sooner"),
    [
        (bot(overlap=DAY), bot(overlap=DAY, trigger="drill"), "krakenctl rotate ApiKey/acme/bot"),
        (bot(overlap=DAY, grants=READ), bot(overlap=DAY, grants=TRADE), "declare an overlap"),
    ],
    ids=["another trigger", "more rights"],
)
def test_what_a_person_wants_waits_and_says_until_when_and_how_it_comes_sooner(before, after, sooner):
    plan = drawn(after, before)
    [change] = plan.changes
    assert change.action is Action.BLOCKED
    assert "bot.a7.g1 ends, 2027-01-16T08:00:00Z" in change.reasons[0]
    assert sooner in change.reasons[0]
    assert [overlap.name for overlap in plan.overlaps] == ["bot.a7.g1"]


@pytest.mark.parametrize("errand", [APPLY, Tick(), Rotate()], ids=["apply", "tick", "rotate --all"])
def test_what_is_merely_due_or_one_of_all_waits_as_a_note(errand):
    key = bot(overlap=DAY, max_age=30 * DAY)
    now = NOW + HOUR if isinstance(errand, Rotate) else NOW + 27 * DAY
    plan = drawn(bot(overlap=28 * DAY, max_age=30 * DAY), key, errand=errand, now=now, until=NOW + 28 * DAY)
    assert not plan.changes
    assert "waits-for-overlap" in [finding.rule for finding in plan.findings]
    assert plan.unchanged == (key.address,)


@pytest.mark.parametrize(
    ("after", "before", "more"),
    [
        (bot(overlap=DAY, grants=READ), None, {}),
        (bot(overlap=DAY, grants=TRADE), None, {"permissions": READ}),
        (bot(overlap=DAY, trigger="x"), bot(overlap=DAY, ip_allowlist=()), {}),
        (bot(overlap=DAY), None, {"errand": NAMED}),
        (bot(overlap=DAY), None, {"errand": Rotate(compromised=True)}),
        (bot(overlap=HOUR, trigger="x"), None, {}),
        (bot(trigger="x"), None, {}),
    ],
    ids=["fewer rights", "changed by hand", "fewer places", "named", "compromised", "a shorter overlap", "no overlap"],
)
def test_what_must_not_wait_ends_the_overlap_early_and_the_plan_says_so(after, before, more):
    plan = drawn(after, before, **more)
    assert told(plan)[0] == EARLY[0]
    assert "ends early" in plan.changes[0].reasons[0]
    assert plan.changes[1].action in (Action.REPLACE, Action.ROTATE)


def test_a_policy_that_would_be_broken_meanwhile_does_not_wait():
    key = bot(overlap=DAY, max_age=8 * DAY)
    plan = drawn(bot(overlap=7 * DAY, max_age=8 * DAY), key, now=NOW + 6 * DAY, until=NOW + 7 * DAY)
    assert told(plan) == [*EARLY, ("rotate", "bot.a7.g2")]


def test_an_older_generation_that_no_longer_works_holds_up_nothing():
    key = bot(overlap=DAY)
    older = recorded(key, retired_until=NOW + DAY)
    ours = recorded(key, generation=2)
    dead = alive(older, valid_until=NOW + 1)
    world = memory(ours, retired=[older])
    plan = draw(wish(bot(overlap=DAY, trigger="x")), on(dead, alive(ours)), recorded=world, now=NOW + HOUR)
    assert told(plan) == [*EARLY, ("rotate", "bot.a7.g2")]


@pytest.mark.parametrize(
    ("after", "said"), [(bot(overlap=2 * DAY), "rotation.overlap is 2d now"), (bot(), "no overlap is declared now")]
)
def test_an_overlap_that_runs_is_as_it_was_applied_and_the_plan_says_that_another_counts_later(after, said):
    plan = drawn(after)
    [finding] = plan.findings
    assert not plan.changes
    assert finding.rule == "overlap-as-applied"
    assert "bot.a7.g1 lives on until 2027-01-16T08:00:00Z" in finding.message
    assert said in finding.message


def test_an_overlap_that_runs_as_declared_is_not_remarked_upon():
    assert not drawn(bot(overlap=DAY), until=NOW + DAY + 5).findings  # it is counted from the promotion
