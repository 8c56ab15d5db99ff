"""A group that knows its commands by name, and imports one only when it is called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

from krakenctl.cli.command import application


class LazyGroup(TyperGroup):
    """Name → what `--help` says of it. The module is <package>.<name>; a test holds the two together."""

    package: ClassVar[str]
    summaries: ClassVar[Mapping[str, str]]

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.summaries)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.summaries:
            return None
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
