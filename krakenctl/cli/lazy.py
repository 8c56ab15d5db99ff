"""A group that knows its commands by name, and imports one only when it is called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

from krakenctl.cli.command import application
from krakenctl.cli.shell import Frame
from krakenctl.errors import UsageError


class LazyGroup(TyperGroup):
    """Name → what `--help` says of it. The module is <package>.<name>; a test holds the two together."""

    package: ClassVar[str]
    summaries: ClassVar[Mapping[str, str]]

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.summaries)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Raises UsageError for a name that is none, with the one that is near."""
        if args[0] not in self.summaries and not args[0].startswith("-"):
            from difflib import get_close_matches

            path, near = ctx.command_path, get_close_matches(args[0], self.summaries, 1)
            meant = f"did you mean `{path} {near[0]}`? " if near else ""
            raise UsageError(f"there is no command “{args[0]}”", hint=f"{meant}`{path} --help` lists all")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.summaries:
            return None
        if isinstance(ctx.obj, Frame):
            ctx.obj.command = f"{ctx.command_path} {cmd_name}"
        module = importlib.import_module(f"{self.package}.{cmd_name.replace('-', '_')}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.summaries.items()))


def commands_of(package: str, summaries: Mapping[str, str], *, help_text: str, epilog: str) -> typer.Typer:
    """The application of a command that has others below it, in a package of its own."""
    group = type("Commands", (LazyGroup,), {"package": package, "summaries": summaries})
    app = application(help_text=help_text, epilog=epilog, group=group)

    @app.callback()
    def together() -> None:
        """Holds the commands together."""

    return app
