"""What is wrong with a key, or worth a look, from its own description. Pure: `now` is handed in.

What each rule means is in `catalogue.py`; here is when it holds, and what it says of this one key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from krakenctl.audit.catalogue import RULES
from krakenctl.model.allow_list import Network, collapsed, readable
from krakenctl.model.description import CLOCKS, Description, NonceScale, nonce_at
from krakenctl.model.finding import Finding
from krakenctl.model.key import KeySpec
from krakenctl.model.permission import SPELLINGS, Permission, Risk, in_order
from krakenctl.model.span import seen_from
from krakenctl.model.time import show_time

DAY = 86400
_P = Permission
_TRADES = frozenset({_P.MODIFY_TRADES, _P.CLOSE_TRADES})
_ADDRESSES = frozenset({_P.ADD_WITHDRAW_ADDRESS, _P.UPDATE_WITHDRAW_ADDRESS})
_READS = frozenset(permission for permission, spelling in SPELLINGS.items() if spelling.risk is Risk.READ)
_LOOKS = _READS | {_P.CREATE_WS_TOKEN}  # a token of it subscribes, and orders nothing that its key may not

_WIDEST = (24, 48)  # the shortest prefix of IPv4 and of IPv6 that is not yet a wide network
_LONGEST = 60  # seconds, a window of nonces, in the time that its consumer takes to send them

Remark = tuple[str, str]  # rule, and what it says of this key


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How much is too much; seconds. 0 switches a rule off."""

    oldest: int = 90 * DAY
    idle: int = 90 * DAY
    soon: int = 14 * DAY


USUAL = Policy()


def of_description(told: Description, now: int, policy: Policy = USUAL) -> tuple[Finding, ...]:
    """Everything about a key that has described itself, the worst first."""
    return in_severity(
        finding(*remark) for remark in (*_of_spec(told.live.spec, told.scale), *_of_times(told, now, policy))
    )


def of_spec(spec: KeySpec) -> tuple[Finding, ...]:
    """What holds at any time, of a key that is live, recorded or only declared."""
    return in_severity(finding(*remark) for remark in _of_spec(spec, NonceScale.UNKNOWN))


def finding(rule: str, message: str) -> Finding:
    """One of the catalogue's, about one key."""
    return Finding(rule=rule, severity=RULES[rule].severity, message=message, hint=RULES[rule].do)


def in_severity(findings: Iterator[Finding] | tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Errors, warnings, notes; each in the order in which they came."""
    order = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(findings, key=lambda one: order[one.severity.value]))


def _of_spec(spec: KeySpec, scale: NonceScale) -> Iterator[Remark]:
    yield from _rights(spec)
    yield from _reach(spec)
    if not spec.valid_until:
        yield "never-expires", "it has no end"
    yield from _nonces(spec.nonce_window, scale)


def _rights(spec: KeySpec) -> Iterator[Remark]:
    held = spec.permissions
    if _P.WITHDRAW_FUNDS in held and held & _TRADES:
        yield "withdraw-and-trade", f"it holds withdraw-funds together with {_names(held & _TRADES)}"
    if _P.WITHDRAW_FUNDS in held and held & _ADDRESSES:
        yield "withdraw-to-anywhere", f"it holds withdraw-funds together with {_names(held & _ADDRESSES)}"
    elif held & _ADDRESSES:
        yield "address-permissions", f"it holds {_names(held & _ADDRESSES)}"
    if spec.unknown_permissions:
        yield "unknown-permission", f"it holds {', '.join(sorted(spec.unknown_permissions))}"
    if _P.QUERY_FUNDS in held and held <= _LOOKS and not spec.unknown_permissions:
        yield "query-only-but-moves", "all its permissions sound like looking on, and query-funds is among them"
    if not held and not spec.unknown_permissions:
        yield "no-permissions", "its list of permissions is empty"


def _reach(spec: KeySpec) -> Iterator[Remark]:
    """An allow-list whose parts add up to everything is none."""
    networks, odd = readable(spec.ip_allowlist)
    for entry in odd:
        yield "bad-allow-list-entry", f"“{entry}” is neither an address nor a network"
    if not spec.ip_allowlist or any(network.prefixlen == 0 for network in collapsed(networks)):
        if _P.WITHDRAW_FUNDS in spec.permissions:
            yield "moves-funds-from-anywhere", "no allow-list fences it in, and it holds withdraw-funds"
        else:
            yield "open-to-the-world", "no allow-list fences it in"
        return
    for network in collapsed(networks):
        if network.prefixlen < _WIDEST[network.version == 6]:
            yield "wide-network", f"{network} are {_many(network)} addresses"


def _many(network: Network) -> str:
    """A figure that people can take in: of IPv6 the number of usual networks, each as large as a household's."""
    if isinstance(network, IPv4Network):
        return f"{network.num_addresses:,}"
    return f"2^{128 - network.prefixlen}"


def _nonces(window: int, scale: NonceScale) -> Iterator[Remark]:
    """A window is in the unit of the nonce. Of a coarse clock's answer nobody knows what the consumer sends."""
    unit = scale if scale in CLOCKS[1:] else NonceScale.MILLISECONDS
    seconds = window // nonce_at(unit, 1_000_000_000)
    if seconds > _LONGEST:
        yield "nonce-window-large", f"it is {window}: {seconds:,} seconds for a program that sends {_UNITS[unit]}"


_UNITS = {
    NonceScale.SECONDS: "seconds",
    NonceScale.MILLISECONDS: "milliseconds",
    NonceScale.MICROSECONDS: "microseconds",
    NonceScale.NANOSECONDS: "nanoseconds",
}


def _of_times(told: Description, now: int, policy: Policy) -> Iterator[Remark]:
    spec, created = told.live.spec, told.live.created
    if spec.has_ended(now):
        yield "expired", f"it ended on {show_time(spec.valid_until)}"
    elif spec.valid_until and spec.valid_until - now < policy.soon:
        yield "expires-soon", f"it ends on {show_time(spec.valid_until)}, {seen_from(now, spec.valid_until)}"
    if policy.oldest and created and now - created > policy.oldest:
        yield "too-old", f"it was made on {show_time(created)}, {seen_from(now, created)}"
    yield from _idle(told, now, policy)
    if spec.query_to and spec.query_to <= now:
        yield "query-window-closed", f"its query window ended on {show_time(spec.query_to)}"


def _idle(told: Description, now: int, policy: Policy) -> Iterator[Remark]:
    """Asking a key may count as a use: a last use just now proves nothing, one long ago does."""
    if not policy.idle:
        return
    if told.last_used and now - told.last_used > policy.idle:
        yield "unused", f"it was last used on {show_time(told.last_used)}, {seen_from(now, told.last_used)}"
    elif not told.last_used and told.live.created and now - told.live.created > policy.idle:
        yield "unused", f"Kraken tells of no use since it was made, {seen_from(now, told.live.created)}"


def _names(permissions: frozenset[Permission]) -> str:
    return " and ".join(permission.value for permission in in_order(permissions))
