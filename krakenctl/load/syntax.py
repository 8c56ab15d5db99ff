"""Says in our words what libyaml found wrong with a file. It never repeats what the file says."""

from __future__ import annotations

from krakenctl.load.build import Mark
from krakenctl.load.problem import in_line
from krakenctl.model.finding import Finding
from krakenctl.model.origin import Origin

_TAB = "tab used for indentation; YAML wants spaces"

# What libyaml's problem contains → what we say, and what may help.
_SENTENCES = (
    ("mapping values are not allowed", "a “:” cannot stand here", "check the indentation, or put the text in quotes"),
    ("',' or ']'", "this list is opened with “[” and not closed", "close it with “]”; a comma stands between entries"),
    (
        "',' or '}'",
        "this mapping is opened with “{” and not closed",
        "close it with “}”; a comma stands between fields",
    ),
    ("unexpected end of stream", "this quote is opened and never closed", "close it with the same quote"),
    ("unexpected document indicator", "this quote is opened and not closed before “---”", "close it"),
    ("'-' indicator", "this line is at the level of a list but does not begin with “- ”", "check the indentation"),
    ("expected key", "this line fits neither the mapping above it nor what surrounds it", "check the indentation"),
    ("could not find expected ':'", "a “:” is missing after this field's name", "write `name: value`"),
    ("block sequence entries", "a list cannot begin here", "put “- ” on a line of its own, indented"),
    ("unknown escape", "this backslash begins no known escape", "double it, or use single quotes"),
    ("invalid Unicode", "this escape names no character", "use single quotes, or write the character itself"),
    ("hexdecimal number", "this escape needs hexadecimal digits", "use single quotes, or write the character itself"),
    ("undefined tag handle", "this tag is not known", "leave tags (“!…”) out"),
    ("cannot start any token", "a plain text cannot begin with this character", "put the text in quotes"),
    ("<document start>", "a document ended above, and here something follows it", "begin a document with “---”"),
    ("alphabetic or numeric", "the name of this anchor or alias is missing", "in quotes, * and & are ordinary text"),
    ("incompatible YAML", "this asks for another version of YAML", "leave the “%YAML” line out"),
    ("expected node content", "a value is missing here", ""),
)


def explain(problem: Exception, text: str, file: str, document: int) -> Finding:
    """One finding for what the parser raised, at the spot that a person would look at."""
    mark = getattr(problem, "problem_mark", None)
    if mark is None:
        return in_line("yaml-syntax", Origin(file), "this is not YAML", document=document)
    if _is_about_tab(text, mark):
        return in_line("yaml-tab", Origin(file, mark.line + 1, mark.column + 1), _TAB, document=document)
    said = str(getattr(problem, "problem", ""))
    message, hint = _sentence(said)
    at = (_is_unclosed(said) and getattr(problem, "context_mark", None)) or mark
    rule = "yaml-tag" if "tag handle" in said else "yaml-syntax"
    return in_line(rule, Origin(file, at.line + 1, at.column + 1), message, hint=hint, document=document)


def _sentence(said: str) -> tuple[str, str]:
    for clue, message, hint in _SENTENCES:
        if clue in said:
            return message, hint
    return "this is not YAML", "check the indentation and the quotes"


def _is_unclosed(said: str) -> bool:
    return any(clue in said for clue in ("',' or", "unexpected end of stream", "unexpected document indicator"))


def _is_about_tab(text: str, mark: Mark) -> bool:
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    indentation = line[: len(line) - len(line.lstrip())]
    return "\t" in indentation or line[mark.column : mark.column + 1] == "\t"
