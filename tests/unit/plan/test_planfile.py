"""A plan as a file: JSON that anybody may read and nobody needs to trust."""

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from krakenctl.errors import PlanFileError
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.origin import Origin
from krakenctl.model.safety import Block, Limit
from krakenctl.model.time import LONGEST, show_time
from krakenctl.plan import planfile
from krakenctl.render import plan_markdown, plan_text
from krakenctl.render.paint import Paint
from plan_builders import (
    DAY,
    HOUR,
    NOW,
    READ,
    account,
    alive,
    bot,
    draw,
    intent,
    memory,
    on,
    recorded,
    sub_account,
    wish,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def rich():
    """A plan with something in every field."""
    used, due = bot("used", overlap=HOUR, valid_for=90 * DAY), bot("due", max_age=DAY, protect=True, trigger="x")
    moved = bot("moved", formerly=(bot("old").address,), ip_allowlist=(), nonce_window=3)
    new = bot("new", "desk", valid_for=DAY)
    declared = [bot("used", grants=READ, overlap=HOUR, valid_for=90 * DAY), due, moved, new]
    records = [recorded(used), recorded(due, issued=NOW - DAY), recorded(bot("old")), recorded(bot("gone"))]
    old = recorded(due, generation=9, retired_until=NOW + HOUR, live_name="other.a7.g9", address=bot("other").address)
    related = (("account acme denies it", Origin("a.yaml", 3)),)
    finding = Finding(
        rule="unused-set",
        message="no key uses “mónitor”",
        severity=Severity.WARNING,
        origin=Origin("k.yaml", 1, 2),
        related=related,
    )
    block = Block(limit=Limit.OPEN, message="1 key would", flag="--allow open", addresses=(new.address,), allowed=True)
    drawn = draw(
        wish(*declared, accounts=[account(keys_limit=20), sub_account()]),
        on(*(alive(record) for record in (*records, old))),
        LiveAccount(name="desk", phase=Phase.ABSENT),
        recorded=memory(*records, retired=[old], intents=[intent(due, 2)]),
        findings=[finding],
    )
    return replace(drawn, blocks=(block,))


def test_no_plan_lives_longer_than_one_may_be_asked_to():
    sealed = planfile.seal(draw(wish()), NOW + 2 * LONGEST)
    assert sealed.expires == NOW + LONGEST
    raw = json.loads(planfile.dump_saved(sealed)) | {"expires": show_time(NOW + LONGEST + 1)}
    del raw["digest"]
    raw["digest"] = planfile._digest(raw)
    with pytest.raises(PlanFileError, match="10 years"):
        planfile.load(json.dumps(raw))


def test_everything_in_a_plan_survives_its_file():
    plan = rich()
    saved = planfile.seal(plan, NOW + DAY)
    assert planfile.load(planfile.dump_saved(saved)) == saved
    assert saved.plan == plan


def test_what_is_printed_does_not_tell_the_time_so_that_an_unchanged_world_is_the_same_bytes():
    key = bot(valid_for=90 * DAY)
    one, other = (draw(wish(key), now=now) for now in (NOW, NOW + 60))
    assert planfile.dump(one, with_now=False) == planfile.dump(other, with_now=False)
    assert "now" not in json.loads(planfile.dump(one, with_now=False))


def test_a_printed_plan_cannot_be_applied_because_nobody_knows_when_it_was_made():
    with pytest.raises(PlanFileError):
        planfile.load(planfile.dump(rich(), with_now=False))


def test_a_printed_plan_of_another_time_cannot_be_applied_either_because_it_has_no_end():
    with pytest.raises(PlanFileError, match="only printed"):
        planfile.load(planfile.dump(rich(), with_now=True))


def test_the_digest_is_over_everything_else_and_anybody_can_compute_it():
    raw = json.loads(planfile.dump_saved(planfile.seal(rich(), NOW + DAY)))
    told = raw.pop("digest")
    canonical = json.dumps(raw, sort_keys=True, separators=(",", ":"))
    assert told == "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def test_a_plan_that_was_only_laid_out_differently_is_still_the_same():
    written = planfile.dump_saved(planfile.seal(rich(), NOW + DAY))
    assert planfile.load(json.dumps(json.loads(written), sort_keys=True)) == planfile.load(written)


def test_the_summary_counts_every_action():
    summary = json.loads(planfile.dump(rich(), with_now=True))["summary"]
    assert summary["create"] == 2  # the sub-account and its key
    assert set(summary) == {"create", "replace", "rotate", "update", "revoke", "forget", "blocked", "unchanged"}


def test_text_of_any_script_is_readable_in_the_file():
    assert "“mónitor”" in planfile.dump(rich(), with_now=True)


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", "{}", '{"format": "krakenctl.plan/v2"}', "[" * 100_000, '"krakenctl.plan/v1"']
)
def test_what_is_no_plan_is_refused_in_a_sentence(text):
    with pytest.raises(PlanFileError, match="this is not a plan"):
        planfile.load(text)


def resealed(raw):
    """As somebody would who knows how the digest is made."""
    rest = {name: value for name, value in raw.items() if name != "digest"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return json.dumps({**rest, "digest": "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()})


def leaves(value, path=()):
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in children:
        yield from leaves(child, (*path, step))


SOUND = json.loads(planfile.dump_saved(planfile.seal(rich(), NOW + DAY)))
PATHS = [path for path in leaves(SOUND) if path]


@given(path=st.sampled_from(PATHS), value=JSON)
def test_an_edited_plan_is_refused(path, value):
    raw = json.loads(json.dumps(SOUND))
    spot = raw
    for step in path[:-1]:
        spot = spot[step]
    assume(json.dumps(spot[path[-1]]) != json.dumps(value))
    spot[path[-1]] = value
    with pytest.raises(PlanFileError):
        planfile.load(json.dumps(raw))


@given(path=st.sampled_from(PATHS), value=JSON)
def test_a_damaged_plan_is_refused_or_harmless_and_never_a_traceback(path, value):
    raw = json.loads(json.dumps(SOUND))
    spot = raw
    for step in path[:-1]:
        spot = spot[step]
    spot[path[-1]] = value
    try:
        plan = planfile.load(resealed(raw)).plan
    except PlanFileError:
        return
    plan_text.render(plan, Paint())
    plan_markdown.render(plan)


@given(path=st.sampled_from(PATHS))
def test_a_plan_with_something_missing_is_refused_or_harmless(path):
    raw = json.loads(json.dumps(SOUND))
    spot = raw
    for step in path[:-1]:
        spot = spot[step]
    del spot[path[-1]]
    try:
        plan = planfile.load(resealed(raw)).plan
    except PlanFileError:
        return
    plan_text.render(plan, Paint())
