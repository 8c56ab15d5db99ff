"""Connected apps: the OAuth clients that have this account's consent, and how it is withdrawn.

That people can withdraw a consent on Kraken's website is documented; the page's look and address are of our making.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from krakenctl.sandbox.connect import consents
from krakenctl.sandbox.envelope import BAD_REQUEST, Answer, Refusal, redirect
from krakenctl.sandbox.website import html
from krakenctl.sandbox.website.visit import Visit, signed_in

if TYPE_CHECKING:
    from krakenctl.sandbox.connect.clients import Client


@signed_in
def app_list(visit: Visit) -> Answer:
    return visit.render("apps.html", clients=_clients(visit), is_done=visit.request.query == "done=withdrawn")


@signed_in
def withdraw(visit: Visit) -> Answer:
    client = visit.fields.get("client", "")
    if client not in {known.id for known in _clients(visit)}:
        raise Refusal(BAD_REQUEST, status=404)
    consents.withdraw(visit.context, visit.session.account_id, client)
    return redirect(f"{html.APPS}?done=withdrawn")


def _clients(visit: Visit) -> list[Client]:
    return consents.clients(visit.context, visit.session.account_id)
