"""The text of a manifest that declares keys as they are, as a person would have written it. Pure.

Only what differs from Kraken's defaults is written, and what all keys of an account share, once. Whatever comes from
outside is quoted: a key may be called anything.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from krakenctl.model.description import NonceScale
from krakenctl.model.finding import Finding
from krakenctl.model.key import KeySpec
from krakenctl.model.permission import Permission, in_order
from krakenctl.model.time import parse_time, show_time
from krakenctl.tasks.importing import naming
from krakenctl.tasks.importing.draft import AccountDraft, KeyDraft
from krakenctl.tasks.starter import SCHEMA

WIDTH = 110
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]*")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}  # which other readers of YAML take for values
_MOST_WINDOW = 10**15  # of nonceWindow, as the schema has it
Sets = dict[frozenset[Permission], str]


class Field(NamedTuple):
    name: str
    text: str  # as YAML
    comment: str = ""


def manifest(accounts: Sequence[AccountDraft], path: str, set_names: Collection[str]) -> str:
    """`path`: of the file, relative to the workspace; `set_names`: those that are declared already. Empty: nothing."""
    keys = [key for account in accounts for key in account.undeclared]
    sets = shared_sets(keys, set_names)
    documents: list[Iterable[str]] = []
    common = {account.name: _common(account) for account in accounts}
    documents += [_account(account, common[account.name]) for account in accounts if account.is_new]
    documents += [_set(name, held) for held, name in sets.items()]
    for account in accounts:
        documents += [_key(key, sets, account, common[account.name]) for key in account.undeclared]
    if not documents:
        return ""
    schema = "../" * path.count("/") + SCHEMA
    first = (
        f"# yaml-language-server: $schema={schema}",
        "# Written by `krakenctl import`: yours to edit from here on. But names are addresses: under another name an",
        "# account has other keys; a key is renamed with metadata `formerly: [OLD]` and its old `secret: {path: …}`.",
    )
    return "\n".join(first) + "\n" + "---\n".join("".join(f"{line}\n" for line in lines) for lines in documents)


def shared_sets(keys: Iterable[KeyDraft], taken: Collection[str]) -> Sets:
    """A name for every bundle that several keys hold."""
    counted = Counter(key.live.spec.permissions for key in keys)
    sets: Sets = {}
    for held, number in counted.items():
        if number > 1 and len(held) > 1:
            sets[held] = naming.set_name(held, {*taken, *sets.values()})
    return sets


def _account(account: AccountDraft, common: Sequence[Field]) -> Iterator[str]:
    yield from _head("Account", account.name)
    yield "spec:"
    yield f"  surface: {account.surface}"
    if account.iiban:
        yield f"  iiban: {account.iiban}"
    if common:
        yield "  keyDefaults:"
        yield from _lines(common, "    ")


def _set(name: str, held: frozenset[Permission]) -> Iterator[str]:
    yield from _head("PermissionSet", name)
    yield "spec:"
    yield from _lines((_listed("permissions", _codes(held)),), "  ")


def _key(key: KeyDraft, sets: Sets, account: AccountDraft, common: Sequence[Field]) -> Iterator[str]:
    for finding in key.findings:
        yield f"# {finding.severity.value} {finding.rule}: {_title(finding)}"
    if key.second_factor:
        yield "# It has a second factor (2FA): leave consumer.nonce out, and krakenctl asks it nothing by itself."
    yield from _head("ApiKey", key.name, f"on Kraken: {_quoted(key.live.name)}")
    yield "spec:"
    yield f"  account: {_word(key.account)}"
    held = key.live.spec.permissions
    yield "  grants:"
    grants = Field("sets", f"[{_word(sets[held])}]") if held in sets else _listed("permissions", _codes(held))
    yield from _lines((grants,), "    ")
    yield from _lines([field for field in _fields(key, account.inherited) if field not in common], "  ")


def _head(kind: str, name: str, comment: str = "") -> Iterator[str]:
    yield "apiVersion: krakenctl/v1"
    yield f"kind: {kind}"
    yield f"metadata: {{name: {_word(name)}}}" + (f"   # {comment}" if comment else "")


def _title(finding: Finding) -> str:
    """What holds at any time: ages and days left are other ones tomorrow."""
    from krakenctl.audit.catalogue import RULES

    return RULES[finding.rule].title if finding.rule in RULES else finding.rule


def _common(account: AccountDraft) -> tuple[Field, ...]:
    """What can be said once: only of an account that is written here, and only what each of several keys has."""
    if not account.is_new or len(account.keys) < 2 or len(account.undeclared) < len(account.keys):
        return ()
    first, *others = ([*_fields(key)] for key in account.keys)
    return tuple(field for field in first if _may_be_inherited(field) and all(field in other for other in others))


def _may_be_inherited(field: Field) -> bool:
    """A key that is added later must say for itself that it is open to the world, and what its program sends."""
    return field.name != "consumer" and field.text != "any"


def _fields(key: KeyDraft, inherited: Collection[str] = ()) -> Iterator[Field]:
    """`inherited`: what it has unless it says otherwise."""
    spec = key.live.spec
    yield _allowlist(spec.ip_allowlist)
    if (end := _moment(spec.valid_until)) is not None:
        yield Field("validUntil", end)
    if window := _window(spec):
        yield Field("queryWindow", window)
    if 0 < spec.nonce_window <= _MOST_WINDOW or (spec.nonce_window == 0 and "nonceWindow" in inherited):
        yield Field("nonceWindow", str(spec.nonce_window))
    if key.scale is not NonceScale.UNKNOWN:
        yield Field("consumer", f"{{nonce: {key.scale}}}", "" if key.is_scale_known else _GUESS)


_GUESS = "a guess: it answered to such a nonce; correct it if its program sends another"


def _allowlist(entries: Sequence[str]) -> Field:
    return _listed("ipAllowlist", [_word(entry) for entry in entries]) if entries else Field("ipAllowlist", "any")


def _window(spec: KeySpec) -> str:
    """Empty also for one that no manifest can hold: then it is left as it is, and not managed."""
    begin, end = _moment(spec.query_from), _moment(spec.query_to)
    if begin is not None and end is not None and spec.query_from >= spec.query_to:
        return ""
    told = [f"{name}: {text}" for name, text in (("from", begin), ("to", end)) if text is not None]
    return f"{{{', '.join(told)}}}" if told else ""


def _moment(seconds: int) -> str | None:
    """None: there is none, or no calendar holds it."""
    text = show_time(seconds) if seconds else ""
    try:
        return text if text and parse_time(text) == seconds else None
    except (ValueError, OverflowError):
        return None


def _codes(held: frozenset[Permission]) -> list[str]:
    return [permission.value for permission in in_order(held)]


def _listed(name: str, items: Sequence[str]) -> Field:
    """In one line, or where that is too long, one item a line."""
    text = f"[{', '.join(items)}]"
    return Field(name, text if len(text) <= WIDTH - 20 else "\n" + "\n".join(f"- {item}" for item in items))


def _lines(fields: Iterable[Field], indent: str) -> Iterator[str]:
    for field in fields:
        first, *more = field.text.split("\n")
        comment = f"   # {field.comment}" if field.comment else ""
        yield f"{indent}{field.name}:{' ' if first else ''}{first}{comment}"
        yield from (f"{indent}  {line}" for line in more)


def _word(text: str) -> str:
    """In quotes where YAML, or another reader of it, would take it for something else."""
    is_plain = _PLAIN.fullmatch(text) and text[:1].isalpha() and text not in _WORDS
    is_address = re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}(/\d{1,2})?", text)
    return text if is_plain or is_address else _quoted(text)


def _quoted(text: str) -> str:
    """On one line, in characters that people can read: YAML allows all that are printable."""
    return '"' + "".join(each if each.isprintable() and each not in '"\\' else _escaped(each) for each in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return f"\\u{ord(character):04x}" if ord(character) <= 0xFFFF else f"\\U{ord(character):08x}"
