"""A key's settings and the defaults it inherits: read, merged level by level, and checked where they are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from krakenctl.model.finding import Finding
from krakenctl.model.origin import Place
from krakenctl.model.time import parse_duration, parse_time, show_duration
from krakenctl.validate.networks import Allowlist, canonical
from krakenctl.validate.report import Report, error, warning

LEAST_LIFE = 3600  # seconds: each run takes its time, and a key must not be due again when it ends
DAILY_LIFE = 4 * 86400  # of a shorter life the lead is shorter than the two days that outlast a missed daily run


class Settings(NamedTuple):
    """What one level says. None: it says nothing."""

    ip_allowlist: tuple[str, ...] | None = None
    valid_for: int | None = None
    valid_until: int | None = None
    query_from: int | None = None
    query_to: int | None = None
    nonce_window: int | None = None
    max_age: int | None = None
    overlap: int | None = None
    trigger: str | None = None
    jitter: int | None = None
    consumer_nonce: str | None = None

    def over(self, inherited: Settings) -> Settings:
        """Own settings where there are some; an own end or window replaces the inherited one whole."""
        if self.valid_for is not None or self.valid_until is not None:
            inherited = inherited._replace(valid_for=None, valid_until=None)
        if self.query_from is not None or self.query_to is not None:
            inherited = inherited._replace(query_from=None, query_to=None)
        merged: list[Any] = [theirs if own is None else own for own, theirs in zip(self, inherited, strict=True)]
        return Settings(*merged)


class Level(NamedTuple):
    """Where settings are written: a key's `spec`, or an account's `spec.keyDefaults`."""

    place: Place  # of the document
    path: tuple[str, ...]
    address: object

    def at(self, *path: str | int) -> Place:
        return self.place.at(*self.path, *path)


class Reader:
    """Reads settings. It remembers what it has parsed: ten thousand keys have a handful of different durations."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._durations: dict[str, int] = {}
        self._allowlists: dict[object, Allowlist] = {}
        self._tuples: dict[tuple[str, ...], tuple[str, ...]] = {}

    def read(self, spec: Mapping[str, Any], level: Level) -> Settings:
        """What this level says. `spec` has the right shape."""
        rotation = spec.get("rotation", {})
        window = spec.get("queryWindow", {})
        return Settings(
            self._allowlist(spec["ipAllowlist"], level) if "ipAllowlist" in spec else None,
            self._duration(spec.get("validFor")),
            self._time(spec.get("validUntil"), level, "validUntil"),
            self._time(window.get("from"), level, "queryWindow", "from"),
            self._time(window.get("to"), level, "queryWindow", "to"),
            spec.get("nonceWindow"),
            self._duration(rotation.get("maxAge")),
            self._duration(rotation.get("overlap")),
            rotation.get("trigger"),
            self._duration(rotation.get("jitter")),
            spec["consumer"].get("nonce") if "consumer" in spec else None,
        )

    def _duration(self, text: str | None) -> int | None:
        if text is None:
            return None
        seconds = self._durations.get(text)
        if seconds is None:
            seconds = self._durations[text] = parse_duration(text)
        return seconds

    def _time(self, text: str | None, level: Level, *path: str) -> int | None:
        if text is None:
            return None
        try:
            seconds = parse_time(text)
        except (ValueError, OverflowError):
            self._bad_time(f"“{text}” is no day or no hour that exists", level.at(*path), level)
            return None
        if seconds <= 0:
            self._bad_time(f"“{text}” lies before 1970", level.at(*path), level)
            return None
        return seconds

    def _bad_time(self, message: str, place: Place, level: Level) -> None:
        self._report.append(error("bad-time", place, message, address=level.address))

    def _allowlist(self, written: str | list[str], level: Level) -> tuple[str, ...]:
        known = written if isinstance(written, str) else tuple(written)
        found = self._allowlists.get(known)
        if found is None:
            found = self._allowlists[known] = self._shared(canonical(known))
        for rule, position, message, hint, is_error in found.remarks:
            say = error if is_error else warning
            place = level.at("ipAllowlist", position)
            self._report.append(say(rule, place, message, hint=hint, address=level.address))
        return found.entries

    def _shared(self, found: Allowlist) -> Allowlist:
        """Two lists that mean the same are one value in memory."""
        return Allowlist(self._tuples.setdefault(found.entries, found.entries), found.remarks)


def check(written: Mapping[str, Any], settings: Settings, level: Level, report: Report) -> None:
    """Find settings that cannot go together. Only the level that writes one of them is told; those below are not."""
    if "validFor" in written and "validUntil" in written:
        report.append(error("two-ends", level.at("validUntil"), "“validFor” and “validUntil” exclude each other",
                            hint="keep one of them", address=level.address,
                            related=(("the other one", level.at("validFor")),)))  # fmt: skip
    if "queryWindow" in written:
        _check_window(settings, level, report)
    if "rotation" in written or "validFor" in written:
        _check_age(written, settings, level, report)
        _check_overlap(written, settings, level, report)
        _check_jitter(written, settings, level, report)
        _check_life(written, settings, level, report)


def _check_window(settings: Settings, level: Level, report: Report) -> None:
    begin, end = settings.query_from, settings.query_to
    if begin is not None and end is not None and begin >= end:
        message = "this window ends before it begins" if begin > end else "this window is empty"
        report.append(error("bad-window", level.at("queryWindow"), message, address=level.address))


def _check_age(written: Mapping[str, Any], settings: Settings, level: Level, report: Report) -> None:
    lives = {
        ("rotation", "maxAge"): settings.max_age if "maxAge" in written.get("rotation", {}) else None,
        ("validFor",): settings.valid_for if "validFor" in written else None,
    }
    for path, life in lives.items():
        if life is not None and life < DAILY_LIFE:
            report.append(_short_life(path[-1], life, level.at(*path), level))


def _short_life(name: str, life: int, place: Place, level: Level) -> Finding:
    told = f"a {name} of {show_duration(life)}"
    if life < LEAST_LIFE:
        message = f"{told} is shorter than {show_duration(LEAST_LIFE)}: every run would rotate the key"
        return error("age-too-short", place, message, address=level.address)
    message = f"{told} is too short for a daily `krakenctl tick`: the key is due after half of it"
    return warning("age-needs-more-ticks", place, message, hint="run `krakenctl tick` more often than that",
                   address=level.address)  # fmt: skip


def _check_overlap(written: Mapping[str, Any], settings: Settings, level: Level, report: Report) -> None:
    """A key that works on for as long as keys are in use would always be one of two."""
    overlap = settings.overlap or 0
    name, use = ("validFor", settings.valid_for) if settings.max_age is None else ("maxAge", settings.max_age)
    if use is None or overlap < use:
        return
    message = f"an overlap of {show_duration(overlap)} is not shorter than {name}, {show_duration(use)}"
    overlaps = "overlap" in written.get("rotation", {})
    path = ("rotation", "overlap") if overlaps else ("rotation",) if "rotation" in written else ("validFor",)
    report.append(error("overlap-too-long", level.at(*path), message, address=level.address))


def _check_jitter(written: Mapping[str, Any], settings: Settings, level: Level, report: Report) -> None:
    """No key is rotated in the first half of its life, so more than that could not be spread."""
    jitter = settings.jitter or 0
    name, use = ("validFor", settings.valid_for) if settings.max_age is None else ("maxAge", settings.max_age)
    if use is None or jitter <= use // 2:
        return
    message = f"a jitter of {show_duration(jitter)} is longer than half of {name}, {show_duration(use)}"
    jitters = "jitter" in written.get("rotation", {})
    path = ("rotation", "jitter") if jitters else ("rotation",) if "rotation" in written else ("validFor",)
    report.append(error("jitter-too-long", level.at(*path), message, address=level.address))


def _check_life(written: Mapping[str, Any], settings: Settings, level: Level, report: Report) -> None:
    max_age, overlap = settings.max_age, settings.overlap or 0
    if max_age is not None and settings.valid_for is not None and settings.valid_for < max_age + overlap:
        message = (
            f"a key that works for {show_duration(settings.valid_for)} ends before it can be replaced: maxAge and "
            f"overlap together are {show_duration(max_age + overlap)}"
        )
        place = level.at("validFor" if "validFor" in written else "rotation")
        report.append(error("valid-for-too-short", place, message, hint="make validFor longer or maxAge shorter",
                            address=level.address))  # fmt: skip
