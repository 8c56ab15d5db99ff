"""What a look at one key shows, and the words for what it does not. Pure."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass, replace

from krakenctl.errors import SafetyStop
from krakenctl.model import plight
from krakenctl.model.description import CLOCKS, Description
from krakenctl.model.holding import Holding
from krakenctl.model.human import Slip
from krakenctl.model.key import LiveKey
from krakenctl.model.live import Aside
from krakenctl.model.plight import SILENT, Background, Plight
from krakenctl.model.silence import ANSWERS_NO_MORE, is_by_nonce, is_by_signature, is_not_permitted, shows_life
from krakenctl.surfaces.kraken.numbers import HIGHEST

_SECRET_BYTES = 64
ENOUGH = "not asked: several calls in a row were refused not long ago, and more could lock the account"
UNPROVED = "it has not answered from here before, so its silence would prove nothing"
ELSEWHERE = "its allow-list may leave this host out"
_SPENT = "it has seen as high a nonce as krakenctl sends by itself"
_NEXT = (
    f"{_SPENT}, and a higher one could lock its program out (`krakenctl attest` takes one: --nonce {HIGHEST + 20} if no"
    " program uses it yet, else the program's next number or its clock)"
)
_BY_CLOCK = f"{_SPENT} (`krakenctl attest` asks it by its program's clock)"
_EDITED = "its allow-list or its end may shut this host out (were they typed as shown?), or it was deleted"
_FENCED = "Kraken knows it, and lets this host use it no more: its allow-list or its end was changed on the website"
NOT_GONE = "it was said to be gone, and answers"
_IN_USE = "it has been in use already, so it is not the key that was just made"


def not_asked(why: str) -> str:
    """`why`: what is remembered of earlier calls; empty: only this command knows of any."""
    return f"not asked: {why}" if why else ENOUGH


@dataclass(frozen=True, slots=True)
class Look:
    """`live` None: it is gone, and that is proved. `unasked`: why it is as recorded. `odd`: what is wrong beside."""

    live: LiveKey | None
    unasked: str = ""
    odd: tuple[str, ...] = ()
    iiban: str = ""
    remark: str = ""  # worth saying, though nothing is wrong
    called: str = ""  # what Kraken calls it, where a person has renamed it
    slip: Slip = Slip.FORM  # which kind of mistake it was, where something is odd; or may be
    mispaired: bool = False  # of a new key: by Kraken's words its two halves do not belong together
    told: Description | None = None  # what it said of itself in this run
    silent: bool = False  # it has answered from here, and nothing proves its end: it is gone, or fenced off
    lives: bool = False  # it has told so itself, or was refused as only a key that lives is

    @property
    def aside(self) -> Aside:
        return Aside(
            unasked=self.unasked,
            doubtful=self.slip is Slip.UNSEEN,
            mispaired=self.mispaired,
            silent=self.silent,
            lives=self.lives,
            odd=self.odd,
            remark=self.remark,
            called=self.called,
        )


GONE = Look(None)


def barred(holding: Holding, now: int, end: int | None = None) -> str:
    """Why no call may be made with it, whoever asks; empty: one may. `end`: as its list has it; None: as recorded."""
    if 0 < (holding.record.spec.valid_until if end is None else end) <= now:
        return "its end has passed"
    if holding.scale not in CLOCKS:
        told = "was" if holding.finer in CLOCKS else "is"
        return f"consumer.nonce {told} {holding.scale}, and a call could lock its consumer out{_by_word(holding)}"
    return ""


def _by_word(holding: Holding) -> str:
    """How a person shows what its manifest says, and nothing else has."""
    if holding.finer not in CLOCKS:
        return ""
    way = f"krakenctl inspect {holding.record.address} --nonce {holding.finer}"
    return f"; its manifest says {holding.finer} now: if its program does send that, show it once with `{way}`"


def alive(holding: Holding) -> Look:
    """No more than that is known."""
    return replace(_recorded(holding), lives=True)


def alive_before(holding: Holding, how: str) -> Look:
    """It was heard to live, and somebody has deleted it since, as they say."""
    return as_recorded(holding, f"{how}; nobody had said then that it is deleted")


def _recorded(holding: Holding) -> Look:
    return Look(holding.record.as_live())


def as_recorded(holding: Holding, why: str) -> Look:
    return replace(_recorded(holding), unasked=why)


def silent(holding: Holding, how: str) -> Look:
    return replace(as_recorded(holding, f"{how}: it {ANSWERS_NO_MORE}"), silent=True)


def fenced(holding: Holding, how: str) -> Look:
    """The second refusal, for a small nonce, has shown that it lives."""
    return replace(as_recorded(holding, how), odd=(_FENCED,), lives=True)


def wrong(holding: Holding, why: str) -> Look:
    return replace(_recorded(holding), odd=(why,), slip=Slip.PAIR)


def described(holding: Holding, told: Description, iiban: str = "") -> Look:
    """By its recorded name, whatever Kraken calls it: the pair is what makes it that key."""
    name, odd, called, slip = holding.record.live_name, list[str](), "", Slip.FORM
    if told.live.name != name and holding.fresh:
        odd.append(f"Kraken calls it “{told.live.name}”, not “{name}”")
    elif told.live.name != name:
        called = told.live.name
    if iiban and told.iiban and told.iiban != iiban:
        odd.append(f"it belongs to the account {told.iiban}, not to {iiban}")
        slip = Slip.ACCOUNT
    public_key = holding.pair.public_key if holding.pair else told.live.public_key
    created = told.live.created if holding.fresh else holding.record.created  # the same, whether it is asked or not
    live = replace(told.live, name=name, created=created, public_key=public_key)
    return Look(live, told=told, odd=tuple(odd), iiban=told.iiban, called=called, slip=slip, lives=True)


def refused(holding: Holding, said: str, how: str, *, has_answered: bool) -> Look:
    """A key that may be in use. `said`: Kraken's words; `how`: when it was, and what follows."""
    record = holding.record
    left = plight.plights(said, Background(shut=bool(record.spec.ip_allowlist), answered=has_answered))
    was_here = "it answered from here before, so " if has_answered and Plight.DELETED in left else ""
    what = f"{was_here}{plight.told(left)}"
    if left == SILENT:
        what += "; a later run proves it"
    elif Plight.MOVED in left and not record.retired_until:
        what += f" (if it is deleted, `krakenctl rotate {record.address}` replaces it)"
    if is_by_nonce(said):
        what += _by_word(holding)
    return replace(as_recorded(holding, f"{how}: {what}"), lives=shows_life(said))


def new_refused(holding: Holding, said: str, *, has_answered: bool) -> Look:
    """What it may mean that a key is refused which was just made, and which this host need not be allowed to use.

    What Kraken says to an address that is left out, or where a second factor is missing, is documented nowhere.
    """
    if is_by_nonce(said) and has_answered:
        return spent(holding)
    fence = "this host is not in its allow-list" if holding.record.spec.ip_allowlist else ""
    if is_by_signature(said) or is_not_permitted(said):
        factor = "the key has a second factor (2FA)"
        causes = ["key and secret do not belong together, because one was mistyped", factor, fence]
    elif not fence and is_by_nonce(said):
        return wrong(holding, _IN_USE)
    elif not fence:
        return wrong(holding, f"Kraken knows no such key ({said}): was it copied whole, and not deleted since?")
    elif is_by_nonce(said):
        causes = [fence, "the pair was mistyped: it is of a key that has been in use already"]
    else:
        causes = [fence, "the key was mistyped"]
    why = f"Kraken refuses it from here ({said}): {', or '.join(filter(None, causes))}"
    return replace(as_recorded(holding, why), slip=Slip.UNSEEN, mispaired=is_by_signature(said))


def spent(holding: Holding) -> Look:
    """A new key that nobody has asked, for want of a nonce: what was typed in may be another key's pair."""
    return replace(as_recorded(holding, _BY_CLOCK if holding.scale in CLOCKS else _NEXT), slip=Slip.UNSEEN)


def edited(holding: Holding, said: str) -> Look:
    """A key that is refused once a person has edited it: who mistypes its new allow-list may shut this host out."""
    return replace(as_recorded(holding, f"refused from here ({said}): {_EDITED}"), slip=Slip.UNSEEN)


def twin(holding: Holding, others: Iterable[Holding]) -> Look | None:
    """It is a pair that we know already; None: it is not."""
    for other in others:
        known = (other.record.public_key, other.pair and other.pair.public_key)
        if holding.pair is not None and holding.pair.public_key in known:
            return wrong(holding, f"this is the pair of {other.record.live_name}, which is another key of ours")
    return None


def is_secret(text: str) -> bool:
    """A secret is 64 bytes in base64, and a key is shorter. Source: docs.kraken.com, Spot REST authentication."""
    try:
        return len(b64decode(text, validate=True)) == _SECRET_BYTES
    except ValueError:
        return False


def one_account(seen: Iterable[tuple[str, str]]) -> str:
    """Whose keys these are, from names and IIBANs; empty: none told. Raises SafetyStop."""
    found: dict[str, str] = {}
    for name, iiban in seen:
        if iiban:
            found.setdefault(iiban, name)
    if len(found) > 1:
        told = "; ".join(f"{name} belongs to {iiban}" for iiban, name in found.items())
        raise SafetyStop(
            f"keys that are recorded on one account belong to different ones: {told}",
            hint="which of them is meant? correct the manifests, or the secrets in the store; nothing was changed",
        )
    return next(iter(found), "")
