"""A text that must not be seen. It hides from str, repr, format, pickle and deepcopy; only `reveal` gives it away."""

from __future__ import annotations

import hmac
from typing import Any, NoReturn


class Secret:
    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself. Call it where it leaves for its destination, and nowhere else."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(_bytes(self), _bytes(other))

    __hash__ = None  # type: ignore[assignment] # a secret is no dictionary key

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled or copied")


def hidden(fields: dict[str, Any]) -> dict[str, Any]:
    """Of a JSON object (`object_hook`), each text in it a secret at once, so that no frame above shows one."""
    return {name: Secret(value) if isinstance(value, str) else value for name, value in fields.items()}


def _bytes(secret: Secret) -> bytes:
    """Of any text: the error about one that is no UTF-8 would show it."""
    return secret.reveal().encode("utf-8", "surrogatepass")
