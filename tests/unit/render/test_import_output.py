"""What an import tells fits the terminal that it is told on."""

from __future__ import annotations

import pytest

from krakenctl.audit.rules import finding
from krakenctl.model.address import Address
from krakenctl.model.desired import SecretRef
from krakenctl.model.importing import Import, ImportedKey, LeftOut, Written
from krakenctl.render.importing import text
from krakenctl.render.paint import Paint

LONG = "it holds withdraw-funds together with modify-trades and close-trades, add-withdraw-address and much else"
KEY = ImportedKey(
    address=Address("ApiKey", ("main", "market-maker")),
    label="MM",
    live_name="the market maker's own key",
    secret=SecretRef("main", "main/market-maker"),
    second_factor=True,
    guessed_nonce="seconds",
    findings=(finding("withdraw-and-trade", LONG),),
)
FILES = tuple(Written(path=f"{name}/keys.yaml", what=LONG, text="spec: {}\n") for name in ("manifests", "more"))


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("dry_run", [False, True], ids=["done", "dry-run"])
def test_no_line_of_an_import_is_longer_than_the_terminal_is_wide(width: int, dry_run: bool) -> None:
    done = Import(
        endpoint="sandbox",
        keys=(KEY,),
        left_out=(LeftOut(label="OLD", why=LONG, hint=LONG),),
        files=(*FILES, *(Written(path=f"a-folder/of-some-length/{n}", what=LONG) for n in range(4))),
        findings=(finding("unclaimed-value", LONG),),
        dry_run=dry_run,
    )
    assert max(map(len, text(done, Paint(width=width)).splitlines())) <= width
