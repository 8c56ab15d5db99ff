"""Every rule about a live key, in words: `inspect`, `explain RULE` and docs/findings.md show them. Pure data.

A rule's id is stable. What it looks at is in `rules.py` and, for what a person hands in, in `krakenctl.pairs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from krakenctl.model.finding import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Each text is a sentence without its full stop."""

    title: str
    severity: Severity
    why: str  # what can come of it
    do: str  # what to do


def _error(title: str, why: str, do: str) -> Rule:
    return Rule(title=title, severity=Severity.ERROR, why=why, do=do)


def _warning(title: str, why: str, do: str) -> Rule:
    return Rule(title=title, severity=Severity.WARNING, why=why, do=do)


def _note(title: str, why: str, do: str) -> Rule:
    return Rule(title=title, severity=Severity.NOTE, why=why, do=do)


# Over a key that has described itself, or as it is declared.
KEY_RULES: Mapping[str, Rule] = {
    "withdraw-and-trade": _error(
        "One key may withdraw and trade",
        "a bot that trades holds its key on a machine that talks to the world all day; whoever takes it can empty the "
        "account",
        "use two keys: one that trades and cannot withdraw, and one that withdraws and is used from one place only",
    ),
    "moves-funds-from-anywhere": _error(
        "It can take funds out, from any address in the world",
        "a leaked copy is enough to empty the account: nothing asks where the call comes from",
        "turn on the IP address restriction of this key and name the machines that use it",
    ),
    "withdraw-to-anywhere": _error(
        "It can withdraw, and say where to",
        "withdrawal addresses made through the API count as confirmed at once, without the e-mail that the website "
        "asks for: the account's list of addresses is no fence against this key",
        "take the address permissions away from it; add addresses on the website",
    ),
    "unknown-permission": _error(
        "It holds a permission that this krakenctl does not know",
        "what it can do is unknown, so it is taken for dangerous",
        "look at the key on Kraken's website, and update krakenctl",
    ),
    "expired": _error(
        "Its end has passed",
        "Kraken refuses it, or will at any moment; whatever uses it has stopped working",
        "make a new key, and delete this one",
    ),
    "address-permissions": _warning(
        "It can add or change withdrawal addresses",
        "an address made through the API counts as confirmed at once; a key that withdraws may then send funds there",
        "take the permission away unless a program really manages addresses; people do that on the website",
    ),
    "open-to-the-world": _warning(
        "It can be used from any address in the world",
        "on Kraken an empty allow-list means everybody; a leaked copy works wherever it is",
        "turn on the IP address restriction of this key and name the machines that use it",
    ),
    "wide-network": _warning(
        "Its allow-list names a very large network",
        "the larger the network, the more strangers can use a leaked copy",
        "name single addresses, or the smallest network that is yours alone",
    ),
    "never-expires": _warning(
        "It never expires",
        "a forgotten copy works for ever",
        "give it an end, and a replacement before that",
    ),
    "expires-soon": _warning(
        "It ends soon",
        "Kraken refuses it from then on, and whatever uses it stops working",
        "make its successor now",
    ),
    "too-old": _warning(
        "It is old",
        "the longer a key lives, the more copies of it lie in backups, logs and laptops",
        "replace it, and delete this one once nothing uses it any more",
    ),
    "unused": _warning(
        "Nobody has used it for a long time",
        "a key that nobody needs can only do harm; nobody would notice its loss either",
        "delete it on Kraken's website if nobody misses it",
    ),
    "nonce-window-large": _warning(
        "Its nonce window is very large",
        "within the window a recorded call may be accepted out of order, long after it was sent",
        "set it to 0, or to the few seconds by which calls really overtake each other",
    ),
    "bad-allow-list-entry": _warning(
        "Its allow-list holds something that is no address",
        "nobody can tell what Kraken makes of it",
        "look at the key on Kraken's website and correct the list",
    ),
    "query-only-but-moves": _note(
        "It looks as if it could only read, and it can move funds",
        "query-funds alone unlocks WalletTransfer, which moves funds from the Spot to the Futures wallet of the same "
        "account, by the letter of Kraken's reference",
        "leave query-funds out where balances are not needed; do not call this key read-only",
    ),
    "query-window-closed": _note(
        "It can only look at times long past",
        "its query window has an end, and that is over: history calls see nothing newer",
        "check that this is meant; whatever reports from it shows nothing new",
    ),
    "no-permissions": _note(
        "It holds no permission at all",
        "it can describe itself and do what any key can: by the letter of Kraken's reference list the wallet accounts "
        "and the strategies of Earn, and cancel a WalletTransfer",
        "delete it if nobody misses it",
    ),
}

# About where key and secret were read from.
SOURCE_RULES: Mapping[str, Rule] = {
    "half-a-pair": _warning(
        "A key without its secret, or a secret without its key",
        "only both together can be asked anything",
        "add the other half under the same prefix, as MY_API_KEY and MY_API_SECRET",
    ),
    "ambiguous-pair": _warning(
        "Two keys or two secrets go by the same prefix",
        "nobody can tell which belong together, and a wrong guess is a failed call",
        "give each pair a prefix of its own, or name the two variables with --env",
    ),
    "futures-key": _warning(
        "A key of Kraken Futures",
        "it does not work with Spot, and its permissions cannot be asked for here",
        "look at it on Kraken Futures' own page",
    ),
    "not-kraken": _note(
        "A pair that is not Kraken's, by its names and its shape",
        "keys of others are never sent to Kraken",
        "if it is Kraken's all the same, put KRAKEN into their names, or name the two to inspect with --env",
    ),
    "odd-key": _warning(
        "A key or secret that does not look like Kraken's",
        "Kraken's public keys have 56 characters and its private keys 88; a piece may be missing",
        "copy it once more, whole; the private key is shown only once, so a lost piece means a new key",
    ),
    "unclaimed-value": _warning(
        "Something that looks like a key or a secret, under a name that says neither",
        "if it is one, it was not looked at",
        "name both halves with --env, or call them MY_API_KEY and MY_API_SECRET",
    ),
    "unclaimed-name": _note(
        "A name that speaks of Kraken, and that nothing was made of",
        "if a key or a secret stands there, it was not looked at",
        "nothing if it is a setting; else call the two halves MY_API_KEY and MY_API_SECRET",
    ),
    "several-lines": _warning(
        "A value of several lines",
        "no half of a pair has several; if a quote was not closed, what follows it was swallowed, and not looked at",
        "close the quote, and write each key and each secret in one line",
    ),
    "unreadable-line": _warning(
        "A line that cannot be understood",
        "if a key stood there, it was not looked at",
        "write NAME=VALUE, the value in quotes if it holds blanks",
    ),
    "same-key-twice": _note(
        "The same key is there twice",
        "it is asked once",
        "keep one of them: two copies are two places to lose it",
    ),
    "file-open-to-others": _warning(
        "Others on this machine can read the file",
        "a secret that others can read is theirs too",
        "chmod 600 the file; if somebody else may have read it, replace the keys in it",
    ),
}

RULES: Mapping[str, Rule] = {**KEY_RULES, **SOURCE_RULES}
