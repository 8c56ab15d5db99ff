"""Whatever keys an account has: importing them, then plan, is no change."""

from __future__ import annotations

import tempfile
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bringing import Place
from krakenctl.model.permission import ALL
from krakenctl.testing.sandbox import served
from naps import skip_naps

NUMBERS = count(1)
YEARS = st.sampled_from(["", "2035-05-01", "2040-12-31T23:59:59Z"])
NETWORKS = st.lists(
    st.sampled_from(["127.0.0.1", "203.0.113.0/28", "2001:db8::/48", "9.0.0.1", "10.0.0.1"]), max_size=3, unique=True
)
KEYS = st.fixed_dictionaries(
    {
        "permissions": st.sets(st.sampled_from(sorted(ALL)), min_size=1).map(sorted),
        "ip_allowlist": NETWORKS.map(lambda entries: sorted({"127.0.0.1", *entries}) if entries else []),
        "valid_until": YEARS.map(lambda year: year or 0),
        "nonce_window": st.sampled_from([0, 1, 5000]),
        "query_from": st.sampled_from([0, "2025-01-01"]),
        "odd": st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=20),
    }
)


@pytest.fixture(scope="module", autouse=True)
def _no_naps():
    with pytest.MonkeyPatch.context() as monkeypatch:
        skip_naps(monkeypatch)
        yield


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with served(tmp_path_factory.mktemp("import-laws") / "sandbox.db") as sandbox:
        yield sandbox


@settings(max_examples=12, deadline=None)
@given(accounts=st.lists(st.lists(KEYS, min_size=1, max_size=4), min_size=1, max_size=2))
def test_importing_then_plan_is_no_change(sandbox, accounts):
    keys = {}
    for specs in accounts:
        sandbox.account(name := f"law-{next(NUMBERS)}")
        for spec in specs:
            called = f"{spec['odd']}{next(NUMBERS)}"  # unique
            fields = {field: value for field, value in spec.items() if field != "odd"}
            keys[f"K{next(NUMBERS)}"] = sandbox.key(**fields, name=called, account=name)
    with tempfile.TemporaryDirectory() as folder:
        place = Place(sandbox, Path(folder)).hold(**keys)
        assert len(place.brought()["keys"]) == len(keys)
        assert place.changes() == []
