"""Any deeds leave what they would leave in a dictionary."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krakenctl.model.address import key_address
from krakenctl.model.journal import Stage
from krakenctl.model.recorded import EndProof, RecordedAccount, SeenLimit
from krakenctl.model.silence import ROW_SECONDS, Refusal
from krakenctl.testing.examples import ADDRESS, OTHER, announced_key, given_key, intent, key
from krakenctl.testing.memory import MemoryState
from krakenctl.testing.state_contract.fixtures import Fixtures, MakeState, comparable, deed

_texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"))  # PostgreSQL has no place for a NUL
_addresses = st.sampled_from([ADDRESS, OTHER, key_address("acme", "mm-btc")])
_generations = st.integers(1, 4)
_current = st.builds(key, _generations, _addresses)
_retired = st.builds(key, _generations, _addresses, retired_until=st.integers(1, 2**40))
_formers = st.none() | _addresses
_counts = st.integers(0, 99)
_names = st.builds(lambda address, n: key(n, address).live_name, _addresses, _generations)
_public_keys = st.builds(lambda n: key(n).public_key, _generations)
_hosts = st.sampled_from(["desk", "vault"])
_seconds = st.integers(0, 2**40)
_deeds = st.one_of(
    st.tuples(st.just("refused"), _public_keys, _hosts, st.builds(Refusal, _seconds, _counts, _texts)),
    st.tuples(st.just("gone"), _public_keys, st.builds(EndProof, since=_seconds, host=_hosts, said=_texts)),
    st.tuples(st.just("locked_out"), st.sampled_from("ab"), _seconds),
    st.tuples(st.just("count_refused"), st.sampled_from("ab"), st.integers(0, 2 * ROW_SECONDS)),
    st.tuples(st.just("end_row"), st.sampled_from("ab")),
    st.tuples(st.just("begin"), st.builds(intent, _generations, _addresses)),
    st.tuples(st.just("advance"), _addresses, _names, st.sampled_from(Stage), st.sampled_from(["", "listed"])),
    st.tuples(st.just("promote"), _current, st.none() | _retired, _formers),
    st.tuples(st.just("update"), _current | _retired, _formers),
    st.tuples(st.just("revoked"), _addresses, _names),
    st.tuples(st.just("forget"), _addresses, st.none() | st.builds(given_key, _generations, _addresses)),
    st.tuples(st.just("announce"), st.builds(announced_key, _generations, _addresses)),
    st.tuples(st.just("finish"), _addresses, _names),
    st.tuples(st.just("learn_limit"), st.sampled_from("ab"), st.none() | st.builds(SeenLimit, _counts, _counts)),
    st.tuples(st.just("remember_account"), st.builds(RecordedAccount, name=st.sampled_from("ab"), iiban=_texts)),
)
_UNTOLD = ("announce", "learn_limit", "refused", "gone", "locked_out", "count_refused", "end_row")  # no run did that
_numbers = itertools.count()


class Law(Fixtures):
    @settings(
        max_examples=40,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(deeds=st.lists(st.tuples(st.booleans(), _deeds), max_size=10))
    def test_any_deeds_of_two_runs_leave_what_they_would_leave_in_a_dictionary(
        self, make_state: MakeState, deeds: list[tuple[bool, tuple[Any, ...]]]
    ) -> None:
        place, reference = f"law-{next(_numbers)}", MemoryState()
        ours, theirs = make_state(place), make_state(place)
        for number, (one, (name, *arguments)) in enumerate(deeds):
            told = {} if name in _UNTOLD else {"deeds": [deed(number)] * (number % 3)}
            for state in (ours if one else theirs, reference):
                getattr(state, name)(*arguments, **told)
        assert comparable(theirs) == comparable(ours) == comparable(reference)
        assert list(theirs.log.lines()) == list(ours.log.lines()) == list(reference.log.lines())
