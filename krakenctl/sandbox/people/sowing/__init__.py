"""A whole seed, in one transaction: what a SandboxSeed says is there afterwards, or nothing was done. It reads no file.

What is there already is kept where it is as the seed says; where it differs, that is a mistake. Switches and the clock
are set each time, and a token is minted each time, because none can be shown again.
"""

from krakenctl.sandbox.people.sowing.ground import Mistake, Unsown
from krakenctl.sandbox.people.sowing.sown import Sown, SownAccount, SownClient, SownKey
from krakenctl.sandbox.people.sowing.whole import sow

__all__ = ["Mistake", "Sown", "SownAccount", "SownClient", "SownKey", "Unsown", "sow"]
