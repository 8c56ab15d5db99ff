"""Contracts for stores, states and surfaces, as tests: for authors of plug-ins and for us. krakenctl itself never
imports this package; it needs pytest and hypothesis.

    from krakenctl.testing.store_contract import StoreContract

    class TestVault(StoreContract):
        @pytest.fixture
        def make_store(self, tmp_path):
            return lambda: VaultStore(tmp_path)

Each contract names the fixtures it needs, and those that let it look closer; without the latter some tests skip.
memory.py holds the references: the smallest store and state that keep the contracts, good as fakes in tests.

For tests of anything that talks to Kraken there is the fixture `kraken_sandbox` (pytest_plugin.py, sandbox.py), which
pytest finds by itself where krakenctl is installed.
"""

from __future__ import annotations

import sys

if (pytest := sys.modules.get("pytest")) is not None:  # so that failing assertions show their values
    for _name in ("store_contract", "state_contract", "lease_contract", "surface_contract"):
        pytest.register_assert_rewrite(f"{__name__}.{_name}")
