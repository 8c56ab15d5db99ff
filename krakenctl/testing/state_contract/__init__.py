"""What every state keeps to. See `krakenctl.state.base.State`; the reference is `memory.MemoryState`.

A file for each topic; `StateContract` is all of them.
"""

from __future__ import annotations

from krakenctl.testing.state_contract.answers import Answers
from krakenctl.testing.state_contract.copies import Copies
from krakenctl.testing.state_contract.durable import Durable
from krakenctl.testing.state_contract.fixtures import MakeState
from krakenctl.testing.state_contract.given import Given
from krakenctl.testing.state_contract.journal import Journal
from krakenctl.testing.state_contract.law import Law
from krakenctl.testing.state_contract.log import Log
from krakenctl.testing.state_contract.records import Records

__all__ = ["MakeState", "StateContract"]


class StateContract(Law, Records, Given, Journal, Answers, Log, Durable, Copies):
    """Subclass it, and say with fixtures how to reach your state. Needed: `make_state`; for a real death: `opening`."""
