"""`facts.toml` as values. It is read once, and only when somebody asks: other commands do not pay for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from krakenctl.knowledge.needs import Needs
from krakenctl.model.permission import Permission

FORMAT = "krakenctl.knowledge/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorString:
    """What Kraken says when it refuses. `retry`: no, once (with a higher nonce), wait, or look-first."""

    code: str  # as Kraken writes it, without the detail that may follow; or OAuth's and Futures' single words
    means: str
    causes: tuple[str, ...] = ()  # the likeliest first
    do: tuple[str, ...] = ()
    retry: str = "no"
    locks: bool = False  # failures like this add up to a lockout
    doubt: str = ""  # what no source settles
    sources: tuple[str, ...] = ()
    known: bool = True  # False: only its family is


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionFacts:
    code: Permission
    words: str  # completes “may …”
    risks: str
    guide: str = ""  # what Kraken's guide calls it; empty: the guide does not
    notes: tuple[str, ...] = ()
    elsewhere: str = ""  # what it opens beside the endpoints
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    call: str  # `POST /0/private/AddOrder`
    does: str  # a deed where it changes something, else what it tells
    needs: Needs  # by Kraken's reference
    cost: int  # what the sandbox takes, where nobody says
    cost_is: str  # told (by Kraken), inferred (from its rule), or unknown
    unless: str = ""  # when nothing is needed after all
    guide: Needs | None = None  # what Kraken's guide says, where that is something else
    cost_low: int | None = None  # None: nobody says less, or more
    cost_high: int | None = None
    changes: bool = False
    note: str = ""
    doubt: str = ""
    sources: tuple[str, ...] = ()

    @property
    def method(self) -> str:
        return self.call.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.call.partition(" ")[2]

    @property
    def documented(self) -> bool:
        """Whether Kraken tells of it at all; else it was only seen in a program of Kraken's."""
        return "wallet" not in self.sources

    @property
    def name(self) -> str:
        """As people say it: `AddOrder`, `Earn/Allocate`, `/funding/v1/addresses`."""
        return self.path.removeprefix("/0/private/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Something of krakenctl's own that it says, or a word that Kraken's forms and errors use."""

    kind: str  # one of _WORDS
    code: str
    means: str
    why: str = ""
    do: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    stage: str = ""  # of a rule: who finds it
    sources: tuple[str, ...] = ()


Entry = ErrorString | PermissionFacts | Endpoint | Word
_WORDS = ("rule", "drift", "check", "verdict", "coverage", "code", "exit", "limit", "topic", "category")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    errors: Mapping[str, ErrorString]
    permissions: Mapping[Permission, PermissionFacts]
    endpoints: Mapping[str, Endpoint]
    words: Mapping[str, Mapping[str, Word]]  # by kind, then by code
    sources: Mapping[str, str] = field(default_factory=dict)

    def with_rules(self, rules: Iterable[Word]) -> Facts:
        """The same, and rules that are kept elsewhere; what the file says of a rule goes first."""
        more = {rule.code: rule for rule in rules} | dict(self.words["rule"])
        return Facts(
            errors=self.errors,
            permissions=self.permissions,
            endpoints=self.endpoints,
            words={**self.words, "rule": dict(sorted(more.items()))},
            sources=self.sources,
        )

    def unlocked_by(self, permission: Permission) -> dict[Endpoint, str]:
        """What a key can do because of it, each with what else it needs; empty: nothing else."""
        return {each: _beside(permission, each) for each in self.endpoints.values() if permission in each.needs.named}


def _beside(permission: Permission, endpoint: Endpoint) -> str:
    ways = [way for way in endpoint.needs.ways if permission in way]
    others = [" and ".join(sorted(way - {permission})) for way in ways]
    return "" if "" in others else f"with {' or '.join(others)}"


@cache
def facts() -> Facts:
    """The file that ships with krakenctl."""
    import tomllib

    return parse(tomllib.loads(files("krakenctl.knowledge").joinpath("facts.toml").read_text(encoding="utf-8")))


def words(permission: Permission) -> str:
    """What a key with it may do, in plain words: completes “may …”."""
    return facts().permissions[permission].words


def parse(document: Mapping[str, Any]) -> Facts:
    return Facts(
        errors=_by_code(ErrorString, document["error"]),
        permissions=_by_code(_permission, document["permission"]),
        endpoints={row["call"]: _endpoint(**row) for row in document["endpoint"]},
        words={kind: _by_code(_word(kind), document[kind]) for kind in _WORDS},
        sources=document["sources"],
    )


_Made = TypeVar("_Made")


def _by_code(make: Callable[..., _Made], rows: Iterable[Mapping[str, Any]]) -> dict[Any, _Made]:
    return {_key(row["code"]): make(**_tupled(row)) for row in rows}


def _key(code: str | int) -> str:
    return str(code)


def _permission(*, code: str, **row: Any) -> PermissionFacts:
    return PermissionFacts(code=Permission(code), **row)


def _word(kind: str) -> Callable[..., Word]:
    def make(*, code: str | int, **row: Any) -> Word:
        return Word(kind=kind, code=str(code), **row)

    return make


def _endpoint(*, needs: str, guide: str | None = None, **row: Any) -> Endpoint:
    told = {name.replace("-", "_"): value for name, value in _tupled(row).items()}
    return Endpoint(needs=Needs.parse(needs), guide=None if guide is None else Needs.parse(guide), **told)


def _tupled(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
