"""A person of our own, who does on a sandbox's website what they are told: rightly, or with a mistake that was agreed.

For tests of what krakenctl makes of it. What they do is done by the website's own rules, without a browser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from krakenctl.errors import NeedsPerson, UsageError
from krakenctl.model.human import Deleted, HumanStep, Slip
from krakenctl.model.key import KeyPair, KeySpec
from krakenctl.model.permission import Permission, in_order
from krakenctl.model.plan import Verb
from krakenctl.model.secret import Secret
from krakenctl.sandbox.people import operate

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Form:
    """What a person fills in, and as whom."""

    account: str  # the user name they are logged in as
    name: str
    spec: KeySpec


@dataclass(frozen=True, slots=True)
class Mistake:
    """One way to do it otherwise than told. `pair`: what is pasted, from what the page showed."""

    called: str
    form: Callable[[Form], Form] = lambda form: form
    pair: Callable[[KeyPair], KeyPair] = lambda pair: pair

    def __str__(self) -> str:
        return self.called


RIGHT = Mistake("right")


@dataclass(slots=True)
class Robot:
    """See `surfaces.person.Person`. `mistakes`: one for each key, in their order; then all is done rightly.

    When told of a mistake they put it right, by editing the key where that is enough, and else by making it anew;
    unless they give up. With a `reason` they accept what nobody can look at. Everything they were shown is in `told`.
    """

    db: Path
    mistakes: Iterable[Mistake] = ()  # of what they fill in, whether they make a key or edit one
    gives_up: bool = False
    begins_anew: bool = False  # when told of a mistake they delete the key
    deletes: bool = True  # whether a key that they say is deleted is
    edits: bool = True  # whether one that they say is edited is
    reason: str = ""
    aliases: dict[str, str] = field(default_factory=dict)  # user names by account, where they are not the same
    told: list[tuple[str, HumanStep, tuple[str, ...]]] = field(default_factory=list)
    _script: Iterator[Mistake] = field(init=False)
    _made: dict[str, Form] = field(default_factory=dict)  # by the name that they were told
    _mispasted: dict[str, KeyPair] = field(default_factory=dict)  # likewise: what the page showed
    _misedited: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._script = iter(self.mistakes)

    def ready(self, step: HumanStep) -> None:
        """They are there."""

    def issue(self, step: HumanStep) -> KeyPair:
        self.told.append(("issue", step, ()))
        mistake = next(self._script, RIGHT)
        pair = self._make(step.name, mistake.form(self._form(step)))
        if (pasted := mistake.pair(pair)) != pair:
            self._mispasted[step.name] = pair
        return pasted

    def update(self, step: HumanStep) -> None:
        self.told.append(("update", step, ()))
        right, mistake = self._form(step), next(self._script, RIGHT)
        if (form := mistake.form(right)) != right:
            self._misedited.add(step.name)
        if self.edits:
            self._edit(step.name, form)

    def revoke(self, step: HumanStep) -> None:
        self.told.append(("revoke", step, ()))
        if self.deletes:
            with suppress(UsageError):  # it is gone already
                operate.revoke_key(self.db, self._user(step), step.name)

    def again(self, step: HumanStep, differences: tuple[str, ...]) -> KeyPair | Deleted | None:
        self.told.append(("again", step, differences))
        if self.gives_up:
            raise NeedsPerson(f"stopped at {step.name}")
        if step.wanted is None:
            operate.revoke_key(self.db, self._user(step), step.name)
            return None
        if step.slip is Slip.UNSEEN and not self._has_mistyped(step.name):
            raise NeedsPerson(f"{step.name} is as it was asked for")
        right, made = self._form(step), self._made.get(step.name)
        if self.begins_anew and step.verb is Verb.ISSUE:
            if self.deletes:
                operate.revoke_key(self.db, self._user(step), made.name if made else step.name)
            return Deleted.SAID
        if made is not None and made.account != right.account:
            operate.revoke_key(self.db, made.account, made.name)
            return self._make(step.name, right)
        try:
            self._edit(made.name if made else step.name, right)
        except UsageError:  # somebody else made it, under another name
            return self._make(step.name, right)
        return self._mispasted.pop(step.name, None)

    def accepts(self, step: HumanStep, why: str) -> str:
        self.told.append(("accepts", step, (why,)))
        if not self.reason:
            raise NeedsPerson(f"nobody accepts {step.name} unseen")
        return self.reason

    def _has_mistyped(self, name: str) -> bool:
        """Of a key that cannot be asked. Who rather begins anew need not know."""
        return self.begins_anew or name in self._mispasted or name in self._misedited

    def _form(self, step: HumanStep) -> Form:
        if step.wanted is None:
            raise ValueError("the step shows no form")
        return Form(self._user(step), step.name, step.wanted)

    def _user(self, step: HumanStep) -> str:
        return step.username or self.aliases.get(step.account, step.account)

    def _make(self, told: str, form: Form) -> KeyPair:
        """One that has the name was left by an earlier try, whose private key is lost: it goes first."""
        spec = form.spec
        with suppress(UsageError):
            operate.revoke_key(self.db, form.account, form.name)
        made = operate.make_key(
            self.db,
            form.account,
            form.name,
            in_order(spec.permissions),
            ip_allowlist=spec.ip_allowlist,
            valid_until=spec.valid_until,
            query_from=spec.query_from,
            query_to=spec.query_to,
            nonce_window=spec.nonce_window,
        )
        self._made[told] = form
        return KeyPair(public_key=made["apiKey"], secret=Secret(made["secret"]))

    def _edit(self, name: str, form: Form) -> None:
        spec = form.spec
        operate.edit_key(
            self.db,
            form.account,
            name,
            in_order(spec.permissions),
            renamed=form.name,
            ip_allowlist=spec.ip_allowlist,
            valid_until=spec.valid_until,
            query_from=spec.query_from,
            query_to=spec.query_to,
            nonce_window=spec.nonce_window,
        )


def toggled(permission: Permission) -> Mistake:
    """A box ticked that was to be left, or left that was to be ticked."""
    return _spec(f"the box {permission}", lambda spec: {"permissions": spec.permissions ^ {permission}})


def _spec(called: str, other: Callable[[KeySpec], dict[str, object]]) -> Mistake:
    return Mistake(called, lambda form: replace(form, spec=replace(form.spec, **other(form.spec))))  # type: ignore[arg-type]


def named(name: str) -> Mistake:
    return Mistake(f"the name {name}", lambda form: replace(form, name=name))


def on(account: str) -> Mistake:
    return Mistake(f"logged in as {account}", lambda form: replace(form, account=account))


SWAPPED = Mistake(
    "key and secret swapped",
    pair=lambda pair: KeyPair(public_key=pair.secret.reveal(), secret=Secret(pair.public_key)),
)


def _mistyped(pair: KeyPair) -> KeyPair:
    secret = pair.secret.reveal()
    return replace(pair, secret=Secret(("B" if secret[0] == "A" else "A") + secret[1:]))


MISTYPED = Mistake("a letter of the private key mistyped", pair=_mistyped)
SHUT_OUT = _spec("only another address", lambda _: {"ip_allowlist": ("198.51.100.99",)})


def secret_of(other: KeyPair) -> Mistake:
    return Mistake("another key's secret", pair=lambda pair: replace(pair, secret=other.secret))


def pasted(other: KeyPair) -> Mistake:
    return Mistake("another key altogether", pair=lambda _: other)


def slips(far: int) -> tuple[Mistake, ...]:
    """Every single mistake of the form. `far`: unix seconds, later than any time that is asked for."""
    return (
        *map(toggled, Permission),
        _spec("any address", lambda _: {"ip_allowlist": ()}),
        _spec("an address too many", lambda spec: {"ip_allowlist": (*spec.ip_allowlist, "198.51.100.77")}),
        _spec("an address left out", lambda spec: {"ip_allowlist": spec.ip_allowlist[:-1]}),
        _spec("no expiry", lambda _: {"valid_until": 0}),
        _spec("another expiry", lambda _: {"valid_until": far + DAY}),
        _spec("no start of the query period", lambda _: {"query_from": 0}),
        _spec("another start of the query period", lambda spec: {"query_from": spec.query_from + DAY}),
        _spec("no end of the query period", lambda _: {"query_to": 0}),
        _spec("another end of the query period", lambda _: {"query_to": far}),
        _spec("another nonce window", lambda spec: {"nonce_window": spec.nonce_window + 1}),
        named("another-name"),
    )
