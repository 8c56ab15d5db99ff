"""From the ApiKey resources to the keys desired: references followed, defaults inherited, grants added up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from krakenctl.model.address import Address, key_address
from krakenctl.model.desired import DesiredKey, Rotation, SecretRef
from krakenctl.model.finding import Finding
from krakenctl.model.workspace import Workspace
from krakenctl.validate.grants import Granted, Grants
from krakenctl.validate.hierarchy import Node
from krakenctl.validate.report import Report, error
from krakenctl.validate.resources import Resource, Resources
from krakenctl.validate.settings import Level, Reader, Settings, check
from krakenctl.validate.words import guess, quoted, shown

NAME_LIMIT = 32  # characters of a key's name on Kraken
GENERATION_DIGITS = 4


class KeyMaker:
    """Makes desired keys. Equal rotations are one value in memory."""

    def __init__(
        self, nodes: Mapping[str, Node], workspace: Workspace, reader: Reader, grants: Grants, report: Report
    ) -> None:
        self._nodes = nodes
        self._workspace = workspace
        self._reader = reader
        self._grants = grants
        self._report = report
        self._rotations: dict[Rotation, Rotation] = {}
        self._longest = NAME_LIMIT - len(f".{workspace.tag}.g") - GENERATION_DIGITS

    def make(self, key: Resource, resources: Resources) -> DesiredKey | None:
        """The key, as far as it can be made out; None when its account is not known."""
        node = self._nodes.get(key.spec["account"])
        if node is None:
            self._report.extend(_stray(key, resources))
            return None
        if "formerly" in key.metadata:
            self._report.extend(_moved(key))
        if len(key.name) > self._longest:
            self._report.append(self._too_long(key))
        settings = self._settings(key, node)
        grants = self._grants.of(key, node)
        return self._put_together(key, settings, grants)

    def _settings(self, key: Resource, node: Node) -> Settings:
        level = Level(key.place, ("spec",), key.address)
        settings = self._reader.read(key.spec, level).over(node.defaults)
        check(key.spec, settings, level, self._report)
        if settings.ip_allowlist is None:
            message = "this key has no allow-list, neither its own nor an inherited one"
            hint = "write `ipAllowlist`, or the word `any` if it may be used from the whole world"
            place = level.at("ipAllowlist")
            self._report.append(error("no-allowlist", place, message, hint=hint, address=key.address))
        return settings

    def _put_together(self, key: Resource, settings: Settings, grants: Granted) -> DesiredKey:
        return DesiredKey(
            address=key.address,
            grants=grants,
            ip_allowlist=settings.ip_allowlist or (),
            valid_for=settings.valid_for,
            valid_until=settings.valid_until,
            query_from=settings.query_from,
            query_to=settings.query_to,
            nonce_window=settings.nonce_window,
            rotation=self._rotation(settings),
            consumer_nonce=settings.consumer_nonce or "unknown",
            secret=self._secret(key),
            protect=key.spec.get("protect", False),
            place=key.place,
            formerly=_former_addresses(key) if "formerly" in key.metadata else (),
            labels=key.metadata.get("labels") or _NO_LABELS,
        )

    def _rotation(self, settings: Settings) -> Rotation:
        rotation = Rotation(
            max_age=settings.max_age,
            overlap=settings.overlap or 0,
            trigger=settings.trigger or "",
            jitter=settings.jitter,
        )
        return self._rotations.setdefault(rotation, rotation)

    def _secret(self, key: Resource) -> SecretRef:
        written = key.spec.get("secret", {})
        store, stores = written.get("store", self._workspace.default_store), self._workspace.stores
        if store not in stores:
            self._report.append(_unknown_store(key, store, list(stores)))
        path = written.get("path") or f"{key.spec['account']}/{key.name}"
        if "." in path and (message := _bad_part(path)):
            place = key.place.at("spec", "secret", "path")
            self._report.append(error("secret-path", place, message, address=key.address))
        return SecretRef(store, path)

    def _too_long(self, key: Resource) -> Finding:
        message = f"this name has {len(key.name)} characters and may have {self._longest}"
        hint = "on Kraken it is followed by the workspace's tag and a generation, and all of it has 32"
        return error("name-too-long", key.place.at("metadata", "name"), message, hint=hint, address=key.address)


_NO_LABELS: Mapping[str, str] = {}


def _bad_part(path: str) -> str:
    """Why a path cannot stand in a store; empty: it can. A store keeps files of its own beside what it is given."""
    for part in path.split("/"):
        if part.startswith("."):
            return "a part of a path within a store cannot begin with “.”"
        if part.lower().endswith(".age"):
            return "a part of a path within a store cannot end in “.age”, as the files of a store do"
    return ""


def _moved(key: Resource) -> Iterator[Finding]:
    """Former addresses on another account: Kraken moves no key, so there is nothing that could live on."""
    for position, text in enumerate(key.metadata["formerly"]):
        if "/" in text and Address.parse(text).path[0] != key.spec["account"]:
            message = f"“{text}” is on another account, and a key cannot change its account"
            hint = "leave it out: that key is revoked there, and this one is made anew here"
            place = key.place.at("metadata", "formerly", position)
            yield error("former-account", place, message, hint=hint, address=key.address)


def _former_addresses(key: Resource) -> tuple[Address, ...]:
    """Each once. A bare name is one in the same account."""
    account = key.spec["account"]
    former = (Address.parse(text) if "/" in text else key_address(account, text) for text in key.metadata["formerly"])
    return tuple(dict.fromkeys(former))


def _stray(key: Resource, resources: Resources) -> Iterator[Finding]:
    """A key whose account is not known. Silent where the account's own document is what is broken."""
    wanted = key.spec["account"]
    if wanted in resources.accounts or resources.is_broken_account(wanted):
        return
    names = sorted(resources.accounts)
    hint = guess(wanted, names) or (f"the accounts are {quoted(names[:20])}" if names else "declare it")
    message = f"no Account or SubAccount is called “{wanted}”"
    yield error("unknown-account", key.place.at("spec", "account"), message, hint=hint, address=key.address)


def _unknown_store(key: Resource, store: str, stores: list[str]) -> Finding:
    message = f"krakenctl.yaml has no store {shown(store)}"
    hint = guess(store, stores) or f"its stores are {quoted(stores)}"
    return error("unknown-store", key.place.at("spec", "secret", "store"), message, hint=hint, address=key.address)
