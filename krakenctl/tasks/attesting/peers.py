"""Another key of the account, whose answer is as good as sure: it ends a row of refused calls, and costs none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from krakenctl.surfaces.kraken.look import barred
from krakenctl.surfaces.kraken.numbers import SECOND, early

if TYPE_CHECKING:
    from krakenctl.model.holding import Holding
    from krakenctl.observe.estate import Share


def peer(share: Share, now: int) -> str:
    """Its address; empty: there is none that this host may ask. `now`: unix seconds."""
    return next((str(each.record.address) for each in share.holdings() if _will_answer(share, each, now)), "")


def _will_answer(share: Share, holding: Holding, now: int) -> bool:
    """It has always answered here, as far as is remembered."""
    public_key = holding.record.public_key
    if holding.fresh or holding.pair is None or holding.record.claimed_by or barred(holding, now):
        return False
    is_well = share.answer(public_key) is not None and share.refusal(public_key) is None
    return is_well and not early(holding.scale, now * SECOND, share.nonce(public_key))
