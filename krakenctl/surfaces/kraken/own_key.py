"""What can be learned with a key's own pair, so that its consumer does not notice. Nothing is changed on the exchange.

Source: docs.kraken.com, GetApiKeyInfo (needs no permission; describes the key that signs it), and the errors guide.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from krakenctl.errors import ExchangeError, NonceRefused, NotAuthorised
from krakenctl.model.description import Description, NonceScale, nonce_at
from krakenctl.model.iiban import normal_iiban
from krakenctl.model.key import KeyPair
from krakenctl.surfaces.kraken import answers, shapes, spot
from krakenctl.transport.http import Http

# Clocks, and how many seconds ahead of now. Most consumers send milliseconds: those are tried as they are, first. What
# is finer is not tried: some count 100-nanosecond ticks, and a fifth failure in a row may lock the account.
_LADDER = (
    (NonceScale.SECONDS, 5),
    (NonceScale.MILLISECONDS, 0),
    (NonceScale.MILLISECONDS, 5),
    (NonceScale.MICROSECONDS, 5),
)
_LOWEST = (
    1  # a nonce that gets in nobody's way: a key that was ever used refuses it, and one that is gone is told first
)


class OwnKey:
    """One key, asked by whoever holds it. Raises ExchangeError.

    `clock`: nanoseconds since 1970. `otp`: the static password of a key with a second factor; empty: it has none.
    """

    def __init__(self, http: Http, pair: KeyPair, clock: Callable[[], int], otp: str = "") -> None:
        self._http = http
        self._pair = pair
        self._clock = clock
        self._otp = {"otp": otp} if otp else {}

    def describe(self, scale: NonceScale) -> Description:
        """Ask as its consumer would ask right now. NonceRefused: the consumer was quicker, or sends something else."""
        return self._described(scale, 0)

    def discover(self) -> Description:
        """Ask a key of whose consumer nobody knows what it sends. At most four calls, all but the last refused.

        An answer to too coarse a clock does no harm, one to too fine a clock locks the consumer out for good. So the
        coarsest is asked first, and no finer one until a nonce a few seconds ahead was refused as well: a consumer that
        is merely busy is then at worst refused for these few seconds. Raises NonceRefused when its clock is finer.
        """
        for scale, ahead in _LADDER[:-1]:
            try:
                return self._described(scale, ahead)
            except NonceRefused:
                continue
        return self._described(*_LADDER[-1])

    def _described(self, scale: NonceScale, ahead: int) -> Description:
        nonce = nonce_at(scale, self._clock() + ahead * 1_000_000_000)
        return self._read(self._result("GetApiKeyInfo", nonce, "describe the key"), scale)

    def describe_with(self, nonce: int) -> Description:
        """The same with a nonce that the caller has chosen, for a key whose consumer counts."""
        return self._read(self._result("GetApiKeyInfo", nonce, "describe the key"), NonceScale.COUNTER)

    def call(self, name: str, scale: NonceScale, /, **fields: str) -> Any:
        """Any other private call, and its result. The caller answers for its being harmless."""
        return self._result(name, nonce_at(scale, self._clock()), f"answer {name}", **fields)

    def lives(self) -> bool:
        """Whether Kraken still knows it, by one call that a living key refuses for its nonce. Raises what is neither.

        False also from an address that the key's allow-list leaves out, should Kraken say so with the same words
        (unconfirmed): it proves the end only of a key that has answered from here before.
        """
        try:
            self._result("GetApiKeyInfo", _LOWEST, "say whether the key lives")
        except NonceRefused:
            return True
        except NotAuthorised as problem:
            if any(error.replace(": ", ":", 1).startswith("EAPI:Invalid key") for error in problem.errors):
                return False
            raise
        return True

    def _result(self, name: str, nonce: int, deed: str, /, **fields: str) -> Any:
        answer = spot.send(self._http, self._pair, name, nonce, **self._otp, **fields)
        return answers.result(answer, deed)

    @staticmethod
    def _read(row: Any, scale: NonceScale) -> Description:
        """From the answer's result. Raises ExchangeError when it describes no key."""
        if not isinstance(row, dict):
            raise ExchangeError("Kraken's answer describes no key: this krakenctl does not understand it")
        return Description(
            live=shapes.live_key(row),
            iiban=normal_iiban(str(row.get("iban") or "")),
            nonce=shapes.number(row.get("nonce")),
            modified=_told(row, "modified_time", "modifiedTime"),
            last_used=_told(row, "last_used", "lastUsed"),
            scale=scale,
        )


def _told(row: dict[str, Any], snake: str, camel: str) -> int:
    return shapes.moment(row[snake] if snake in row else row.get(camel))
