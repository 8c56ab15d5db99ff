"""Sub-accounts: made, and money moved between them. The master's key only."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from krakenctl.sandbox import accounts
from krakenctl.sandbox.envelope import Answer, Refusal, invalid, success
from krakenctl.sandbox.money import funds
from krakenctl.sandbox.request import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from krakenctl.sandbox.accounts import Account
    from krakenctl.sandbox.call import Call

_LONGEST_EMAIL = 128  # as userinfo can show it; CreateSubaccount publishes no rule
_LONGEST_USERNAME = 255  # a design choice; no rule is published


def create(call: Call) -> Answer:
    """`POST /0/private/CreateSubaccount`: true, and neither id nor IIBAN. Source: krakenfx/api-specs spot-rest."""
    context, given = call.context, call.given
    master = _master(call)
    username, email = text(given, "username", _LONGEST_USERNAME), text(given, "email", _LONGEST_EMAIL)
    if username is None:
        raise invalid("username")
    if email is None or "@" not in email:
        raise invalid("email")
    if accounts.by_username(context.connection, username) is not None:
        raise Refusal(context.switches["duplicate-username-error"])
    made = accounts.insert(context.connection, username, email, context.second, master=False, parent=master.id)
    answer = success(True)
    return Answer(answer.body, set_up=accounts.set_up(context, made)) if context.owned else answer


def transfer(call: Call) -> Answer:
    """`POST /0/private/AccountTransfer`: at once and free, between the master and its own sub-accounts.

    Source: krakenfx/api-specs spot-rest; sub-accounts guide. How the accounts are named, sources disagree about: the
    switch `account-transfer-names`. A sub-account that is not set up yet takes no money.
    """
    family = _family(call, _master(call))
    source, target = family.named(call.given, "from"), family.named(call.given, "to")
    if source == target:
        raise invalid("to")
    asset = funds.asset_of(call.given)
    amount = funds.amount_of(call.given, asset)
    funds.refuse_poor(call.context, source, asset.name, amount)
    entry = {"type": "transfer", "refid": funds.reference()}
    funds.move(call.context, source, asset.name, -amount, **entry)
    funds.move(call.context, target, asset.name, amount, **entry)
    return success({"transfer_id": entry["refid"], "status": "complete"})


def _master(call: Call) -> Account:
    """The account that calls, which must be a master's of an institution."""
    master = accounts.by_id(call.connection, call.account_id)
    if not master.master:
        raise Refusal(call.context.switches["not-master-error"])
    if call.context.switches["institutional"] == "no":
        raise Refusal(call.context.switches["not-institutional-error"])
    return master


class _Family(NamedTuple):
    """The master and its sub-accounts that are set up, by the names that they go by here."""

    by_username: Mapping[str, int]
    by_iiban: Mapping[str, int]  # without spaces

    def named(self, given: Mapping[str, object], field: str) -> int:
        """An IIBAN may be written with spaces or without."""
        name = given.get(field)
        text = name if isinstance(name, str) else ""
        found = self.by_username.get(text, self.by_iiban.get(text.replace(" ", "")))
        if found is None:
            raise invalid(field)
        return found


def _family(call: Call, master: Account) -> _Family:
    names = call.context.switches["account-transfer-names"]
    rows = call.connection.execute(
        "SELECT id, username, iiban FROM account WHERE iiban IS NOT NULL AND (id = ? OR parent_id = ?)",
        (master.id, master.id),
    ).fetchall()
    return _Family(
        {username: number for number, username, _ in rows if names != "iiban"},
        {iiban.replace(" ", ""): number for number, _, iiban in rows if names != "username"},
    )
