"""A resource's identity, printed and accepted everywhere the same way: `ApiKey/mm-desk/mm-btc`."""

from __future__ import annotations

from typing import NamedTuple


class Address(NamedTuple):
    """Kind and path. A key's path is its account's name and its own; any other resource's is its name."""

    kind: str
    path: tuple[str, ...]

    def __str__(self) -> str:
        return "/".join((self.kind, *self.path))

    @property
    def name(self) -> str:
        return self.path[-1]

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read what `str` wrote. Raises ValueError with a sentence when the text is no address."""
        kind, *path = text.split("/")
        wanted = {"ApiKey": 2, "Account": 1, "SubAccount": 1, "PermissionSet": 1, "Removed": 1}.get(kind)
        if wanted is None or len(path) != wanted or not all(path):
            raise ValueError(f"“{text}” is not an address; write Kind/name, or ApiKey/account/name for a key")
        return cls(kind, tuple(path))


def key_address(account: str, name: str) -> Address:
    return Address("ApiKey", (account, name))
