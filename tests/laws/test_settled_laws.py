"""Whatever a person sets: after one apply that saw a key as declared, a plan that cannot ask it says “unchanged”."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from krakenctl.model.key import KeySpec
from krakenctl.model.live import Aside
from krakenctl.model.permission import Permission
from krakenctl.plan import wanted
from plan_builders import DAY, NOW, alive, bot, draw, memory, on, recorded, wish

few = settings(max_examples=60, deadline=None)
grants = st.frozensets(st.sampled_from(Permission), min_size=1)
lists = st.sampled_from([(), ("203.0.113.10",), ("198.51.100.0/28", "203.0.113.10")])
times = st.sampled_from([0, NOW - 400 * DAY, NOW + 200 * DAY, NOW + 200 * DAY + 60])
specs = st.builds(
    KeySpec,
    permissions=grants,
    ip_allowlist=lists,
    valid_until=times,
    query_from=times,
    query_to=times,
    nonce_window=st.sampled_from([0, 5]),
    unknown_permissions=st.sampled_from([frozenset(), frozenset({"fly"})]),
)
keys = st.builds(
    bot,
    grants=grants,
    ip_allowlist=lists,
    valid_for=st.none() | st.just(200 * DAY),
    query_from=st.none() | times,
    query_to=st.none() | times,
    nonce_window=st.none() | st.sampled_from([0, 5]),
)


@few
@given(key=keys, sent=specs, live=specs, slack=st.integers(-120, 120))
def test_after_one_look_at_a_key_as_declared_nobody_has_to_ask_it(key, sent, live, slack):
    record = recorded(key, spec=sent)
    seen = wanted.of_live(key, replace(live, unknown_permissions=frozenset()), record.issued)
    if key.valid_for:
        seen = replace(seen, valid_until=record.issued + key.valid_for + slack)
    elif 0 < seen.valid_until < NOW + 100 * DAY:
        seen = replace(seen, valid_until=0)  # else it is due, which is no matter of memory
    first = draw(wish(key), on(alive(record, **_fields(seen))), recorded=memory(record))
    assert (first.changes, first.unchanged) == ((), (key.address,))
    for each in first.settled:
        record = replace(record, spec=each.spec)
    if 0 < record.spec.valid_until < NOW + 100 * DAY:
        return  # what nobody declared is remembered as it was sent, an end that is near as well
    unasked = on(alive(record), asides={record.live_name: Aside(unasked="not asked")})
    again = draw(wish(key), unasked, recorded=memory(record))
    assert (again.changes, again.unchanged, again.settled) == ((), (key.address,), ())


def _fields(spec):
    return {name: getattr(spec, name) for name in KeySpec.__dataclass_fields__}
