"""What an import would write: keys are chosen and judged. Nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from krakenctl.load.manifests import parse
from krakenctl.model.importing import LeftOut
from krakenctl.stores.base import Store
from krakenctl.tasks.importing.choose import Chooser
from krakenctl.tasks.importing.draft import AccountDraft, KeyDraft
from krakenctl.tasks.importing.errand import Errand
from krakenctl.tasks.importing.ground import ImportGround
from krakenctl.tasks.importing.judge import Judgement, Look, judge
from krakenctl.tasks.importing.manifest import manifest


@dataclass(frozen=True, slots=True)
class ImportScene:
    """One import; `choose` says which keys it is about."""

    root: Path
    errand: Errand
    now: int
    choose: Callable[[Chooser], list[AccountDraft]]
    look: Look
    nonces: Mapping[str, int] = field(default_factory=dict)  # by public key: what they have seen by now


@dataclass(frozen=True, slots=True)
class Drawn:
    """What would be written."""

    accounts: Sequence[AccountDraft]
    verdict: Judgement
    path: str
    text: str  # empty: no manifest is missing
    left: tuple[LeftOut, ...]

    @property
    def keys(self) -> list[KeyDraft]:
        return [key for account in self.accounts for key in account.keys]


def draw(scene: ImportScene, ground: ImportGround, open_store: Callable[[str], Store | None]) -> Drawn:
    """Until what is left would change nothing: a key that cannot be declared as it is takes no other with it."""
    chooser = Chooser(
        ground=ground,
        account=scene.errand.account,
        to=scene.errand.to,
        second_factor=scene.errand.otp is not None,
        is_scale_known=scene.errand.nonce is not None,
        now=scene.now,
        open_store=open_store,
    )
    accounts = scene.choose(chooser)
    path = ground.manifest_path(scene.errand.folder)
    out = chooser.left
    while accounts:
        text = manifest(accounts, path, ground.set_names)
        verdict = judge(ground, parse(text.encode(), path).documents, accounts, scene.now, scene.look)
        if not verdict.wrong:
            return Drawn(accounts, verdict, path, text, tuple(out))
        out += (_unfit(key, verdict) for account in accounts for key in account.keys if key.address in verdict.wrong)
        accounts = _without(accounts, verdict)
    return Drawn((), Judgement(wrong={}), path, "", tuple(out))


def nothing(_: str) -> None:
    """No store is there yet, and nothing is in it."""
    return


def _unfit(key: KeyDraft, verdict: Judgement) -> LeftOut:
    return LeftOut(label=key.label, why=verdict.wrong[key.address])


def _without(accounts: Sequence[AccountDraft], verdict: Judgement) -> list[AccountDraft]:
    kept = [
        replace(account, keys=tuple(key for key in account.keys if key.address not in verdict.wrong))
        for account in accounts
    ]
    return [account for account in kept if account.keys]
