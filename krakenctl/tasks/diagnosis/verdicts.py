"""What is made of what was seen. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from krakenctl.model.diagnosis import Told, ok, problem, unknown, warning
from krakenctl.model.permission import Permission
from krakenctl.model.recovery import Move, Recovery
from krakenctl.model.silence import ANSWERS_NO_MORE, Refusal, is_by_nonce, is_silent_twice
from krakenctl.model.time import show_duration, show_time

if TYPE_CHECKING:
    from krakenctl.model.description import Description
    from krakenctl.model.recorded import EndProof, RecordedKey
    from krakenctl.model.run import Lease
    from krakenctl.wiring.clocks import Moment

SLIGHT, GRAVE = 2.0, 30.0  # seconds between the clocks
SOON = 14 * 86400  # seconds before the end of krakenctl's own key
SHORT = 3600  # seconds before the end of a token
_SET = "set this host's clock by NTP"
NOT_ALONE = (
    "another program uses this key and sends higher nonces, or this host's clock was set back: make a key for krakenctl"
    " alone"
)
_BREAKS = (
    "orders with a deadline may be refused, ends of keys and tokens are misjudged, and a clock that is set back sends"
    " nonces that the keys have seen already"
)
_NO_KEY = "the key is unknown, revoked, expired or used from an address it does not allow, or its secret is not its own"
_STATUS = {
    "maintenance": "Kraken is down for maintenance: calls will fail",
    "cancel_only": "orders can only be cancelled; keys are not affected",
    "post_only": "orders can only be posted; keys are not affected",
    "limit_only": "only limit orders are taken; keys are not affected",
}


def clock(samples: Sequence[Moment]) -> Told:
    """Of the median, with what the way there and back and the exchange's whole seconds leave open."""
    middle = sorted(samples, key=lambda sample: sample.ahead)[len(samples) // 2]
    error = max(sample.doubt for sample in samples)
    certain = abs(middle.ahead) - error
    where = "ahead of" if middle.ahead > 0 else "behind"
    told = f"this host's clock is {abs(middle.ahead):.1f} s {where} the exchange's (± {error:.1f} s)"
    if certain > GRAVE:
        return problem(f"{told}: {_BREAKS}", hint=_SET)
    if certain > SLIGHT:
        return warning(f"{told}: {_BREAKS}", hint=_SET)
    return ok(f"this host's clock and the exchange's are the same, within {max(error, abs(middle.ahead)):.1f} s")


def status(told: object) -> Told:
    if told == "online":
        return ok("the exchange says that it is online")
    if isinstance(told, str) and told in _STATUS:
        return warning(
            f"the exchange says {told}: {_STATUS[told]}", hint="see status.kraken.com, and run it again later"
        )
    return unknown("the exchange says nothing of its status that this krakenctl understands")


def answers(endpoint: str, proxy: str, took: Iterable[float]) -> Told:
    through = f", through the proxy {proxy}" if proxy else ""
    return ok(f"{endpoint} answers in {statistics.median(took) * 1000:.0f} ms{through}")


def token_life(seconds: float, about: str) -> Iterator[Told]:
    """`seconds`: that are left to it, as its file tells."""
    if seconds < SHORT:
        ended = f"should have ended {show_duration(int(-seconds) or 1)} ago"
        ends = f"ends in about {show_duration(max(60, int(seconds) // 60 * 60))}"
        yield warning(
            f"as far as its file tells, the token {ends if seconds > 0 else ended}",
            hint="put a fresh one in its place: krakenctl does not refresh tokens by itself",
            about=about,
        )


def scopes(granted: frozenset[str], wanted: frozenset[str], about: str) -> Iterator[Told]:
    if missing := sorted(wanted - granted):
        yield problem(
            f"the token lacks the scope {', '.join(missing)}",
            hint="authorise krakenctl for this account again, with these scopes",
            about=about,
        )


def resting(why: str, said: str, about: str) -> Told:
    """It is not asked, because of what it was told before. `said`: in Kraken's words; empty: its account is locked."""
    if not said:
        return unknown(why, about=about)
    hint = NOT_ALONE if is_by_nonce(said) else _NO_KEY
    return problem(why, hint=f"{hint}; once that is mended, `krakenctl doctor --again` asks it", about=about)


def refusal(seen: Refusal, key: RecordedKey, *, has_clock: bool, locked: bool) -> Told:
    """A key of ours that may be in use. `has_clock`: its consumer's is declared, so that others can ask it.

    `locked`: its account is; then nobody is to ask it.
    """
    asks = "asks it once its account is locked no more" if locked else "asks it now"
    verify, alive = f"`krakenctl verify {key.address}`", f"`krakenctl inspect {key.address} --alive`"
    times = f", {seen.times} times in all" if seen.times > 1 else ""
    told = f"{key.live_name} was refused from this host at {show_time(seen.at)} (“{seen.said}”{times})"
    if is_silent_twice(seen.said):
        told += f": it {ANSWERS_NO_MORE}"
        hint = f"look on the website; {verify if has_clock else alive} {asks}"
    elif is_by_nonce(seen.said):
        told += ": the program that uses it sends higher nonces"
        hint = "see that consumer.nonce says what it sends, and that no two programs share the key"
    elif has_clock:
        hint = f"{verify} {asks}, and says what that means"
    else:
        hint = f"{alive} {asks}, whether it lives; more can be told once consumer.nonce is declared"
    return warning(f"{told}; nobody asks it before {show_time(seen.rests_until)}", hint=hint, about=str(key.address))


def gone(proof: EndProof, key: RecordedKey) -> Told:
    """Taken for gone by its silence, or by somebody's word who has looked; and on record still."""
    told = f"{key.live_name} is taken for gone: {proof.told}"
    hint = "look on the website whether it is there" if proof.host else "`krakenctl plan` shows what is done about it"
    return warning(told, hint=hint, about=str(key.address))


def own_key(seen: Description, *, pin: str, needed: bool, now: int, strict: bool, about: str) -> Iterator[Told]:
    """`needed`: sub-accounts are declared. `strict`: it could lose somebody money, which a sandbox's cannot."""
    spec = seen.live.spec
    if pin and seen.iiban and seen.iiban != pin:
        yield problem(
            f"it opens the account {seen.iiban}, and {pin} is the one we know", hint="correct it", about=about
        )
    if needed and Permission.WITHDRAW_FUNDS not in spec.permissions:
        yield problem(
            "it lacks withdraw-funds, without which Kraken refuses to create sub-accounts",
            hint="make another key for krakenctl on the website",
            about=about,
        )
    if 0 < spec.valid_until <= now + SOON:
        yield warning(f"it ends {show_time(spec.valid_until)}", hint="make its successor in time", about=about)
    if strict and not spec.ip_allowlist:
        yield warning(
            "any address may use it, and it can move money",
            hint="restrict it to the addresses that krakenctl runs on",
            about=about,
        )
    if strict and (surplus := sorted(spec.permissions - {Permission.WITHDRAW_FUNDS})):
        yield warning(
            f"it may do more than krakenctl asks of it: {', '.join(surplus)}",
            hint="krakenctl's own key needs withdraw-funds alone",
            about=about,
        )


def lease(held: Lease | None, *, dead: bool) -> Told:
    if held is None:
        return ok("nobody is changing this workspace")
    if dead:
        return warning(
            f"a run has died while it held the lease: {held.sentence()}", hint="nothing: the next run takes over"
        )
    if held.silence > held.seconds / 2:
        return warning(
            held.sentence(), hint="if it hangs: `krakenctl state unlock --reason TEXT` takes the lease from it"
        )
    return ok(held.sentence())


def recovery(left: Recovery, told: str) -> Told:
    """`told`: what is done about it, in words."""
    asks = left.move in (Move.ASK, Move.UNKNOWN)
    do = "`krakenctl recover` goes on once that is seen to" if left.move is Move.WAIT else "run `krakenctl recover`"
    hint = "`krakenctl recover --dry-run` says what to find out" if asks else do
    return (problem if asks else warning)(f"an earlier run has left this: {told}", hint=hint, about=str(left.address))
