"""What people paste, made clean, and what can be told of it before anybody is asked. Pure.

Source: docs.kraken.com, Spot REST authentication: the example of a public key has 56 characters, that of a private key
is 88 characters of base64 for 64 bytes. No page promises these lengths, so another one is only remarked on. Kraken
Futures' keys look just the same.
"""

from __future__ import annotations

import base64
import binascii
import re

from krakenctl.model.key import KeyPair
from krakenctl.model.secret import Secret

PUBLIC_LENGTH, SECRET_BYTES = 56, 64
SWAPPED = "key and secret are in the wrong order: swap the two"
_LONGEST_KEY = 80  # characters; key and secret together have 144
_KEY = re.compile(r"[A-Za-z0-9+/=]*")
_LEAST_BYTES = 16  # of a secret: whatever is shorter was cut off
# Blanks, line breaks and marks that show nothing, quotes of all sorts, and what separates entries of lists.
_ADDED = re.compile(r"[\s\u200b-\u200f\u2028-\u202f\u2060\ufeff\"'`\u2018-\u201e\u00ab\u00bb,;]+")


def clean(text: Secret) -> Secret:
    """Without what copying adds. Neither half of a pair has any of it inside."""
    return Secret(_ADDED.sub("", text.reveal()))


def key_problem(key: Secret) -> str:
    """Why this cannot be a public key, as a sentence; empty: it can."""
    if not key.reveal():
        return "there is no public key"
    if _size(key) == SECRET_BYTES:
        return "this looks like the private key: here belongs the public one (on Kraken: “API key”)"
    if len(key.reveal()) > _LONGEST_KEY:
        return "the public key is too long: this looks like key and secret together"
    if _KEY.fullmatch(key.reveal()) is None:
        return "the public key has characters that no key has"
    return ""


def wrapped(text: Secret) -> bool:
    """Whether a line ends within it: then it is more than one value."""
    return "\n" in text.reveal().strip() or "\r" in text.reveal().strip()


def pair_problem(key: Secret, secret: Secret) -> str:
    """Why these two, as they were written, cannot be a key pair; empty: they can."""
    if wrapped(key) or wrapped(secret):
        return "a line ends within the key or the secret: these are several values, or a quote is not closed"
    key, secret = clean(key), clean(secret)
    if _size(key) == SECRET_BYTES and is_shaped_key(secret):
        return SWAPPED
    if secret.reveal() and secret != key and secret.reveal() in key.reveal():
        return "the public key has the private key in it: this looks like key and secret together"
    return key_problem(key) or secret_problem(secret, key)


def secret_problem(secret: Secret, key: Secret) -> str:
    """Why this cannot be the private key that belongs to `key`; empty: it can."""
    if not secret.reveal():
        return "there is no private key"
    if secret == key:
        return "this is the public key once more: here belongs the private one (on Kraken: “Private key”)"
    size = _size(secret)
    if size is None:
        return "the private key is not base64: a piece is missing, or something else was copied with it"
    if len(secret.reveal()) == PUBLIC_LENGTH:
        return "this looks like a public key: here belongs the private one (on Kraken: “Private key”)"
    if size < _LEAST_BYTES:
        return f"the private key is too short: {len(secret.reveal())} characters, and Kraken's have 88"
    return ""


def oddity(pair: KeyPair) -> str:
    """What is unusual about a pair that may work all the same; empty: nothing."""
    return odd_secret(pair.secret) or odd_key(Secret(pair.public_key))


def odd_key(key: Secret) -> str:
    length = len(key.reveal())
    return "" if length == PUBLIC_LENGTH else f"the API key has {length} characters, and Kraken's have {PUBLIC_LENGTH}"


def odd_secret(secret: Secret) -> str:
    length = len(secret.reveal())
    return "" if _size(secret) == SECRET_BYTES else f"the private key has {length} characters, and Kraken's have 88"


def is_shaped_key(key: Secret) -> bool:
    """Whether it has exactly the usual form."""
    return len(key.reveal()) == PUBLIC_LENGTH and _size(key) is not None


def is_shaped_secret(secret: Secret) -> bool:
    return _size(secret) == SECRET_BYTES


def may_be_half(text: Secret) -> bool:
    """Whether it could be a key or a secret at all, perhaps cut off; a name or a path is none."""
    return _ARGUMENT.fullmatch(text.reveal()) is not None


def pair_of(key: Secret, secret: Secret) -> KeyPair:
    """From two halves without a problem."""
    return KeyPair(public_key=key.reveal(), secret=secret)


def _size(text: Secret) -> int | None:
    """How many bytes it spells; None: it is no base64. No error leaves from here: it would show the text."""
    try:
        return len(base64.b64decode(text.reveal(), validate=True))
    except (binascii.Error, ValueError):
        return None


_ARGUMENT = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
_ADDRESS = re.compile(r"(ApiKey|Account|SubAccount|PermissionSet|Removed)(/[a-z0-9]+){1,2}")
_PATH = re.compile(r"(-[^=]*=)?(\.{1,2}|~)/")


def looks_like_a_key(argument: str) -> bool:
    """Whether a word of a command line may be half of a key pair, whole or cut off, perhaps behind `--name=`."""
    return not _PATH.match(argument) and any(map(_is_mixed, _ARGUMENT.findall(argument)))


def _is_mixed(word: str) -> bool:
    """Random base64 has capitals, small letters and digits; a digest has not, and an address is known by its kind."""
    return not _ADDRESS.fullmatch(word) and all(re.search(some, word) for some in ("[a-z]", "[A-Z]", "[0-9]"))
