"""Whatever keys an account on Connect has, made by people and programs: importing them, then plan, is no change."""

from __future__ import annotations

import tempfile
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import desk as d
from krakenctl.model.permission import ALL, ON_CONNECT
from krakenctl.sandbox.people import operate

NUMBERS = count(1)
HOME = d.HOME
NETWORKS = st.lists(st.sampled_from(["203.0.113.0/28", "2001:db8::/48", "9.0.0.1", "10.0.0.0/8"]), max_size=3)
ODD = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)
NAMES = st.one_of(
    ODD, st.sampled_from(["bot", "Bot", "bot-2", "bot.b9.g1", "bot.c3.g7", "#1", "kraken", "api-key-160"])
)
KEYS = st.fixed_dictionaries(
    {
        "permissions": st.sets(st.sampled_from(sorted(ALL)), max_size=4).map(sorted),
        "ip_allowlist": NETWORKS.map(lambda entries: sorted({"127.0.0.1", *entries}) if entries else []),
        "valid_until": st.sampled_from([0, d.NOW + 1, d.NOW + 40 * d.DAY, d.NOW + 4000 * d.DAY]),
        "nonce_window": st.sampled_from([0, 1, 5000]),
        "query_from": st.sampled_from([0, d.NOW - 300 * d.DAY]),
        "query_to": st.sampled_from([0, d.NOW - 200 * d.DAY, d.NOW + d.DAY]),
    }
)
HELD = st.lists(st.tuples(NAMES, KEYS, st.booleans()), min_size=1, max_size=5, unique_by=lambda key: key[0])


@pytest.fixture(scope="module", autouse=True)
def still():
    with pytest.MonkeyPatch.context() as patch:
        d.stop_time(patch)
        yield


def desk_with(folder, held, defaults):
    """A desk whose account lists keys that it knows nothing of, and a .env file with the pairs of some."""
    desk = d.make_desk(Path(folder) / "acme")
    desk.declare(d.account(keyDefaults=defaults))
    desk.run("plan")  # signs up
    desk.switch("list-coverage", "all")
    made = [operate.make_key(desk.db, "acme", name, **fields) for name, fields, _ in held]
    pairs = [(f"KRAKEN_K{number}", row) for number, row in enumerate(made) if held[number][2]]
    lines = [f"{label}_API_KEY={row['apiKey']}\n{label}_API_SECRET={row['secret']}\n" for label, row in pairs]
    (desk.root / "keys.env").write_text("".join(lines))
    return desk


def imports(desk, held, *, list_first):
    """Each in turn; after each of them the plan is empty, and Kraken has the keys that it had."""
    before = set(desk.rows().values())
    sources = ["connect"] + (["keys.env"] if any(with_secret for *_, with_secret in held) else [])
    for source in sources if list_first else reversed(sources):
        where = source if source == "connect" else desk.root / source
        ran = desk.run("import", "--from", where, "--account", "acme", "-o", "json")
        assert ran.code in (0, 1), ran.out + ran.err
        assert desk.changes() == {}
    assert set(desk.rows().values()) == before
    return {key.live_name: not key.without_secret for key in desk.recorded().keys.values()}


def can_be_declared(fields):
    """On Connect: what its keys may hold, and something at all."""
    return bool(fields["permissions"]) and set(fields["permissions"]) <= set(ON_CONNECT)


@settings(max_examples=12, deadline=None)
@given(held=HELD, list_first=st.booleans())
def test_importing_then_plan_is_no_change_on_connect_too(held, list_first):
    with tempfile.TemporaryDirectory() as folder:
        imported = imports(desk_with(folder, held, {}), held, list_first=list_first)
    assert imported == {name: with_secret for name, fields, with_secret in held if can_be_declared(fields)}


DEFAULTS = st.fixed_dictionaries(
    {},
    optional={
        "ipAllowlist": st.sampled_from(["any", ["203.0.113.0/28"]]),
        "validFor": st.just("180d"),
        "nonceWindow": st.just(5000),
        "queryWindow": st.just({"from": "2026-01-01"}),
        "rotation": st.just({"maxAge": "90d", "overlap": "24h"}),
    },
)


@settings(max_examples=8, deadline=None)
@given(held=HELD, defaults=DEFAULTS, list_first=st.booleans())
def test_what_an_account_asks_of_all_its_keys_changes_no_imported_one(held, defaults, list_first):
    with tempfile.TemporaryDirectory() as folder:
        imported = imports(desk_with(folder, held, defaults), held, list_first=list_first)
    assert imported.items() <= {name: with_secret for name, _, with_secret in held}.items()
