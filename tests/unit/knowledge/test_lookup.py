"""Whatever people paste from a log, or type from memory, leads to what it means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenctl.knowledge import facts, look_up, near
from krakenctl.knowledge.facts import Endpoint, ErrorString, PermissionFacts, Word
from krakenctl.knowledge.needs import Needs
from krakenctl.knowledge.strings import in_log, in_text
from krakenctl.model.permission import SCOPE_PREFIX, SPELLINGS, Permission

FACTS = facts()


def meant(text: str) -> list[str]:
    return [entry.call if isinstance(entry, Endpoint) else str(entry.code) for entry in look_up(text, FACTS)]


@pytest.mark.parametrize(
    ("pasted", "code"),
    [
        ("EAPI:Invalid nonce", "EAPI:Invalid nonce"),
        ("eapi: invalid NONCE", "EAPI:Invalid nonce"),
        ("['EAPI:Invalid nonce']", "EAPI:Invalid nonce"),
        ('{"error":["EAPI:Invalid nonce"]}', "EAPI:Invalid nonce"),
        ('ccxt.base.errors.InvalidNonce: kraken {"error":["EAPI:Invalid nonce"]}', "EAPI:Invalid nonce"),
        ("krakenex: {'error': ['EAPI:Invalid nonce']}", "EAPI:Invalid nonce"),
        (r'level=error msg="kraken: [\"EAPI:Invalid nonce\"]"', "EAPI:Invalid nonce"),
        ("KrakenAPIError: EGeneral: Permission denied", "EGeneral:Permission denied"),
        ("error=EAPI%3AInvalid+key", "EAPI:Invalid key"),
        ("2026/11/22 10:00:00 API error: EService: Throttled: 1700000000", "EService:Throttled"),
        ("EGeneral:Internal error:5", "EGeneral:Internal error"),
        ("EGeneral:Invalid arguments:volume", "EGeneral:Invalid arguments"),
        ("EGeneral:Invalid arguments:Index unavailable", "EGeneral:Invalid arguments:Index unavailable"),
        ("EOrder:Reduce only:Non-PC", "EOrder:Reduce only"),
        ("EGeneral:Unknown Method", "EGeneral:Unknown method"),
        ("invalid nonce", "EAPI:Invalid nonce"),
        ("insufficientPrivileges", "insufficientPrivileges"),
    ],
)
def test_an_error_string_is_known_in_every_wrapping(pasted: str, code: str) -> None:
    assert meant(pasted) == [code]


WRAPPINGS = st.sampled_from(
    ["{}", "['{}']", '{{"error":["{}"]}}', "Error: {}", "x [{}] y", "\t{}\n", "`{}`", "{}, then"]
)


@given(code=st.sampled_from([code for code in FACTS.errors if ":" in code]), wrapping=WRAPPINGS)
def test_every_error_string_is_found_in_every_wrapping(code: str, wrapping: str) -> None:
    assert [error.code for error in in_text(wrapping.format(code), FACTS)] == [code]


@given(st.text())
def test_no_text_is_too_odd(text: str) -> None:
    look_up(text, FACTS)
    near(text, FACTS)
    in_log(text.splitlines(), FACTS)


def test_an_error_string_that_nobody_knows_is_told_by_its_family() -> None:
    [found] = look_up("EOrder:Something new (really)", FACTS)
    assert isinstance(found, ErrorString)
    assert (found.known, found.code) == (False, "EOrder:Something new")
    assert "about an order" in found.means


def test_a_misspelt_error_string_is_told_what_it_may_be() -> None:
    [found] = look_up("EAPI:Invalid nonse", FACTS)
    assert isinstance(found, ErrorString)
    assert "EAPI:Invalid nonce" in found.do[0]


@pytest.mark.parametrize(
    "typed",
    ["AddOrder", "addorder", "/0/private/AddOrder", "private/AddOrder", "POST /0/private/AddOrder",
     "https://api.kraken.com/0/private/AddOrder", "POST https://api.kraken.com/0/private/AddOrder?x=1"],
)  # fmt: skip
def test_a_call_is_known_however_it_is_written(typed: str) -> None:
    assert meant(typed) == ["POST /0/private/AddOrder"]


def test_a_path_with_something_filled_in_is_known() -> None:
    assert meant("DELETE /funding/v1/addresses/abc-1") == ["DELETE /funding/v1/addresses/{id}"]


def test_an_earn_call_is_known_without_its_group() -> None:
    assert meant("Allocate") == ["POST /0/private/Earn/Allocate"]


@pytest.mark.parametrize("permission", Permission)
def test_a_permission_is_known_in_all_four_spellings(permission: Permission) -> None:
    spelling = SPELLINGS[permission]
    spellings = [permission.value, spelling.label, FACTS.permissions[permission].guide]
    if spelling.flag:
        spellings += [spelling.flag, f"{SCOPE_PREFIX}{spelling.scope}"]
    for text in filter(None, spellings):
        [found, *_] = look_up(text, FACTS)
        assert isinstance(found, PermissionFacts)
        assert found.code is permission


def test_a_word_with_several_meanings_has_them_all() -> None:
    assert meant("Withdraw") == ["withdraw-funds", "POST /0/private/Withdraw", "withdraw"]


@pytest.mark.parametrize("typed", ["4", "exit 4", "exit code 4", "Exit status: 4"])
def test_an_exit_code_is_known(typed: str) -> None:
    [found] = look_up(typed, FACTS)
    assert isinstance(found, Word)
    assert (found.kind, found.code) == ("exit", "4")


def test_an_exception_is_known_by_its_name() -> None:
    assert meant("NonceRefused") == ["exchange-nonce"]


@pytest.mark.parametrize(
    ("typed", "wanted"), [("AddOder", "AddOrder"), ("withdraw-fund", "withdraw-funds"), ("no-alowlist", "no-allowlist")]
)
def test_what_is_nearly_right_is_guessed(typed: str, wanted: str) -> None:
    assert look_up(typed, FACTS) == ()
    assert near(typed, FACTS)[0] == wanted


def test_a_word_of_a_permissions_name_leads_to_it() -> None:
    assert "modify-trades" in near("trade", FACTS)


def test_a_log_is_told_by_its_distinct_errors_with_counts() -> None:
    log = [
        "start",
        "x EAPI:Invalid nonce EAPI:Invalid nonce",
        "{'error': ['EAPI:Invalid nonce']}",
        "EGeneral:Temporary lockout",
    ]
    seen, lines = in_log(log, FACTS)
    assert [(each.error.code, each.count, each.line) for each in seen] == [
        ("EAPI:Invalid nonce", 2, 2),
        ("EGeneral:Temporary lockout", 1, 4),
    ]
    assert lines == 4


def test_what_a_log_holds_beside_an_error_is_not_repeated() -> None:
    secret = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
    for line in (f"EOrder:Odd:{secret}", f"EOrder:Odd {secret}", f"EOrder:{secret}"):
        [error] = in_text(line, FACTS)
        assert secret[:20] not in error.code


def test_needs_are_read_and_written() -> None:
    needs = Needs.parse("modify-trades + close-trades")
    assert needs.met_by({Permission.MODIFY_TRADES, Permission.CLOSE_TRADES})
    assert not needs.met_by({Permission.MODIFY_TRADES})
    assert str(needs) == "modify-trades and close-trades"
    assert Needs.parse("").any_key
    assert Needs.parse("").met_by(set())
    assert str(Needs.parse("withdraw-funds | query-ledger")) == "withdraw-funds or query-ledger"
