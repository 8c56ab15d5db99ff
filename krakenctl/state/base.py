"""The port to the state. Each method is one durable transaction: whoever is killed between two loses neither."""

from __future__ import annotations

from typing import Protocol

from krakenctl.model.address import Address
from krakenctl.model.recorded import Intent, Recorded, RecordedAccount, RecordedKey


class State(Protocol):
    """Remembers; decides nothing. Every method raises StateError.

    The journal, the lease and the history of the next issue join this port; intents are their first part.
    """

    def read(self) -> Recorded: ...

    def remember_account(self, account: RecordedAccount) -> None: ...

    def begin(self, intent: Intent) -> None:
        """Before a key is issued. Burns its generation for ever."""
        ...

    def advance(self, address: Address, live_name: str, stage: str) -> None:
        """The intent's next stage: `stored`, `checked`."""
        ...

    def promote(self, key: RecordedKey, retired: RecordedKey | None, former: Address | None = None) -> None:
        """The issued key becomes the current one, its intent ends; `retired` is the one before, until it is revoked.

        `former` is the address under which the one before was recorded, when that is another one.
        """
        ...

    def update(self, key: RecordedKey, former: Address | None = None) -> None:
        """What is recorded of a key (current, or retired) changes in place; it may move from a former address."""
        ...

    def revoked(self, address: Address, live_name: str) -> None:
        """This key is gone from the exchange: forget it, whether current, retired or only intended."""
        ...

    def forget(self, address: Address) -> None:
        """The current key lives on and is no longer ours."""
        ...

    def close(self) -> None: ...
