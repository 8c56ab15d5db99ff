"""A run that dies at one deed that lasts, in this process: before it or right after."""

from __future__ import annotations

import pytest


class Dead(BaseException):
    """Nothing of ours catches it."""


def dying(patch: pytest.MonkeyPatch, owner: type, name: str, times: int, *, after: bool) -> None:
    """At the deed `name` of `owner`, once it was done as often as `times`; the store's trials are no deeds."""
    real, done = getattr(owner, name), []

    def deed(self: object, *args: object, **more: object) -> object:
        if name == "put" and "canary" in str(args[0]):
            return real(self, *args, **more)
        done.append(name)
        if len(done) <= times:
            return real(self, *args, **more)
        if after:
            real(self, *args, **more)
        raise Dead

    patch.setattr(owner, name, deed)
