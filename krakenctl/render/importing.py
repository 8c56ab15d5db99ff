"""What was imported and what was left out, as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from krakenctl.model.finding_json import finding_json
from krakenctl.model.importing import Import, ImportedKey, LeftOut
from krakenctl.render.paint import Paint, count, visible
from krakenctl.render.report_text import head_line

FORMAT = "krakenctl.import/v1"
_SECOND_FACTOR = "it has a second factor: nothing asks it by itself from now on, and it is taken as recorded"
_GUESSED = "consumer.nonce is a guess: {}. Most programs send ms or finer: write what yours sends into the manifest."


def to_json(done: Import) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "endpoint": done.endpoint,
        "dryRun": done.dry_run,
        "keys": [_key_json(key) for key in done.keys],
        "leftOut": [_left_json(one) for one in done.left_out],
        "files": [
            {"path": file.path, "what": file.what, **({"text": file.text} if file.text else {})} for file in done.files
        ],
        "findings": [finding_json(finding) for finding in done.findings],
        **({"logHead": done.log_head} if done.log_head else {}),
    }


def _key_json(key: ImportedKey) -> dict[str, Any]:
    return {
        "address": str(key.address),
        "label": key.label,
        "name": key.live_name,
        "store": key.secret.store,
        "path": key.secret.path,
        "withoutSecret": key.without_secret,
        "secondFactor": key.second_factor,
        **({"guessedNonce": key.guessed_nonce} if key.guessed_nonce else {}),
        "findings": [finding_json(finding) for finding in key.findings],
    }


def _left_json(one: LeftOut) -> dict[str, Any]:
    return {"label": one.label, "why": one.why, "known": one.is_known, **({"hint": one.hint} if one.hint else {})}


def text(done: Import, paint: Paint) -> str:
    return "\n".join(_lines(done, paint)) + "\n"


def _lines(done: Import, paint: Paint) -> Iterator[str]:
    if done.dry_run:
        yield from _files(done, paint)
    yield paint(_title(done), "bold")
    for key in done.keys:
        told = f"{key.address}: “{key.live_name}” on Kraken, {_place(key)}"
        yield "  " + paint.wrapped(visible(told), indent=4, first=2)
        if key.second_factor:
            yield "    " + paint.wrapped(_SECOND_FACTOR, indent=4, first=4)
        for finding in key.findings:
            head = f"    {finding.severity.value} {finding.rule}  "
            yield paint(head, "yellow") + paint.wrapped(visible(finding.message), indent=6, first=len(head))
    if guessed := [f"{key.guessed_nonce} for {key.address.name}" for key in done.keys if key.guessed_nonce]:
        yield paint.wrapped(visible(_GUESSED.format(", ".join(guessed))), indent=2, first=0)
    for one in done.left_out:
        yield from _left(one, paint)
    for finding in done.findings:
        yield paint.wrapped(visible(f"{finding.severity.value} {finding.rule}: {finding.message}"), indent=2, first=0)
    if not done.dry_run:
        yield from (paint.wrapped(f"Written: {visible(file.path)}  {file.what}", 2, 0) for file in done.files)
    if done.log_head:
        yield head_line(done.log_head, paint)


def _place(key: ImportedKey) -> str:
    if key.without_secret:
        return "adopted without its secret: its first change replaces it"
    return f"its secret in {key.secret.store}:{key.secret.path}"


def _files(done: Import, paint: Paint) -> Iterator[str]:
    for file in done.files:
        if file.text:
            yield paint(f"{file.path} would be:", "bold")
            yield file.text
    if others := [file.path for file in done.files if not file.text]:
        yield paint.wrapped(f"Made beside it: {', '.join(others)}.", 2, 0)


def _title(done: Import) -> str:
    if not done.keys:
        return "Nothing was imported." if done.failed or not done.left_out else "There is nothing new to import."
    keys = count(len(done.keys), "key")
    return f"{keys} would be imported:" if done.dry_run else f"{keys} imported:"


def _left(one: LeftOut, paint: Paint) -> Iterator[str]:
    sort = "Known" if one.is_known else "Left out"
    yield paint.wrapped(visible(f"{sort}: {one.label} – {one.why}."), indent=2, first=0)
    if one.hint:
        yield "  " + paint.wrapped(f"→ {visible(one.hint)}", indent=4, first=2)
