"""With which number a key is asked, of a clock that rises at every look and so may be ahead of itself."""

from __future__ import annotations

import pytest

from krakenctl.errors import NonceRefused
from krakenctl.model.description import NonceScale
from krakenctl.model.key import KeyPair
from krakenctl.model.secret import Secret
from krakenctl.surfaces.kraken import own_key, spot

SECOND, LOOK = 1_000_000_000, 1_000_000


class OftenLookedAt:
    """It stands but for what is waited, and is ahead of itself by a millisecond for each look."""

    def __init__(self, looks: int) -> None:
        self.real = 100 * SECOND
        self.last = self.real + looks * LOOK

    def look(self) -> int:
        self.last = max(self.last + LOOK, self.real)
        return self.last

    def wait(self, seconds: float) -> None:
        self.real += round(seconds * SECOND)


@pytest.mark.parametrize("looks", [0, 4, 40, 400])
def test_the_second_after_the_one_that_a_key_has_seen_is_waited_for_whole(monkeypatch, looks):
    sent = []

    def refused(http, pair, name, nonce, otp, **fields):
        sent.append(nonce)
        raise NonceRefused("EAPI:Invalid nonce")

    monkeypatch.setattr(spot, "send", refused)
    clock = OftenLookedAt(looks)
    pair = KeyPair(public_key="public", secret=Secret("secret"))
    own = own_key.OwnKey(None, pair, clock.look, wait=clock.wait, seen=100)
    with pytest.raises(NonceRefused):
        own.describe(NonceScale.SECONDS)
    assert sent == [101]
