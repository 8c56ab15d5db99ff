"""krakenctl explain: what a word, an error string, a rule or a call means; and why a key may do something."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption, options_of
from krakenctl.cli.shell import Shell, TextOrJson
from krakenctl.errors import UsageError

if TYPE_CHECKING:
    from krakenctl.knowledge import Facts
    from krakenctl.model.permission import Permission

_option = options_of("EXPLAIN")
app = application()
_ADDRESSES = ("ApiKey/", "Account/", "SubAccount/")


@app.command(
    epilog=example(
        """\
        krakenctl explain 'EAPI:Invalid nonce'
        krakenctl explain AddOrder
        krakenctl explain withdraw-funds
        krakenctl explain - < bot.log
        krakenctl explain ApiKey/mm-desk/mm-btc withdraw-funds
        krakenctl explain --list permission
        """
    )
)
def explain(
    ctx: typer.Context,
    thing: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[THING | - | ADDRESS PERMISSION]",
            help="An error string as it stands in a log, a call, a permission, a rule, an exit code, an error code;"
            " or -: a log on standard input; or the address of a key or an account, and a permission.",
        ),
    ] = None,
    listing: Annotated[bool, _option("--list", "List what can be asked for; THING may name one kind of it.")] = False,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Say what an error, a call, a permission or a rule means; or why a key may do something.

    Nothing is contacted, and no workspace is needed, except for ADDRESS PERMISSION: that is what manifests and state
    say. What is really live is what `krakenctl verify` finds out.
    """
    shell = Shell.of(ctx, directory, output, no_color=no_color)
    words = thing or []
    if listing:
        _list(shell, " ".join(words))
    elif words == ["-"]:
        _log(shell)
    elif words and words[0].startswith(_ADDRESSES):
        _why(shell, words[0], words[1:])
    elif words:
        _thing(shell, " ".join(words))
    else:
        raise UsageError("nothing was asked for", hint="krakenctl explain 'EAPI:Invalid nonce', or --list")


def known() -> Facts:
    """All that can be explained: the facts, and the rules about live keys, which have a table of their own."""
    from krakenctl.audit.catalogue import RULES
    from krakenctl.knowledge import facts
    from krakenctl.knowledge.facts import Word

    return facts().with_rules(
        Word(
            kind="rule",
            code=code,
            means=rule.title[:1].lower() + rule.title[1:],
            why=rule.why,
            do=(rule.do,),
            stage="audit",
        )
        for code, rule in RULES.items()
    )


def _thing(shell: Shell, text: str) -> None:
    from krakenctl.knowledge import look_up
    from krakenctl.render import knowledge as drawing

    facts = known()
    found = look_up(text, facts)
    if not found:
        raise unknown(text, facts)
    if shell.json:
        shell.print_json(drawing.as_json(text, found, facts))
    else:
        shell.print(drawing.as_text(found, facts, shell.paint()))


def unknown(text: str, facts: Facts) -> UsageError:
    from krakenctl.knowledge import near, strings

    close = near(text, facts)
    hint = f"did you mean {', '.join(close[:-1])}{' or ' * (len(close) > 1)}{close[-1]}?" if close else ""
    shown = strings.without_secrets(text)
    glance = shown if len(shown) <= 60 else f"{shown[:59]}…"
    return UsageError(f"nothing is known of “{glance}”", hint=hint or "`krakenctl explain --list` shows what there is")


def _log(shell: Shell) -> None:
    from krakenctl.knowledge import strings
    from krakenctl.render import knowledge as drawing

    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("there is no log on standard input", hint="krakenctl explain - < bot.log")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # a log may hold anything
    facts = known()
    seen, lines = strings.in_log(sys.stdin, facts)
    if shell.json:
        shell.print_json(drawing.log_json(seen, lines, facts))
    else:
        shell.print(drawing.log_text(seen, lines, facts, shell.paint()))


def _list(shell: Shell, kind: str) -> None:
    from krakenctl.render import knowledge as drawing

    rows = [row for row in _rows(known()) if kind in ("", row[0])]
    if not rows:
        kinds = ", ".join(dict.fromkeys(row[0] for row in _rows(known())))
        raise UsageError(f"there is no kind “{kind}”", hint=f"the kinds are {kinds}")
    if shell.json:
        shell.print_json(drawing.list_json(rows))
    else:
        shell.print(drawing.list_text(rows, shell.paint()))


def _rows(facts: Facts) -> list[tuple[str, str, str]]:
    return [
        *(("error", error.code, error.means) for error in facts.errors.values()),
        *(("permission", each.code.value, f"may {each.words}") for each in facts.permissions.values()),
        *(("endpoint", each.call, each.does) for each in facts.endpoints.values()),
        *((kind, word.code, word.means) for kind, words in facts.words.items() for word in words.values()),
    ]


def _why(shell: Shell, address: str, asked: Sequence[str]) -> None:
    from krakenctl.cli.addresses import of_kind, parse
    from krakenctl.render import access as drawing
    from krakenctl.tasks.reasons import reasons

    root = shell.root()
    parsed = parse(address, lambda: of_kind(address.partition("/")[0], root))
    if not asked:
        raise UsageError(f"what about {address}?", hint=f"krakenctl explain {address} withdraw-funds")
    found = reasons(root, parsed, permissions(" ".join(asked)))
    if shell.json:
        shell.print_json(drawing.why_json(found))
    else:
        shell.print(drawing.why_text(found, shell.paint()))


def permissions(text: str) -> tuple[Permission, ...]:
    """Those that a person names, in any spelling, or that a call needs. Raises UsageError."""
    from krakenctl.knowledge import look_up
    from krakenctl.knowledge.facts import Endpoint, PermissionFacts
    from krakenctl.model.permission import in_order

    facts = known()
    found = look_up(text, facts)
    named = [entry.code for entry in found if isinstance(entry, PermissionFacts)]
    needed = [entry.needs.named for entry in found if isinstance(entry, Endpoint)]
    if not named and not needed:
        raise unknown(text, facts)
    return in_order(set(named) or frozenset().union(*needed))
