"""A lost state: what is left of it is looked at, and it is drawn again. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from krakenctl.errors import StateError
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.recorded import Recorded
from krakenctl.model.surface import traits
from krakenctl.pipeline import rebuild
from krakenctl.pipeline.recollection import Recollection

if TYPE_CHECKING:
    from collections.abc import Iterable

    from krakenctl.model.rebuilt import Rebuilt
    from krakenctl.observe.lookout import Lookout
    from krakenctl.observe.means import Means


def from_what_is_left(means: Means, lookout: Lookout, lineage: str, *, replace: bool, without_secrets: bool) -> Rebuilt:
    """`replace`: even if there is a state. See `rebuild.draw`."""
    recorded, project = means.home.read(), means.project
    if not replace:
        rebuild.refuse_content(recorded)
    listed = [one.name for one in project.desired.accounts.values() if not traits(one.surface).proved_by_pair]
    live = lookout.see(Recorded(lineage="", accounts=recorded.accounts), listed)
    _refuse_unseen(live.values(), recorded)
    recollection = Recollection(
        project=project,
        exchange=means.exchange,
        share=means.grounds.estate.of,
        store=means.store,
        known=recorded.accounts,
        listed=live,
    )
    return rebuild.draw(
        project,
        recorded,
        live,
        means.store,
        now=means.exchange.now(),
        lineage=lineage,
        recollect=recollection.accounts,
        without_secrets=without_secrets,
    )


def _refuse_unseen(live: Iterable[LiveAccount], recorded: Recorded) -> None:
    """What is known of an account that is locked now would be lost, and its keys made a second time."""
    known = {trace.account for trace in recorded.traces}
    for account in live:
        if account.phase is Phase.REQUESTED and account.name in known:
            message = f"{account.name} cannot be seen, and the state remembers keys of it: {account.reason}"
            raise StateError(f"{message}; nothing was done", hint="run it again once it can")
