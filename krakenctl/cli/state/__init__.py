"""krakenctl state: what krakenctl remembers. It never holds a secret. A command a file, imported when it is called."""

from __future__ import annotations

from krakenctl.cli.command import example
from krakenctl.cli.lazy import commands_of

COMMANDS = {
    "list": "List every key and account that is recorded.",
    "show": "Show all that is recorded of one key or account.",
    "lock": "See who is changing this workspace right now.",
    "unlock": "Take the lease from whoever holds it, for one that hangs and does not die.",
    "copy": "Copy everything from another state into the one that krakenctl.yaml names, and retire the other.",
    "rebuild": "Put a lost state together again from the exchange and the stores.",
}

app = commands_of(
    "krakenctl.cli.state",
    COMMANDS,
    help_text="See what krakenctl remembers: which keys are ours, what was last sent. Never a secret.",
    epilog=example("krakenctl state list\nkrakenctl state show ApiKey/mm-desk/mm-btc"),
)
