"""What a refusal can mean is told in words that fit how the key was asked."""

from __future__ import annotations

import pytest

from krakenctl.errors import NonceRefused, Refused, Unreachable
from krakenctl.model.description import NonceScale
from krakenctl.surfaces.kraken.refusals import Circumstances, explained

ASKED = Circumstances(where="https://kraken.example")
STALE = NonceRefused("refused", errors=["EAPI:Invalid nonce"])


@pytest.mark.parametrize("words", ["EGeneral:Unknown method", "EGeneral:Unknown Method", "EGeneral: Unknown method"])
def test_an_address_under_which_no_kraken_answers_is_told_as_that_and_not_held_against_the_key(words):
    problem = explained(Refused("refused", errors=[words]), ASKED)
    assert "no Kraken answers under this address" in problem.message
    assert "allow-list" not in problem.message
    assert "https://api.kraken.com" in problem.hint


def test_of_an_exchange_that_is_not_there_nothing_is_said_to_have_been_asked():
    assert "was asked" not in explained(Unreachable("nobody is there"), ASKED).hint


@pytest.mark.parametrize(
    ("asked", "said"),
    [(17, "has seen 17 already, or a number above it"), (NonceScale.MILLISECONDS, "a finer clock than ms")],
    ids=["number", "clock"],
)
def test_a_stale_number_may_also_be_krakenctls_own(asked, said):
    told = explained(STALE, Circumstances(asked=asked)).message
    assert said in told
    assert "krakenctl itself" in told
