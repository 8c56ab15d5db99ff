"""An account on a served sandbox whose keys people make: what we hold of it, and the website's surface over that."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from krakenctl.errors import Refused
from krakenctl.model.description import NonceScale
from krakenctl.model.human import Site
from krakenctl.model.key import KeyPair, KeySpec
from krakenctl.model.permission import Permission
from krakenctl.model.secret import Secret
from krakenctl.observe.estate import Share
from krakenctl.sandbox.people import operate
from krakenctl.surfaces.kraken import answers, spot
from krakenctl.surfaces.person import Person
from krakenctl.surfaces.website import Website
from krakenctl.testing.person import Robot
from krakenctl.testing.sandbox import KrakenSandbox
from krakenctl.transport.http import Answer, Http
from ours import Ours
from signed import signed

READ = KeySpec(permissions=frozenset({Permission.QUERY_FUNDS}))
ORDERS = ("nonce-first", "address-first")  # what Kraken looks at first is unconfirmed
_NUMBERS = itertools.count()


@contextmanager
def scene_on(sandbox: KrakenSandbox, order: str, words: str = "EAPI:Invalid key") -> Iterator[Scene]:
    """An account of its own, and no failures in a row from the one before. `words`: what a wrong address is told."""
    sandbox.switch("check-order", order)
    sandbox.switch("disallowed-ip-error", words)
    site, http = f"account-{next(_NUMBERS)}", Http(sandbox.url)
    sandbox.account(site)
    made = sandbox.key(["query-funds"], account=site, name="good")
    signed(http, KeyPair(public_key=made.public_key, secret=Secret(made.secret)), "GetApiKeyInfo", 1)
    yield Scene(sandbox, http, site, order)
    http.close()
    sandbox.clear_faults()


@dataclass
class Scene:
    sandbox: KrakenSandbox
    http: Http
    site: str  # the account's user name
    order: str = ORDERS[0]
    ours: Ours = field(init=False)
    waited: list[float] = field(default_factory=list)
    _ticks: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.ours = Ours(now=lambda: int(self.sandbox.now))

    @property
    def held(self) -> Share:
        """As a new command finds it."""
        return self.ours.share()

    def open(
        self, person: Person | None = None, iiban: str = "", wait: Callable[[float], None] | None = None
    ) -> Website:
        """For a new command, with a robot that does as it is told, unless somebody else is named."""
        person = person or Robot(self.sandbox.db)
        if isinstance(person, Robot):
            person.aliases["acme"] = self.site
        site = Site(account="acme", page="https://example/api", iiban=iiban)
        return Website(
            site=site,
            http=self.http,
            person=person,
            held=self.held,
            clock=self.clock,
            wait=wait or self.waited.append,
            now=self.now,
        )

    def now(self) -> int:
        return int(self.sandbox.now)

    def clock(self) -> int:
        """Never the same nonce twice, though the sandbox's clock stands still."""
        return int(self.sandbox.now * 1_000_000_000) + next(self._ticks) * 10_000_000

    def hold(
        self,
        name: str,
        spec: KeySpec = READ,
        *,
        scale: NonceScale = NonceScale.MILLISECONDS,
        account: str = "",
        claimed_by: str = "",
        fresh: bool = False,
        ending: bool = False,
    ) -> KeyPair:
        """A key that somebody made, and that we know. `ending`: it was heard, and then claimed to be revoked."""
        codes = sorted(spec.permissions)
        made = self.sandbox.key(codes, name=name, account=account or self.site, ip_allowlist=spec.ip_allowlist)
        pair = KeyPair(public_key=made.public_key, secret=Secret(made.secret))
        if fresh:
            self.ours.begin(name, pair, spec, scale)
        else:
            claimed_by = claimed_by or ("alice" if ending else "")
            self.ours.keep(name, pair, spec, scale, claimed_by=claimed_by, retired_until=int(ending))
        return pair

    def revoke(self, *names: str) -> None:
        for name in names:
            self.sandbox.revoke(name, account=self.site)

    def move(self, name: str, *ip_allowlist: str) -> None:
        """Its allow-list is that now: for us it is as if this host's address had changed."""
        operate.edit_key(self.sandbox.db, self.site, name, ["query-funds"], ip_allowlist=ip_allowlist)

    def look(self, name: str) -> tuple[Any, str, tuple[str, ...]]:
        return listed(self.open(), name)

    def unasked(self) -> dict[str, str]:
        return dict(self.open().list_keys().unasked)


def listed(website: Website, name: str) -> tuple[Any, str, tuple[str, ...]]:
    """The key, why it was not asked, and what is wrong with it beside its spec."""
    listing = website.list_keys()
    [live] = [key for key in listing.keys if key.name == name]
    return live, listing.unasked.get(name, ""), listing.odd.get(name, ())


def calls(monkeypatch: Any) -> list[str]:
    """What becomes of each signed call from now on: `answered`, or `refused`."""
    seen: list[str] = []

    def judge(_: KeyPair, answer: Answer) -> None:
        try:
            answers.result(answer, "answer")
        except Refused:
            seen.append("refused")
        else:
            seen.append("answered")

    watch(monkeypatch, judge)
    return seen


def watch(monkeypatch: Any, tell: Callable[[KeyPair, Answer], None]) -> None:
    """`tell` hears of each signed call from now on."""
    real = spot.send

    def send(http: Http, pair: KeyPair, /, *call: Any, **fields: Any) -> Answer:
        answer = real(http, pair, *call, **fields)
        tell(pair, answer)
        return answer

    monkeypatch.setattr(spot, "send", send)
