"""The files of a new workspace, as texts. Pure.

Names and tags stand in quotes: YAML would read `42`, which is a name, as a number.
"""

from __future__ import annotations

from collections.abc import Sequence

from krakenctl.model.workspace import SANDBOX

SCHEMA = ".krakenctl/krakenctl.schema.json"  # written by init, so that editors complete and check offline


_OWN = "sandbox: an exchange of your own, in .krakenctl/; later https://api.kraken.com"
_REAL = "the exchange that every command asks"


def workspace(name: str, tag: str, endpoint: str) -> str:
    return f"""\
# yaml-language-server: $schema={SCHEMA}
apiVersion: krakenctl/v1
kind: Workspace
metadata: {{name: "{name}"}}
spec:
  endpoint: {endpoint}        # {_OWN if endpoint == SANDBOX else _REAL}
  tag: "{tag}"                # part of every key's name on Kraken: <key>.{tag}.g1
  manifests: [manifests]
  stores:
    main:
      type: age
      path: secrets         # encrypted: may be committed
      recipientsFile: recipients.txt
      identity: file:.krakenctl/identity.txt   # never commit this one
  credentials:              # references only; the secrets themselves are never in git
    "*":
      token: file:.krakenctl/credentials/{{account}}.json
      apiKey: file:.krakenctl/credentials/{{account}}.key.json
"""


def account(name: str) -> str:
    return f"""\
# yaml-language-server: $schema=../{SCHEMA}
apiVersion: krakenctl/v1
kind: Account
metadata: {{name: "{name}"}}
spec:
  surface: connect
  permissions:
    deny: [withdraw-funds, add-withdraw-address, update-withdraw-address]   # no key below may ever do this
  keyDefaults:
    ipAllowlist: [203.0.113.10]   # where your programs run; `any` must be written out
    validFor: 180d
"""


def keys(account: str) -> str:
    return f"""\
# yaml-language-server: $schema=../{SCHEMA}
apiVersion: krakenctl/v1
kind: ApiKey
metadata: {{name: first-bot}}
spec:
  account: "{account}"
  grants:
    permissions: [query-funds, query-open-trades, query-closed-trades, modify-trades, close-trades]
---
apiVersion: krakenctl/v1
kind: ApiKey
metadata: {{name: dashboard}}
spec:
  account: "{account}"
  grants:
    permissions: [query-funds, query-open-trades, query-ledger]
"""


IGNORED = (".krakenctl/", "*.plan", ".env")


def gitignore(lines: Sequence[str]) -> str:
    head = "# this host's own: state, identity, tokens, sandbox, saved plans, keys"
    return "".join(f"{line}\n" for line in (head, *lines))
