"""A whole seed, in one transaction: what a SandboxSeed says is there afterwards, or nothing was done. It reads no file.

What is missing is made, also what was there once. What is there is kept where it is as the seed says; where it
differs, that is a mistake. Three things never are: a switch is set as the seed says, whatever it was; a clock that was
frozen or moved is left, for time does not go back; an account with a living token of our client gets no other one.
"""

from krakenctl.sandbox.people.sowing.ground import Mistake, Unsown
from krakenctl.sandbox.people.sowing.sown import (
    Sown,
    SownAccount,
    SownClient,
    SownClock,
    SownFault,
    SownKey,
    SownSwitch,
)
from krakenctl.sandbox.people.sowing.whole import sow

__all__ = [
    "Mistake",
    "Sown",
    "SownAccount",
    "SownClient",
    "SownClock",
    "SownFault",
    "SownKey",
    "SownSwitch",
    "Unsown",
    "sow",
]
