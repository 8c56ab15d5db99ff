"""krakenctl sandbox: a Kraken of one's own, served or embedded. A command a file, imported when it is called."""

from __future__ import annotations

from krakenctl.cli.command import example
from krakenctl.cli.lazy import commands_of

COMMANDS = {
    "serve": "Serve the sandbox at a port of this computer, until Ctrl-C or SIGTERM.",
    "seed": "Fill the sandbox from a file: accounts, keys, balances, orders, OAuth clients.",
    "account": "Make and list accounts of the sandbox.",
    "key": "Make, list and revoke API keys, as a person does on the website.",
    "token": "Print an access token, as if the account's owner had consented in the browser.",
    "endpoints": "List every endpoint: what it is gated by, what it costs, who says so.",
    "switches": "List or set the switches: every fact about Kraken that is unconfirmed or disputed.",
    "clock": "Show or move the sandbox's clock.",
    "fault": "Set, list and clear faults: lost answers, cut connections, delays and other mischief.",
    "reset": "Start the sandbox afresh.",
}

app = commands_of(
    "krakenctl.cli.sandbox",
    COMMANDS,
    help_text="Serve and manage a sandbox: a Kraken of your own, in one file.",
    epilog=example(
        """
        krakenctl sandbox serve &
        krakenctl sandbox account create --name acme
        krakenctl sandbox key create --account acme --name bot --permission query-funds
        """
    ),
)
