"""What `krakenctl.yaml` says: where manifests, state, stores and credentials are, and which exchange is meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from krakenctl.model.safety import Safety

SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    type: str  # `age`
    path: str  # a folder, relative to the workspace
    recipients: tuple[str, ...] = ()  # age1… or ssh-…, who can read what we write
    recipients_file: str = ""  # more of them, one a line
    identity: str = ""  # a credential reference; empty: this host can write but not read


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSettings:
    type: str = "sqlite"  # sqlite | postgres
    path: str = ".krakenctl/state.db"  # sqlite: a file, relative to the workspace
    dsn: str = ""  # postgres: a credential reference to its connection string
    schema: str = ""  # postgres: where the tables are; one workspace each
    lease: int = 60  # seconds without a sign of life after which a lease may be taken over


def usual_schema(workspace: str) -> str:
    """A state of its own in PostgreSQL: names of workspaces have no underscore, so that no two come out alike."""
    return f"krakenctl_{workspace.replace('-', '_')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """How fast each credential may be used. Kraken tells neither; what is left out is the safe answer."""

    tier: str = "starter"  # starter | intermediate | pro: what the exchange's call counters allow
    count_connect: bool = True  # whether calls with a token have a counter too, as those with a key have


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRefs:
    """References only (`env:NAME`, `file:PATH`, `store:STORE/PATH`); empty: none. `{account}` has been filled in."""

    token: str = ""  # an OAuth access token of this account, for surface connect
    api_key: str = ""  # a key pair of the master account, to request sub-accounts with


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    name: str
    endpoint: str  # `sandbox` or the base URL of a Kraken
    tag: str  # two characters, in the live name of every key this workspace issues
    manifests: tuple[str, ...]  # glob patterns, relative to the workspace
    state: StateSettings
    stores: Mapping[str, StoreSettings]
    default_store: str
    credentials: Mapping[str, CredentialRefs]  # by account name; `*` stands for all others
    rate_limits: RateLimits = field(default_factory=RateLimits)
    safety: Safety = field(default_factory=Safety)
    required_version: str = ""  # a PEP 440 specifier; empty: any

    def credentials_of(self, account: str, username: str = "") -> CredentialRefs:
        """The references for one account, with `{account}` and `{username}` filled in."""
        refs = self.credentials.get(account) or self.credentials.get("*") or CredentialRefs()
        fill = {"{account}": account, "{username}": username or account}
        token, api_key = refs.token, refs.api_key
        for slot, text in fill.items():
            token, api_key = token.replace(slot, text), api_key.replace(slot, text)
        return CredentialRefs(token=token, api_key=api_key)
