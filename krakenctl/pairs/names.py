"""Key pairs among named values, by their names: MM_API_KEY and MM_API_SECRET are the pair MM. Pure.

A pair whose names do not say KRAKEN is taken only if both halves have exactly the form of Kraken's: what may be another
exchange's key is never sent to Kraken. If one half has it, what is wrong with the other is told.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from krakenctl.audit.rules import finding
from krakenctl.model.finding import Finding
from krakenctl.model.secret import Secret
from krakenctl.pairs import pasted
from krakenctl.pairs.harvest import Harvest, Labelled

# The longest first: API_KEY_SECRET is a secret, though API_KEY is a key.
_SECRETS = (
    *("API_PRIVATE_KEY", "API_SECRET_KEY", "API_KEY_SECRET", "API_KEY_PRIVATE", "SECRET_API_KEY", "PRIVATE_API_KEY"),
    *("API_SECRET", "API_PRIVATE", "APISECRET", "SECRET_KEY", "SECRETKEY", "PRIVATE_KEY", "PRIVATEKEY"),
    *("PRIVATE", "SECRET"),
)
_KEYS = (
    *("API_PUBLIC_KEY", "PUBLIC_API_KEY", "API_KEY_PUBLIC", "API_KEY_ID", "API_KEY", "APIKEY"),
    *("PUBLIC_KEY", "PUBLICKEY", "KEY"),
)
# Only beside KRAKEN: elsewhere they mean anything. Those of one word count only where the value may be a key at all.
_KRAKENS_SECRETS = ("PRIV_KEY", "API_PRIV", "API_SIGN", "PRIV", "SIGN")
_KRAKENS_KEYS = ("API_PUBLIC", "PUB_KEY", "API_PUB", "PUBLIC", "PUB", "API")
_HALVES = [(word, False) for word in _SECRETS] + [(word, True) for word in _KEYS]
_KRAKENS_HALVES = [(word, False) for word in sorted(_SECRETS + _KRAKENS_SECRETS, key=len, reverse=True)] + [
    (word, True) for word in sorted(_KEYS + _KRAKENS_KEYS, key=len, reverse=True)
]
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OURS = "KRAKENCTL_"  # our own settings
_FUTURES = re.compile(r"(^|_)(FUTURES?|DERIVATIVES?)(_|$)")
ONLY = "key"  # the label of a pair whose names have nothing beside API_KEY and API_SECRET

Half = tuple[str, Secret]  # the name as it was written, and the value
Found = dict[str, tuple[list[Half], list[Half]]]  # by label: keys and secrets


def harvest(values: Iterable[tuple[str, Secret]], *, bare_is_meant: bool = False) -> Harvest:
    """Every pair among them. What looks like half of one, or like one that is not Kraken's, is a finding.

    `bare_is_meant`: API_KEY and API_SECRET without any prefix are taken for Kraken's, whatever they look like.
    """
    values = list(values)
    told: list[Labelled | Finding] = []
    used: set[str] = set()
    labels = _by_label(values)
    for label, (keys, secrets) in labels.items():
        halves = _distinct(keys), _distinct(secrets)
        judged = list(_judged(label, *halves, meant=(bare_is_meant and not label) or _says_kraken(*halves)))
        used |= {name for name, _ in (*keys, *secrets)} if judged else set()
        told += judged
    rest = [(name, value) for name, value in values if name not in used]
    return gathered([*told, *_left_aside(rest, labels)])


def gathered(told: Iterable[Labelled | Finding]) -> Harvest:
    """Each key once, whatever it is called, and with a remark where it looks odd."""
    first: dict[str, Labelled] = {}
    findings: list[Finding] = []
    for one in told:
        if isinstance(one, Finding):
            findings.append(one)
        elif (known := first.setdefault(one.pair.public_key, one)) is not one:
            findings.append(finding("same-key-twice", f"{one.label} has the same key as {known.label}"))
        elif odd := pasted.oddity(one.pair):
            findings.append(_odd(one.label, odd))
    return Harvest(pairs=tuple(first.values()), findings=tuple(findings))


def named(values: Mapping[str, Secret], key: str, secret: str) -> Harvest:
    """The pair in two values that somebody has named: taken whatever they are called."""
    nothing = Secret("")
    one = made(half_of(key)[0] or ONLY, values.get(key, nothing), values.get(secret, nothing))
    return gathered([one if isinstance(one, Finding) else replace(one, named=True)])


def made(label: str, key: Secret, secret: Secret) -> Labelled | Finding:
    """From two halves as they were written; a finding says why they are no pair."""
    if problem := pasted.pair_problem(key, secret):
        return _odd(label, problem)
    return Labelled(label=label, pair=pasted.pair_of(pasted.clean(key), pasted.clean(secret)))


def _odd(label: str, words: str) -> Finding:
    return _odd_key(words if label == ONLY else f"{label}: {words}")


def _odd_key(message: str) -> Finding:
    """What is to be swapped is whole: to copy it once more would not help."""
    odd = finding("odd-key", message)
    return replace(odd, hint="") if pasted.SWAPPED in message else odd


def half_of(name: str) -> tuple[str, bool | None]:
    """`MM_API_KEY` → MM, and whether it is the public half; None: it is neither. `apiKey` is read as API_KEY."""
    words = plain(name)
    for half, is_key in _KRAKENS_HALVES if "KRAKEN" in words else _HALVES:
        if (found := _found(half, words)) is not None:
            return "_".join(part for part in (words[: found.start()], words[found.end() :].strip("_")) if part), is_key
    return "", None


def _found(half: str, words: str) -> re.Match[str] | None:
    """A number may follow at once: API_KEY1 is as good as API_KEY_1."""
    return re.search(rf"(^|_){half}(?=\d*(_|$))", words)


def plain(name: str) -> str:
    """Any spelling in the one in which names are compared: `mm-btc.apiKey` → MM_BTC_API_KEY."""
    return _HUMP.sub("_", name).replace("-", "_").replace(".", "_").strip("_").upper()


def _by_label(values: Iterable[tuple[str, Secret]]) -> Found:
    found: Found = {}
    for name, value in values:
        label, is_key = half_of(name)
        if is_key is not None and pasted.clean(value).reveal() and _may_be_meant(name, value):
            halves = found.setdefault(label, ([], []))
            halves[0 if is_key else 1].append((name, pasted.clean(value)))
    return found


def _may_be_meant(name: str, value: Secret) -> bool:
    """KRAKEN_API may as well be an address on the web. A value of several lines is none of these."""
    if pasted.wrapped(value):
        return False
    words = plain(name)
    known = any(_found(half, words) for half, _ in _HALVES)
    return known or pasted.may_be_half(pasted.clean(value))


def _left_aside(values: Iterable[tuple[str, Secret]], labels: Collection[str]) -> Iterator[Finding]:
    """What nobody used, and what somebody may have meant to be used. `labels`: of what looks like a half at least."""
    for name, value in values:
        label, is_key = half_of(name)
        if pasted.wrapped(value):
            yield finding("several-lines", f"the value of {name} has several lines: not looked at")
        elif pasted.is_shaped_key(pasted.clean(value)) or pasted.is_shaped_secret(pasted.clean(value)):
            yield finding("unclaimed-value", f"{name} holds what may be a key or a secret: not looked at")
        elif is_key is not None and not pasted.clean(value).reveal() and (label in labels or "KRAKEN" in name.upper()):
            yield finding("unclaimed-name", f"{name} is empty")
        elif "KRAKEN" in name.upper() and not plain(name).startswith(_OURS):
            yield finding("unclaimed-name", f"{name} is taken for neither a key nor a secret: not looked at")


def _distinct(halves: list[Half]) -> list[Half]:
    """The same value under two names is one."""
    return [half for place, half in enumerate(halves) if all(half[1] != other[1] for other in halves[:place])]


def _judged(label: str, keys: list[Half], secrets: list[Half], *, meant: bool) -> Iterator[Labelled | Finding]:
    names = ", ".join(name for name, _ in (*keys, *secrets))
    if not (meant or _shaped(keys, secrets)):
        if wrong := _broken(keys, secrets):
            yield _odd_key(f"{names}: one half has the form of Kraken's, and {wrong}; not looked at")
        elif keys and secrets:
            yield finding("not-kraken", f"{names}: not Kraken's by their names and their shape, and not looked at")
    elif _FUTURES.search(label):
        yield finding("futures-key", f"{names}: a key of Kraken Futures, which Spot does not know; not looked at")
    elif not keys or not secrets:
        if any(pasted.may_be_half(value) for _, value in (*keys, *secrets)):
            yield finding("half-a-pair", f"{names} stands alone: there is no {'secret' if keys else 'key'} beside it")
    elif len(keys) > 1 or len(secrets) > 1:
        yield finding("ambiguous-pair", f"{names}: which belong together nobody can tell; not looked at")
    else:
        yield made(label or ONLY, keys[0][1], secrets[0][1])


def _says_kraken(*halves: list[Half]) -> bool:
    return any("KRAKEN" in name.upper() for half in halves for name, _ in half)


def _broken(keys: list[Half], secrets: list[Half]) -> str:
    """What is wrong with a pair of which one half has Kraken's form; empty: none has, or it is not one pair."""
    values = [value for _, value in (*keys, *secrets)]
    alike = any(pasted.is_shaped_key(value) or pasted.is_shaped_secret(value) for value in values)
    if len(keys) != 1 or len(secrets) != 1 or not alike:
        return ""
    (_, key), (_, secret) = keys[0], secrets[0]
    return pasted.pair_problem(key, secret) or pasted.odd_key(key) or pasted.odd_secret(secret)


def _shaped(keys: list[Half], secrets: list[Half]) -> bool:
    """Whether whatever is there has Kraken's form."""
    return all(pasted.is_shaped_key(key) for _, key in keys) and all(
        pasted.is_shaped_secret(secret) for _, secret in secrets
    )
