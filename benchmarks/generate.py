"""Writes a workspace of any size on the embedded sandbox, the same one every time, to measure krakenctl with.

    python benchmarks/generate.py /tmp/desk --keys 1000             # 100 sub-accounts with ten keys each
    python benchmarks/generate.py /tmp/desk --accounts 1000         # 1 000 accounts with one key each
    python benchmarks/generate.py /tmp/desk --keys 1000 --seeded    # and every key is live: a plan has nothing to do

Without --seeded go on with `krakenctl -C /tmp/desk init` and `krakenctl -C /tmp/desk plan`. With it nothing is faked:
krakenctl's own apply issues the keys. Only the sub-accounts are there beforehand, because Kraken (and so the sandbox)
takes about one request for a sub-account a second.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from krakenctl import workflow
from krakenctl.actor import new_run
from krakenctl.files import write_private
from krakenctl.model.outcome import Result
from krakenctl.project import open_project
from krakenctl.sandbox import open_sandbox
from krakenctl.sandbox.people.seed import seed_account
from krakenctl.tasks.initialise import Wish, initialise
from krakenctl.transport.wsgi import WsgiAdapter
from krakenctl.wiring.embedded import DATABASE

MASTER = "trading"
KEYS_EACH = 10  # keys of a sub-account
ACCOUNTS_A_FILE = 50
LETTERS = "abcdefghjk"

WORKSPACE = """\
apiVersion: krakenctl/v1
kind: Workspace
metadata: {name: benchmark}
spec:
  endpoint: sandbox
  tag: b1
  manifests: [manifests]
  stores:
    main:
      type: age
      path: secrets
      recipientsFile: recipients.txt
      identity: file:.krakenctl/identity.txt
  credentials:
    "*":
      token: file:.krakenctl/credentials/{account}.json
      apiKey: file:.krakenctl/credentials/{account}.key.json
"""

SETS = """\
# What our keys are for. Permissions are written here, and nowhere else.
apiVersion: krakenctl/v1
kind: PermissionSet
metadata: {name: viewer}
spec:
  permissions: [query-funds, query-open-trades]
---
apiVersion: krakenctl/v1
kind: PermissionSet
metadata: {name: trader}
spec:
  include: [viewer]
  permissions: [query-closed-trades, modify-trades, close-trades]
---
apiVersion: krakenctl/v1
kind: PermissionSet
metadata: {name: accountant}
spec:
  permissions: [query-ledger, export-data, query-closed-trades]
"""

ACCOUNT = """\
apiVersion: krakenctl/v1
kind: Account
metadata:
  name: {name}
  labels: {{desk: {name}, environment: production}}
spec:
  surface: connect
  permissions:
    deny: [withdraw-funds, add-withdraw-address, update-withdraw-address]
  keyDefaults:
    ipAllowlist: [{address}, "198.51.100.0/28"]
    validFor: 180d
    rotation: {{maxAge: 90d, overlap: 24h}}
"""

SUB_ACCOUNT = """\
apiVersion: krakenctl/v1
kind: SubAccount
metadata:
  name: {name}
  labels: {{strategy: market-making, region: {region}}}
spec:
  account: {master}
  username: {name}
  email: {name}@example.com
  permissions:
    allow: [query-funds, query-open-trades, query-closed-trades, modify-trades, close-trades, query-ledger, export-data]
  keyDefaults:
    ipAllowlist: [{address}, "2001:db8::/48"]
"""

# One in ten keys brings an allow-list of its own, three in ten are no traders.
TRADER = """\
apiVersion: krakenctl/v1
kind: ApiKey
metadata:
  name: bot-{letter}
  labels: {{team: market-making}}
spec:
  account: {account}
  grants:
    sets: [trader]
  consumer: {{nonce: ms}}
  secret: {{path: "{account}/bot-{letter}"}}
"""

VIEWER = """\
apiVersion: krakenctl/v1
kind: ApiKey
metadata:
  name: watch-{letter}
  labels: {{team: risk}}
spec:
  account: {account}
  grants:
    sets: [viewer]
    permissions: [query-ledger]
"""

ACCOUNTANT = """\
apiVersion: krakenctl/v1
kind: ApiKey
metadata:
  name: books-{letter}
  labels: {{team: finance}}
spec:
  account: {account}
  grants:
    sets: [accountant]
  ipAllowlist: ["203.0.113.200"]
  validFor: 365d
  rotation: {{maxAge: 30d, overlap: 7d}}
"""

KEYS = (*[TRADER] * 7, VIEWER, VIEWER, ACCOUNTANT)


def write(root: Path, *, keys: int = 0, accounts: int = 0) -> None:
    """The workspace's files, without identity and credentials: those are `krakenctl init`'s."""
    _write(root / "krakenctl.yaml", [WORKSPACE])
    manifests = root / "manifests"
    _write(manifests / "sets.yaml", [SETS])
    if keys:
        _write(manifests / "account.yaml", [ACCOUNT.format(name=MASTER, address="203.0.113.10")])
        _write_files(manifests / "desks", keys // KEYS_EACH, _sub_account)
    _write_files(manifests / "accounts", accounts, _account)


def seed(root: Path) -> int:
    """Make everything live that is declared, and return how many HTTP calls that took."""
    initialise(root, Wish("benchmark", "", "sandbox"))
    _sign_up_sub_accounts(root)
    calls = _counted_calls()
    with workflow.open_desk(open_project(root)) as desk, desk.lease(new_run("apply")):
        report = desk.apply(desk.plan(), tell=lambda _: None, say=lambda _: None, interrupted=lambda: False)
        if failed := [outcome for outcome in report.outcomes if outcome.result is not Result.DONE]:
            raise SystemExit(f"{len(failed)} changes were not done: {failed[0].address}: {failed[0].message}")
    return calls[0]


def _sign_up_sub_accounts(root: Path) -> None:
    """What the owners of requested sub-accounts do: set them up, and hand us a token."""
    accounts = open_project(root).desired.accounts.values()
    sandbox = open_sandbox(root / DATABASE)
    for account in accounts:
        if account.username:
            made = seed_account(sandbox, username=account.username, email=account.email, master=False)
            write_private(root / f".krakenctl/credentials/{account.name}.json", json.dumps(made.token))
    sandbox.close()


def _counted_calls() -> list[int]:
    """A number that rises with every call to the sandbox from now on."""
    count, send = [0], WsgiAdapter.send

    def counting(self: WsgiAdapter, *args: object, **kwargs: object) -> object:
        count[0] += 1
        return send(self, *args, **kwargs)

    WsgiAdapter.send = counting
    return count


def _write_files(folder: Path, count: int, documents: Callable[[int], Iterator[str]]) -> None:
    """Files of a size that people keep: some thousand lines, not a hundred thousand."""
    for start in range(0, count, ACCOUNTS_A_FILE):
        numbers = range(start, min(start + ACCOUNTS_A_FILE, count))
        _write(folder / f"{start:05d}.yaml", [text for number in numbers for text in documents(number)])


def _sub_account(number: int) -> Iterator[str]:
    name, region = f"desk-{number:05d}", ("eu", "us", "apac")[number % 3]
    yield SUB_ACCOUNT.format(name=name, master=MASTER, region=region, address=_address(number))
    for letter, text in zip(LETTERS, KEYS, strict=True):
        yield text.format(account=name, letter=letter)


def _account(number: int) -> Iterator[str]:
    name = f"client-{number:05d}"
    yield ACCOUNT.format(name=name, address=_address(number))
    yield KEYS[number % KEYS_EACH].format(account=name, letter=LETTERS[number % KEYS_EACH])


def _address(number: int) -> str:
    return f"203.0.113.{number % 200}"


def _write(file: Path, documents: Sequence[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("---\n".join(documents), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the workspace goes; it must not exist")
    parser.add_argument("--keys", type=int, default=0, help=f"over a tenth as many sub-accounts of {MASTER}")
    parser.add_argument("--accounts", type=int, default=0, help="with one key each")
    parser.add_argument("--seeded", action="store_true", help="make it all live")
    wish = parser.parse_args()
    if wish.folder.exists():
        parser.error(f"{wish.folder} is there already")
    if wish.keys % KEYS_EACH or not (wish.keys or wish.accounts):
        parser.error(f"--keys takes a multiple of {KEYS_EACH}, --accounts any number; one of them is needed")
    write(wish.folder, keys=wish.keys, accounts=wish.accounts)
    if wish.seeded:
        calls = seed(wish.folder)
        print(json.dumps({"keys": wish.keys + wish.accounts, "calls": calls}))


if __name__ == "__main__":
    main()
