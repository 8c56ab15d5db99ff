"""A Kraken of our own: one WSGI application over one SQLite file. It never talks to a network or to the real Kraken.

It is independent of the client on purpose: it has its own signature check, its own nonces and its own error strings,
so that a mistake in the client cannot hide behind the same mistake here. What Kraken's sources leave open is a named
switch (`krakenctl.sandbox.switches`); time is the sandbox's own (`krakenctl.sandbox.clock`); accounts and what people
do on the website come from `krakenctl.sandbox.people.seed`.

The file holds the HMAC secrets of its keys in clear, because a signature cannot be checked without them. They open
nothing but this sandbox; still the file is made with mode 0600, and nothing here logs or prints a secret. OAuth
tokens, codes and client secrets are kept only as SHA-256.
"""

from __future__ import annotations

from krakenctl.sandbox.accounts import Owner, SetUp
from krakenctl.sandbox.app import Sandbox, open_sandbox

__all__ = ["Owner", "Sandbox", "SetUp", "open_sandbox"]
