"""How a command's module makes its typer application, the same for all."""

from __future__ import annotations

import inspect

import typer
from typer.core import TyperGroup


def application(
    *, help_text: str | None = None, epilog: str | None = None, group: type[TyperGroup] = TyperGroup
) -> typer.Typer:
    """An application of one command, or with `help_text` of several below it; `group` finds those."""
    return typer.Typer(
        cls=group,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
        no_args_is_help=help_text is not None,
        help=help_text,
        epilog=epilog,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def example(text: str) -> str:
    """The example at a command's end, with its lines kept as they are."""
    lines = inspect.cleandoc(text).splitlines()
    return "Example:\n\n\b\n" + "\n".join(f"  {line}" for line in lines)
