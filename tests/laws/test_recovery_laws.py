"""What holds for every decision of recovery, whatever the journal, the exchange, the store and the manifests say."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from krakenctl.apply.grants import Grant, excess, successor
from krakenctl.apply.recovery.decide import decide
from krakenctl.apply.recovery.evidence import Decided
from krakenctl.apply.recovery.forecast import forecast
from krakenctl.apply.recovery.sight import Bounds, Kept, Sight
from krakenctl.apply.steps import check
from krakenctl.model.journal import MISMATCH, Intent, Stage
from krakenctl.model.key import LiveKey
from krakenctl.model.live import Phase
from krakenctl.model.permission import Permission
from krakenctl.model.plan import Strategy
from krakenctl.model.recovery import JOURNAL_SLACK, Move
from krakenctl.model.secret import Secret
from krakenctl.plan import changes, wanted
from krakenctl.stores.base import Entry
from plan_builders import DAY, NOW, READ, TRADE, alive, bot, draw, memory, on, recorded, wish

OLD = recorded(bot(), generation=1, issued=NOW - 9 * DAY)
WIDE = TRADE | {Permission.WITHDRAW_FUNDS}
_STORED = (Stage.STORED, Stage.CHECKED, Stage.PROMOTED)


@st.composite
def intents(some):
    """A replacement of a bot's key, or its first issue, at any stage."""
    key = bot(grants=some(st.sampled_from([READ, TRADE])), overlap=some(st.sampled_from([0, DAY])))
    replaces = some(st.booleans())
    live, records = ([alive(OLD, permissions=WIDE)], [OLD]) if replaces else ([], [])
    [change] = draw(wish(key), on(*live), recorded=memory(*records)).changes
    if replaces and some(st.booleans()):
        steps = changes.revoke_first(change.new.name, change.old.name)
        change = replace(change, strategy=Strategy.REVOKE_FIRST, steps=steps, overlap=0)
    stages = set(Stage) if change.gap else set(Stage) - {Stage.REVOKED}
    stage = some(st.sampled_from(sorted(stages)))
    early = change.gap and stage in (Stage.BEGUN, Stage.REVOKED)
    sent = None if early and some(st.booleans()) else change.new.spec
    doomed = sent is not None and stage is not Stage.PROMOTED and some(st.booleans())
    verdict = MISMATCH if doomed else ""
    public_key = some(st.sampled_from(["", "PUBLIC", "ANOTHER"])) if stage in _STORED else ""
    return Intent(change=change, began=NOW, stage=stage, sent=sent, verdict=verdict, public_key=public_key)


@st.composite
def sights(some, intent):
    """Anything that the exchange and the store may show of it."""
    new, live = intent.change.new, []
    created = some(st.sampled_from([0, NOW - DAY, NOW - JOURNAL_SLACK - 1, NOW, NOW + 5]))
    if some(st.booleans()):
        surplus = some(st.sampled_from([frozenset(), frozenset({Permission.EARN_FUNDS})]))
        spec = replace(new.spec, permissions=new.spec.permissions | surplus)
        live.append(LiveKey(name=new.name, created=created, spec=spec))
    if intent.change.old and some(st.booleans()):
        old = intent.change.old
        born = some(st.sampled_from([old.created, old.created + DAY]))
        live.append(LiveKey(name=old.name, created=born, spec=old.spec))
    account = on(*live, phase=some(st.sampled_from([Phase.READY, Phase.READY, Phase.READY, Phase.REQUESTED])))
    ceiling = some(st.sampled_from([READ, TRADE]))
    bounds = Bounds(
        ceilings={"acme": ceiling},
        declared={intent.address: some(grants)} if some(st.booleans()) else {},
        sound=some(st.booleans()),
    )
    return Sight(
        account=account,
        bounds=bounds,
        kept=some(kept(intent, created)),
        outgrown=some(st.booleans()),
        contained=some(st.sampled_from(["", "", "ann"])),
        now=NOW + some(st.sampled_from([0, 400 * DAY])),
    )


def grant(**fields):
    key = bot(**fields)
    return Grant(spec=wanted.at_issue(key), valid_for=key.valid_for, managed=wanted.managed(key), secret=key.secret)


HOME, HOMES = ("203.0.113.10",), ("198.51.100.0/28", "203.0.113.0/24")
grants = st.builds(
    grant,
    grants=st.sampled_from([READ, TRADE]),
    ip_allowlist=st.sampled_from([HOME, HOMES, ("198.51.100.7",), ()]),
    valid_until=st.sampled_from([None, NOW + DAY]),
)


def kept(intent, created):
    entry = Entry(
        address=str(intent.address),
        lineage="L",
        live_name=intent.live_name,
        generation=intent.generation,
        created=created,
        public_key="PUBLIC",
        secret=Secret("secret"),
        spec=intent.change.new.spec,
    )
    blind = [Kept(problem="no identity", pending_taken=taken) for taken in (True, False)]
    return st.sampled_from([Kept(), Kept(pending=entry), Kept(current=entry), *blind])


cases = intents().flatmap(lambda intent: st.tuples(st.just(intent), sights(intent)))


def _live(intent, sight):
    return sight.live(intent.live_name)


@given(case=cases)
def test_a_key_that_the_journal_does_not_prove_to_be_ours_is_never_touched(case):
    intent, sight = case
    live, move = _live(intent, sight), decide(*case).move
    touches = move is Move.REVOKE or (move is Move.ISSUE and live is not None and intent.sent is not None)
    if touches:
        assert live.created
        known = sight.kept.entry(intent.live_name)
        assert live.created >= NOW - JOURNAL_SLACK or known.created == live.created
        assert intent.sent is not None


@given(case=cases)
def test_no_key_is_promoted_that_is_not_what_was_asked_for(case):
    intent, sight = case
    if decide(*case).move is Move.PROMOTE:
        assert not check.differences(intent.sent, _live(intent, sight).spec)
        assert intent.verdict != MISMATCH
        assert intent.stage is not Stage.LOST


@given(case=cases)
def test_no_key_is_promoted_or_issued_above_its_ceiling(case):
    intent, sight = case
    move = decide(*case).move
    if move in (Move.PROMOTE, Move.ISSUE):
        new = (_fresh(*case) if move is Move.ISSUE else intent).change.new
        before = intent.change.old.spec.permissions if intent.change.old else frozenset()
        assert new.spec.permissions <= (sight.bounds.ceilings["acme"] if sight.bounds.sound else before)
        assert not sight.contained


def _fresh(intent, sight):
    """What is issued in its place."""
    taken = frozenset(key.name for key in sight.account.keys)
    today = sight.bounds.declared.get(intent.address) if sight.bounds.sound else None
    return successor(intent, {}, taken, today)


@given(case=cases)
def test_no_key_is_promoted_or_issued_that_may_more_than_its_manifest_grants_today(case):
    intent, sight = case
    move, today = decide(*case).move, case[1].bounds.declared.get(intent.address)
    if move in (Move.PROMOTE, Move.ISSUE) and sight.bounds.sound and today is not None:
        assert not excess(_fresh(*case) if move is Move.ISSUE else intent, today)


@given(case=cases)
def test_what_is_issued_in_a_keys_place_has_a_name_that_no_list_shows_and_nobody_asked_for(case):
    intent, sight = case
    if decide(*case).move is Move.ISSUE:
        name = _fresh(*case).live_name
        assert sight.live(name) is None
        assert name != intent.live_name or intent.sent is None


@given(case=cases)
def test_no_key_is_promoted_whose_secret_is_known_to_be_nowhere(case):
    intent, sight = case
    if decide(*case).move is Move.PROMOTE:
        entry = sight.kept.entry(intent.live_name)
        stored = intent.stage not in (Stage.BEGUN, Stage.REVOKED) or sight.kept.pending_taken
        assert stored if sight.kept.problem else entry
        assert entry is None or intent.public_key in ("", entry.public_key)


@given(case=cases)
def test_the_old_key_goes_only_once_the_new_one_is_there(case):
    intent, sight = case
    if decide(*case).move is Move.CLOSE:
        assert intent.stage is Stage.PROMOTED
        assert _live(intent, sight) is not None


@given(case=cases)
def test_nothing_is_done_on_an_account_that_cannot_be_seen(case):
    if case[1].account.phase is not Phase.READY:
        assert decide(*case).move is Move.WAIT


@given(case=cases)
def test_what_may_be_in_use_is_not_revoked_where_the_store_cannot_be_put_right(case):
    intent, sight = case
    if intent.stage is Stage.CHECKED and sight.kept.problem:
        assert decide(*case).move is not Move.REVOKE


@given(case=cases)
def test_a_consumer_without_a_key_gets_one_unless_it_may_not_have_it(case):
    """Revoke-first, the old key gone and nothing of the new one: only forward."""
    intent, sight = case
    today = sight.bounds.declared.get(intent.address)
    stopped = sight.contained or sight.outgrown or today is None or today.has_ended(sight.now)
    gone = not any(sight.live(name) for name in (intent.live_name, intent.old_name))
    forward = intent.change.gap and intent.stage in (Stage.BEGUN, Stage.REVOKED, Stage.STORED)
    over = today is None or today.spec.permissions - sight.bounds.ceilings["acme"]
    if forward and gone and sight.account.phase is Phase.READY and sight.bounds.sound and not stopped and not over:
        assert decide(*case).move is Move.ISSUE


@given(case=cases)
def test_recovery_never_forgets_that_a_consumer_is_owed_a_key(case):
    """Revoke-first, the old key gone: whatever became of the new one, it is finished, made again, or waited for."""
    intent, sight = case
    stopped = sight.contained or sight.outgrown or intent.stage is Stage.LOST
    today = sight.bounds.declared.get(intent.address)
    declared = not sight.bounds.sound or (today is not None and not today.has_ended(sight.now))
    over = sight.bounds.sound and (today is None or today.spec.permissions - sight.bounds.ceilings["acme"])
    gone = intent.change.gap and intent.sent and intent.stage in (Stage.REVOKED, Stage.STORED)
    live = _live(intent, sight)
    proven = live is None or live.created >= intent.began or sight.kept.entry(intent.live_name)
    if gone and proven and declared and not stopped and not over and (live is None or live.created):
        assert decide(*case).move in (Move.ISSUE, Move.PROMOTE, Move.WAIT)


@given(case=cases)
def test_every_decision_says_why(case):
    assert decide(*case).why


@given(case=cases)
@settings(max_examples=50)
def test_the_world_that_a_plan_is_drawn_for_has_nothing_under_way_but_what_stays(case):
    intent, sight = case
    recovery = decide(*case)
    before = memory(OLD, intents=[intent], generations={intent.address: intent.generation})
    after, live = forecast(before, {"acme": sight.account}, [Decided(intent, sight.kept, recovery, _fresh(*case))], NOW)
    assert all(left == intent if recovery.move.stays else left.stage is Stage.LOST for left in after.intents)
    names = [key.name for key in live["acme"].keys]
    assert len(names) == len(set(names))
    assert recovery.move is not Move.REVOKE or intent.live_name not in names
