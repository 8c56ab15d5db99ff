"""What a refusal leaves open: every plight that Kraken's words may mean by any reading of its documents."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from krakenctl.model.plight import Background, Plight, lives, plights, told
from krakenctl.model.silence import FENCED, NO_KEY, NO_NONCE, NO_SIGNATURE, TWICE
from krakenctl.model.verification import Verdict
from krakenctl.tasks.verification.meaning import meaning

PROVES_LIFE = (NO_NONCE, FENCED, NO_SIGNATURE)
OTHERS = (NO_KEY, TWICE, "EGeneral:Permission denied", "EAuth:Account temporary disabled", "ENew:No", "")
said = st.sampled_from([*PROVES_LIFE, *OTHERS])
known = st.builds(Background, listed=st.booleans(), shut=st.booleans(), answered=st.booleans())


@given(said=said, known=known)
def test_no_refusal_proves_by_itself_that_a_key_is_gone(said, known):
    assert plights(said, known) not in ((Plight.DELETED,), (Plight.ENDED,))
    assert meaning(said, known).verdict is not Verdict.REVOKED


@given(said=st.sampled_from(PROVES_LIFE), known=known)
def test_what_is_said_only_of_keys_that_live_proves_it_whatever_else_is_known(said, known):
    assert lives(plights(said, known))


@given(said=said, known=known)
def test_where_a_list_shows_a_key_it_is_not_deleted(said, known):
    assert not (known.listed and Plight.DELETED in plights(said, known))


@given(said=st.sampled_from([NO_SIGNATURE, NO_KEY, "EGeneral:Permission denied", "ENew:No"]), known=known)
def test_an_allow_list_that_may_leave_this_host_out_is_always_named(said, known):
    if known.shut:
        assert {Plight.SHUT_OUT, Plight.MOVED} & {*plights(said, known)}


@given(said=said, known=known)
def test_it_is_denied_only_where_nothing_leaves_it_as_it_was_last_sent(said, known):
    as_sent = {Plight.AHEAD, Plight.SHUT_OUT, Plight.MOVED, Plight.SECOND_FACTOR, Plight.ACCOUNT}
    if meaning(said, known).verdict is Verdict.DENIED:
        assert as_sent.isdisjoint(plights(said, known))


@given(said=said, known=known)
def test_a_sentence_names_every_fate_that_is_left_open(said, known):
    assert all(plight in told(plights(said, known)) for plight in plights(said, known))
    assert told(plights(said, known)) in meaning(said, known).why
