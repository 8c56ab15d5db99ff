"""Builds values from libyaml's events, on a stack of its own and in one pass.

PyYAML's own composer is not used: it recurses (100 000 levels end the process), keeps a node and two marks for every
scalar, and guesses types. Nothing here decides what a value is good for. A mistake that leaves the rest readable is
noted and reading goes on; `Stopped` ends the file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Any

from yaml import events as ev

from krakenctl.load.problem import in_line
from krakenctl.load.scalars import plain
from krakenctl.model.finding import Finding
from krakenctl.model.origin import KEY, Origin, Path, Place

try:
    from yaml.cyaml import CSafeLoader as EventSource
except ImportError:  # a PyYAML built without libyaml: the same events, many times slower
    from yaml import SafeLoader as EventSource  # type: ignore[assignment]

DEPTH = 64
MISTAKES = 100
EXPANSION = 20_000  # nodes that aliases may add to what is written in one file
_STR = "tag:yaml.org,2002:str"
_MERGE = "<<"

# What an open mapping or list takes next.
_ITEM, _NAME, _VALUE, _MERGED, _DROPPED = range(5)

Event = Any  # libyaml's, as PyYAML wraps them
Mark = Any  # theirs too: `line` and `column`, both from 0
Value = Any  # what a Document may hold

Marks = dict[str | int, tuple[Mark, Mark]]  # of one mapping or list: entry → mark of its key, mark of its value


class Stopped(Exception):
    """What was read so far is good; nothing after it can be read."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


@dataclass(slots=True)
class _Open:
    """A mapping or a list that is not finished."""

    value: Value
    event: Event
    expects: int
    before: int = 0  # nodes counted before it
    is_key: bool = False
    key: str = ""
    key_mark: Mark = None
    height: int = 0
    merged: list[dict[str, Value]] | None = None


@dataclass(frozen=True, slots=True)
class _Anchored:
    value: Value
    nodes: int
    height: int


_UNFINISHED = _Anchored(None, 0, 0)


class Builder:
    """Reads one file's text. `findings` fill up while `documents` is consumed.

    `marked` names the documents whose marks are wanted: then `marks` holds, by the id of each mapping and list of the
    document handed out last, the marks of its entries. They cost memory, and only `locate` asks for them.
    """

    def __init__(self, text: str, file: str, marked: Container[int] = ()) -> None:
        self.findings: list[Finding] = []
        self.marks: dict[int, Marks] = {}
        self.index = -1
        self._parser = EventSource(text)
        self._file = file
        self._marked = marked
        self._marking = False
        self._stack: list[_Open] = []  # at the bottom a list that holds the document itself
        self._anchors: dict[str, _Anchored] = {}
        self._nodes = 0
        self._expanded = 0
        self._handlers: dict[type, Callable[[Event], None]] = {
            ev.ScalarEvent: self._scalar,
            ev.MappingStartEvent: self._open_mapping,
            ev.MappingEndEvent: self._close,
            ev.SequenceStartEvent: self._open_list,
            ev.SequenceEndEvent: self._close,
            ev.AliasEvent: self._alias,
            ev.DocumentStartEvent: self._begin,
        }

    def documents(self) -> Iterator[tuple[int, Value, Mark]]:
        """Yield each document's number, value and mark. Raises Stopped, and yaml.YAMLError for broken syntax."""
        handlers, next_event = self._handlers, self._parser.get_event
        while (event := next_event()) is not None:
            handler = handlers.get(type(event))
            if handler is not None:
                handler(event)
            elif type(event) is ev.DocumentEndEvent:
                yield self.index, self._stack[0].value[0], self._stack[0].key_mark

    def _begin(self, _event: Event) -> None:
        self.index += 1
        self._anchors.clear()
        self._stack = [_Open([], None, _ITEM)]
        self.marks = {}
        self._marking = self.index in self._marked

    def _scalar(self, event: Event) -> None:
        """The one that is called a million times for twenty thousand resources."""
        self._nodes += 1
        text: str = event.value
        if len(text) < 64:
            text = sys.intern(text)
        top = self._stack[-1]
        is_plain = event.implicit[0]
        if top.expects == _NAME:
            self._name(top, text, event.start_mark, is_plain)
        else:
            self._add(plain(text) if is_plain else text, event.start_mark)
        if not is_plain or event.anchor is not None:
            self._special(event, text)

    def _special(self, event: Event, text: str) -> None:
        """The rare things that a scalar may have."""
        if event.tag not in (None, "!", _STR):
            self._note("yaml-tag", event, "a tag other than “!!str” has no meaning here", "leave it out")
        if event.style == '"' and any(letter < " " and letter not in "\t\n\r" for letter in text):
            self._note("control-character", event, "this text holds a control character", "leave it out")
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(plain(text) if event.implicit[0] else text, 1, 0)

    def _name(self, top: _Open, text: str, mark: Mark, is_plain: bool) -> None:
        """A mapping's key: always text, whatever it looks like."""
        top.key, top.key_mark, top.expects = text, mark, _VALUE
        if text in top.value:
            self._duplicate(top)
        elif text == _MERGE and is_plain:
            top.expects = _MERGED
            if top.merged is not None:
                self._duplicate(top)

    def _duplicate(self, top: _Open) -> None:
        top.expects = _DROPPED
        first = Place(self._file, self.index, self._path(KEY))
        self._tell(
            Finding(
                rule="duplicate-key",
                message=f"{_glance(top.key)} is written twice in one mapping",
                hint="keep one of them",
                place=first,
                origin=self._origin(top.key_mark),
                related=(("it is first written here", first),),
            )
        )

    def _add(self, value: Value, mark: Mark) -> None:
        """Put a finished value where it belongs."""
        top = self._stack[-1]
        if top.expects == _ITEM:
            if self._marking:
                self._mark(top.value, len(top.value), mark, mark)
            top.value.append(value)
            top.key_mark = mark
            return
        if top.expects == _VALUE:
            if self._marking:
                self._mark(top.value, top.key, top.key_mark, mark)
            top.value[top.key] = value
        elif top.expects == _MERGED:
            self._merge(top, value, mark)
        top.expects = _NAME

    def _mark(self, container: Value, entry: str | int, key: Mark, value: Mark) -> None:
        self.marks.setdefault(id(container), {})[entry] = (key, value)

    def _merge(self, top: _Open, value: Value, mark: Mark) -> None:
        """`<<: *base`, or a list of such: fields that the mapping has unless it says otherwise."""
        parts = value if type(value) is list else [value]
        if not all(type(part) is dict for part in parts):
            message, hint = "“<<” takes a mapping or a list of mappings", "in quotes it is an ordinary name"
            self._tell(in_line("yaml-merge", self._origin(mark), message, hint=hint, document=self.index))
            return
        top.merged = parts

    def _open_mapping(self, event: Event) -> None:
        self._open({}, _NAME, event, ("!", "tag:yaml.org,2002:map"))

    def _open_list(self, event: Event) -> None:
        self._open([], _ITEM, event, ("!", "tag:yaml.org,2002:seq"))

    def _open(self, value: Value, expects: int, event: Event, tags: Container[str]) -> None:
        stack = self._stack
        if len(stack) > DEPTH:
            raise Stopped(self._too_deep(event))
        if event.tag is not None and event.tag not in tags:
            self._note("yaml-tag", event, "a tag other than “!!str” has no meaning here", "leave it out")
        is_key = stack[-1].expects == _NAME
        if is_key:
            self._note("complex-key", event, "the name of a field is a text, not a mapping or a list", "")
        if event.anchor is not None:
            self._anchors[event.anchor] = _UNFINISHED
        stack.append(_Open(value, event, expects, self._nodes, is_key))
        self._nodes += 1

    def _close(self, _event: Event) -> None:
        done = self._stack.pop()
        if done.merged:
            self._settle(done)
        if done.event.anchor is not None:
            self._anchors[done.event.anchor] = _Anchored(done.value, self._nodes - done.before, done.height + 1)
        top = self._stack[-1]
        if top.height <= done.height:
            top.height = done.height + 1
        if done.is_key:
            top.expects = _DROPPED
        else:
            self._add(done.value, done.event.start_mark)

    def _settle(self, done: _Open) -> None:
        """What is written wins over what is merged; of what is merged, the earlier wins."""
        own, own_marks = dict(done.value), self.marks.get(id(done.value), {})
        merged: dict[str, Value] = {}
        marks: Marks = {}
        for part in reversed(done.merged or ()):
            merged.update(part)
            marks.update(self.marks.get(id(part), {}))
        done.value.clear()
        done.value.update(merged)
        done.value.update(own)
        if self._marking:
            self.marks[id(done.value)] = marks | own_marks

    def _alias(self, event: Event) -> None:
        found = self._anchors.get(event.anchor)
        if found is None or found is _UNFINISHED:
            self._bad_alias(event, is_known=found is not None)
            found = _UNFINISHED
        self._expand(event, found)
        top = self._stack[-1]
        if top.expects != _NAME:
            self._add(found.value, event.start_mark)
        elif isinstance(found.value, str):
            self._name(top, found.value, event.start_mark, is_plain=False)
        else:
            self._note("complex-key", event, "the name of a field is a text", "")
            top.expects = _DROPPED

    def _bad_alias(self, event: Event, *, is_known: bool) -> None:
        """The alias is not repeated: `token: *Zx81…` may be a secret that lacks its quotes."""
        rule = "recursive-alias" if is_known else "unknown-alias"
        message = "this alias stands within what it names" if is_known else "this alias names no anchor above it"
        self._note(rule, event, message, "a text that begins with * is written in quotes")

    def _expand(self, event: Event, found: _Anchored) -> None:
        """Count what an alias stands for: a file of a few lines may stand for billions of nodes."""
        self._nodes += found.nodes
        self._expanded += found.nodes
        if self._expanded > EXPANSION:
            message = f"the aliases of this file stand for more than {EXPANSION} values"
            raise Stopped(in_line("alias-bomb", self._origin(event.start_mark), message, document=self.index))
        if len(self._stack) - 1 + found.height > DEPTH:
            raise Stopped(self._too_deep(event))
        self._stack[-1].height = max(self._stack[-1].height, found.height)

    def _too_deep(self, event: Event) -> Finding:
        message = f"mappings and lists are nested more than {DEPTH} levels deep"
        return in_line("too-deep", self._origin(event.start_mark), message, document=self.index)

    def _note(self, rule: str, event: Event, message: str, hint: str) -> None:
        origin, path = self._origin(event.start_mark), self._path()
        self._tell(in_line(rule, origin, message, hint=hint, document=self.index, path=path))

    def _tell(self, finding: Finding) -> None:
        self.findings.append(finding)
        if len(self.findings) >= MISTAKES:
            message = f"there are {MISTAKES} mistakes up to here; the rest of this file is not read"
            origin = finding.origin or Origin(self._file)
            raise Stopped(in_line("too-many-mistakes", origin, message, document=self.index))

    def _origin(self, mark: Mark) -> Origin:
        return Origin(self._file, mark.line + 1, mark.column + 1)

    def _path(self, *end: int) -> Path:
        steps = (top.key if type(top.value) is dict else len(top.value) for top in self._stack[1:])
        return (*steps, *end)


def _glance(name: str) -> str:
    return f"“{name}”" if len(name) <= 40 else "this name"
