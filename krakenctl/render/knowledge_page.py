"""docs/explain.md: how to ask, and all that can be asked for. Run as a module, it prints that page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from krakenctl.knowledge.facts import Endpoint, Facts, Word, facts
from krakenctl.model.access import AccessSight, Holder, Holders, Standing
from krakenctl.model.address import key_address
from krakenctl.model.coverage import Coverage
from krakenctl.model.permission import SPELLINGS, in_order
from krakenctl.render.access import Asked, who_text
from krakenctl.render.knowledge import as_text
from krakenctl.render.paint import Paint


def _holder(name: str, live_name: str, desired: Standing, recorded: Standing, live: Standing) -> Holder:
    return Holder(
        account="acme",
        address=key_address("acme", name),
        name=live_name,
        desired=desired,
        recorded=recorded,
        live=live,
        ip_allowlist=("198.51.100.7",),
    )


_HEAD = """\
# Explain, and who can

<!-- Written by `python -m krakenctl.render.knowledge_page > docs/explain.md`. Do not edit. -->

`krakenctl explain` says what something means, what causes it and what to do. It needs no workspace, no network and no
key. Ask for an error string as it stands in a log, a call, a permission in any of its spellings, the rule of a finding,
an exit code, or one of krakenctl's error codes:

```sh
krakenctl explain 'EAPI:Invalid nonce'
krakenctl explain "KrakenAPIError: ['EGeneral:Permission denied']"
krakenctl explain AddOrder
krakenctl explain withdraw-funds
krakenctl explain exceeds-ceiling
krakenctl explain exit 4
krakenctl explain --list permission
```

The first of them prints:

```text
{error}```

A whole log goes in at standard input; every distinct error string of Kraken's is counted and explained, the most
frequent first. Nothing else of the log is repeated, because it may hold secrets:

```sh
krakenctl explain - < bot.log
```

In a workspace it says why a key, or the keys of an account, may have a permission or not: what every level says, with
file and line; which set brings it; whether the surface can give it; and what was last sent. That is what is *declared*
and *recorded*. Whether the key really can is what `krakenctl verify` finds out.

```sh
krakenctl explain ApiKey/market-making/mm-btc withdraw-funds
krakenctl explain SubAccount/market-making AddOrder
```

`krakenctl who-can` turns the question round: every key that holds a permission, or may make a call, as declared, as
recorded and as live, side by side, also those that nobody here manages. A call that needs two permissions is for keys
that hold both; where either will do, either does. `--under` asks about one account and those below it, `--offline` asks
nobody but manifests and state. The answer always says how much of each account's keys was seen: keys made on the
website or by other clients are in no list, and only those whose secrets are kept here can be asked. Where the manifests
have mistakes, state and exchange are asked all the same.

```sh
krakenctl who-can withdraw-funds
krakenctl who-can AddOrderBatch --under market-making
krakenctl who-can withdraw-funds --offline -o json
```

The first of them, where somebody has added a permission by hand and a key has not been issued yet:

```text
{holders}```

With `-o json` the schemas are `explanation`, `explanation-log`, `explanation-list`, `why` and `who-can`; `krakenctl
schema who-can` prints one. Exit codes: 0 answered, also when nobody can; 64 nothing is known of it, with what was
probably meant.

All of it is in one file, `krakenctl/knowledge/facts.toml`, with its sources. Nothing there was tested against the real
Kraken; where sources contradict each other or say nothing, the entry says so (*disputed*, *not settled*).
"""


_SAMPLE = "EAPI:Invalid nonce"
_YES, _NO, _ABSENT = Standing.HOLDS, Standing.LACKS, Standing.ABSENT
_HOLDERS = (
    Asked(what="withdraw-funds", is_call=False, needs="withdraw-funds", ways=(("withdraw-funds",),)),
    Holders(
        holders=(
            _holder("new-treasury", "", _YES, _ABSENT, _ABSENT),
            _holder("treasury", "treasury.a7.g1", _YES, _YES, _YES),
            _holder("monitor", "monitor.a7.g3", _NO, _NO, _YES),
        ),
        doubtful=(),
        sights=(AccessSight(account="acme", coverage=Coverage.OUR_CLIENT, looked=True, keys=4),),
        at=0,
    ),
)


def page(facts: Facts) -> str:
    head = _HEAD.format(error=as_text([facts.errors[_SAMPLE]], facts, Paint()), holders=who_text(*_HOLDERS, Paint()))
    return "\n".join([head, *_permissions(facts), *_endpoints(facts), *_errors(facts), *_own(facts), *_sources(facts)])


def _permissions(facts: Facts) -> Iterator[str]:
    yield "## Permissions\n"
    yield from _table("Permission", "A key with it may", "What it risks", "Lets it do", "On the website")
    for permission, fact in facts.permissions.items():
        deeds = ", ".join(f"`{_short(each)}`" for each in facts.unlocked_by(permission) if each.changes)
        yield _line(f"`{permission}`", fact.words, fact.risks, deeds, SPELLINGS[permission].label)
    yield ""


def _endpoints(facts: Facts) -> Iterator[str]:
    yield "## Calls\n\n*Guide* is what Kraken's guide says where it is something else than its reference.\n"
    yield from _table("Call", "What it does or tells", "Needs", "Guide", "Cost")
    for fact in facts.endpoints.values():
        needs = (
            " or ".join(" + ".join(f"`{code}`" for code in in_order(way)) for way in fact.needs.ways) or "any valid key"
        )
        unless = f"; any valid key when it is {fact.unless}" if fact.unless else ""
        yield _line(f"`{fact.call}`", fact.does, needs + unless, str(fact.guide or ""), _cost(fact))
    yield ""


def _cost(fact: Endpoint) -> str:
    return {"told": f"{fact.cost}", "inferred": f"{fact.cost} (inferred)", "unknown": "not known"}[fact.cost_is]


def _errors(facts: Facts) -> Iterator[str]:
    yield "## Kraken's error strings\n"
    yield from _table("Error", "What it means", "What to do first", "Again?")
    for fact in facts.errors.values():
        yield _line(f"`{fact.code}`", fact.means, fact.do[0], fact.retry)
    yield ""


_TITLES = {
    "rule": "Findings of krakenctl, by rule",
    "drift": "Kinds of drift",
    "check": "Checks of `krakenctl doctor`",
    "verdict": "Verdicts of `krakenctl verify`",
    "coverage": "How much is seen",
    "code": "Error codes of krakenctl",
    "exit": "Exit codes",
    "limit": "Safety limits",
    "topic": "Words about keys",
}


def _own(facts: Facts) -> Iterator[str]:
    for kind, title in _TITLES.items():
        yield f"## {title}\n"
        yield from _table("Name", "What it means", "What to do" if kind != "topic" else "To know")
        yield from map(_word, facts.words[kind].values())
        yield ""


def _word(word: Word) -> str:
    return _line(f"`{word.code}`", word.means, "; ".join(word.do or word.facts or (word.why,)))


def _sources(facts: Facts) -> Iterator[str]:
    yield "## Sources\n"
    yield from (f"- {source}" for source in facts.sources.values())
    yield ""


def _short(endpoint: Endpoint) -> str:
    return endpoint.name if endpoint.path.startswith("/0/private/") else endpoint.call


def _table(*names: str) -> Iterable[str]:
    return _line(*names), _line(*("---" for _ in names))


def _line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    print(page(facts()), end="")  # noqa: T201 - it is what this module is run for
