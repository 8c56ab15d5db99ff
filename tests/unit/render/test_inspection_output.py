"""What inspect shows: whatever a key says of itself, in a shape that people and machines can rely on."""

from __future__ import annotations

from dataclasses import replace

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golden import golden
from krakenctl import schema_files
from krakenctl.audit.rules import finding, of_description
from krakenctl.model.description import Description, NonceScale
from krakenctl.model.finding import Severity
from krakenctl.model.inspection import Described, Inspection, Undescribed, short
from krakenctl.model.key import KeySpec, LiveKey
from krakenctl.model.permission import ALL, Permission
from krakenctl.render import inspection as view
from krakenctl.render.paint import Paint
from krakenctl.tasks.inspection import meanings

NOW = 1_800_000_000
DAY = 86400
JUDGE = jsonschema_rs.validator_for(schema_files.load("inspection"))
TRADER = Description(
    live=LiveKey(
        name="mm-btc",
        created=NOW - 100 * DAY,
        public_key="4/SDrDBcOOPnm3nPlNfEMMJDeRcIVqPz+QhRxIodyZbI9po/aVRiHsgX",
        spec=KeySpec(
            permissions=frozenset({Permission.WITHDRAW_FUNDS, Permission.MODIFY_TRADES, Permission.QUERY_LEDGER}),
            ip_allowlist=("203.0.113.10", "198.51.100.0/28"),
            valid_until=NOW + 12 * DAY,
            query_from=NOW - 365 * DAY,
        ),
    ),
    iiban="AA88 N84G WOAK NMOI",
    nonce=1,
    modified=NOW - 90 * DAY,
    last_used=NOW - 3 * 3600,
    scale=NonceScale.MILLISECONDS,
)


def described(told, label="MM"):
    rights = meanings(told.live.spec.permissions)
    return Described(label=label, told=told, meanings=rights, findings=of_description(told, NOW))


def of(*keys, findings=()):
    return Inspection(endpoint="https://api.kraken.com", now=NOW, keys=keys, findings=findings)


SILENT = Undescribed(
    label="DASH",
    public_key="qNSppC+gbMxFOqLJz9uC3i521lyc8yxVtUjafyHKUFin7npL7zkPG80Y",
    problem="Kraken says “EAPI:Invalid key”: Kraken knows no such key",
    hint="compare it with the list on Kraken's website",
    code="exchange-not-authorised",
    errors=("EAPI:Invalid key",),
)


@pytest.mark.parametrize("width", [60, 100])
def test_one_key_looks_like_this(width):
    got, kept = golden(f"inspection-{width}.txt", view.text(of(described(TRADER)), Paint(width=width)))
    assert got == kept


def test_a_key_that_took_seconds_tells_of_its_program_in_short_sentences():
    told = view.text(of(described(replace(TRADER, scale=NonceScale.SECONDS))), Paint(width=200))
    assert "Its program sends seconds, or has not used it yet. One that counts 1, 2, 3 is locked out now" in told


def test_several_keys_look_like_this():
    half = finding("half-a-pair", "X_API_KEY stands alone: there is no secret beside it")
    got, kept = golden("inspection-several.txt", view.text(of(described(TRADER), SILENT, findings=(half,)), Paint()))
    assert got == kept


texts = st.text(max_size=12)
times = st.integers(0, 2**40)
specs = st.builds(
    KeySpec,
    permissions=st.frozensets(st.sampled_from(sorted(ALL))),
    ip_allowlist=st.lists(texts, max_size=3).map(tuple),
    valid_until=times,
    query_from=times,
    query_to=times,
    nonce_window=times,
    unknown_permissions=st.frozensets(texts, max_size=2),
)
tellings = st.builds(
    Description,
    live=st.builds(LiveKey, name=texts, created=times, spec=specs, public_key=texts),
    iiban=texts,
    nonce=times,
    modified=times,
    last_used=times,
    scale=st.sampled_from([scale for scale in NonceScale if scale is not NonceScale.UNKNOWN]),
)
silent = st.builds(
    Undescribed, label=texts, public_key=texts, problem=texts, hint=texts, code=texts, errors=st.lists(texts).map(tuple)
)
inspections = st.lists(tellings.map(described) | silent, max_size=3).map(lambda keys: of(*keys))


@given(inspections)
def test_whatever_keys_say_the_json_is_what_its_schema_says(inspection):
    assert not [error.message for error in JUDGE.iter_errors(view.as_json(inspection))]


@given(inspections, st.integers(20, 120))
def test_whatever_keys_say_nobody_can_move_the_cursor_with_it(inspection, width):
    shown = view.text(inspection, Paint(width=width))
    assert all(char.isprintable() or char == "\n" for char in shown)


def test_a_public_key_is_never_shown_whole():
    shown = view.text(of(described(TRADER), SILENT), Paint()) + str(view.as_json(of(described(TRADER), SILENT)))
    assert not any(public in shown for public in (TRADER.live.public_key, SILENT.public_key))
    assert short(TRADER.live.public_key) in shown


@pytest.mark.parametrize(
    ("keys", "findings", "worst"),
    [
        ([replace(described(TRADER), findings=())], (), None),
        ([described(TRADER)], (), Severity.ERROR),
        ([replace(described(TRADER), findings=())], (finding("same-key-twice", "x"),), Severity.NOTE),
        ([SILENT], (), None),
    ],
)
def test_the_worst_finding_decides_wherever_it_was_made(keys, findings, worst):
    assert of(*keys, findings=findings).worst() is worst
