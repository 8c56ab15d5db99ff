"""Which key pairs an import is about, and what they said of themselves. Pure: it neither asks nor reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from krakenctl.errors import UsageError
from krakenctl.model.importing import LeftOut
from krakenctl.model.inspection import Described, Inspection, Undescribed
from krakenctl.model.recorded import Recorded
from krakenctl.pairs.harvest import Harvest, Labelled
from krakenctl.tasks.importing.errand import Errand

Asked = tuple[Labelled, Described]


def meant(errand: Errand, harvest: Harvest) -> tuple[Errand, Harvest]:
    """Those that --to names, if it names any. Raises UsageError where it names what is not there, or is not clear."""
    to, labels = dict(errand.to), [one.label for one in harvest.pairs]
    if "" in to and len(labels) == 1:
        to[labels[0]] = to.pop("")
    wrong = [label for label in to if labels.count(label) != 1]
    if wrong:
        told = f"no key {wrong[0]}" if wrong[0] and wrong[0] not in labels else f"more than one key {wrong[0]}".rstrip()
        raise UsageError(f"there is {told}", hint=f"say --to ADDRESS=LABEL; there are: {', '.join(labels)}")
    pairs = harvest.pairs if not to else tuple(replace(one, named=True) for one in harvest.pairs if one.label in to)
    return replace(errand, to=to), replace(harvest, pairs=pairs)


def known(harvest: Harvest, recorded: Recorded) -> tuple[list[LeftOut], tuple[Labelled, ...]]:
    """Those that are not asked, and why; then those that are to be.

    Whoever is managed already has a consumer; and one that was seen to end would be refused, unless it is named.
    """
    ours = {key.public_key: f"it is managed here already, as {key.address}" for key in recorded.ours if key.public_key}
    ended = {key: f"it is no more: {proof.told}" for key, proof in recorded.gone.items() if proof.host}
    told: list[LeftOut] = []
    fresh: list[Labelled] = []
    for one in harvest.pairs:
        public_key = one.pair.public_key
        if why := ours.get(public_key, "") or ("" if one.named else ended.get(public_key, "")):
            told.append(LeftOut(label=one.label, why=why, is_known=True))
        else:
            fresh.append(one)
    return told, tuple(fresh)


def refuse_one_for_several(errand: Errand, pairs: Sequence[Labelled]) -> None:
    """A number is one key's, and so is a second factor: a key that has none may be refused for it."""
    flag = "--otp" if errand.otp else "--nonce N" if isinstance(errand.nonce, int) else ""
    if flag and len(pairs) > 1:
        labels = ", ".join(one.label for one in pairs)
        raise UsageError(f"{flag} is about one key, and there are {labels}", hint="name one: --to ADDRESS=LABEL")


def sorted_out(pairs: Sequence[Labelled], seen: Inspection) -> tuple[list[Asked], list[LeftOut]]:
    """Those that answered, and why others did not."""
    asked: list[Asked] = []
    refused: list[LeftOut] = []
    for labelled, told in zip(pairs, seen.keys, strict=True):
        if isinstance(told, Described):
            asked.append((labelled, told))
        elif isinstance(told, Undescribed):
            refused.append(LeftOut(label=labelled.label, why=told.problem, hint=told.hint))
    return asked, refused
