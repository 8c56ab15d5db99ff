#!/usr/bin/env bash
# The trading desk of examples/02-trading-desk, from nothing to in order, through a change and back to in order.
# Everything runs on the embedded sandbox: no account, no network, no key. It works in a copy: .demo/, or $1.
set -euo pipefail
cd "$(dirname "$0")/.."
desk=${1:-.demo}

bold='' plain=''
[ -t 1 ] && [ -z "${NO_COLOR-}" ] && bold=$'\033[1m' plain=$'\033[0m'
say() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }
run() { printf '\n$ krakenctl %s\n' "$*"; krakenctl -C "$desk" "$@"; }
expect() { # expect CODE ARGUMENT…: a command whose exit code is part of the story
  local wanted=$1 got=0; shift
  run "$@" || got=$?
  [ "$got" = "$wanted" ] || { echo "exit code $got, expected $wanted" >&2; exit 1; }
  echo "(exit code $got)"
}
# change FILE FROM TO: what a pull request would do
change() {
  grep -qF -- "$2" "$desk/manifests/$1" || { echo "$1 no longer says: $2" >&2; exit 1; }
  python3 - "$desk/manifests/$1" "$2" "$3" <<'PY'
import pathlib, sys
path, before, after = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
path.write_text(path.read_text().replace(before, after, 1))
PY
  printf '  manifests/%s:  %s  ->  %s\n' "$1" "$2" "$3"
}

rm -rf "$desk" && cp -R examples/02-trading-desk "$desk"
rm -rf "$desk/.krakenctl" "$desk/secrets" "$desk/recipients.txt"

say "1. A desk: one master, four sub-accounts, twenty keys. Nothing exists yet."
run init
run validate
run tree
expect 2 plan --detailed-exitcode
say "2. Apply: sub-accounts first, then every key; each secret goes to the store before anything else happens."
expect 7 apply --yes
say "Two keys may withdraw: nothing is done until somebody says that this is meant, and why. It goes to the audit log."
run apply --yes --allow withdraw --reason "the treasury pays out, operations move funds between sub-accounts"
expect 0 plan --detailed-exitcode

say "3. A pull request: bots may read their ledger, OTC moves to another address, one bot is retired."
change 00-permission-sets.yaml 'permissions: [modify-trades, close-trades]' 'permissions: [modify-trades, close-trades, query-ledger]'
change 50-otc.yaml 'ipAllowlist: [203.0.113.13, 203.0.113.14]' 'ipAllowlist: [203.0.113.13, 203.0.113.15]'
change 30-arbitrage.yaml $'---\napiVersion: krakenctl/v1\nkind: ApiKey\nmetadata: {name: arb-slow}\nspec:\n  account: arbitrage\n  grants: {sets: [trader]}\n' ''
expect 2 plan --detailed-exitcode --out "$desk/change.plan"

say "4. Apply exactly that plan: replaced key by key, each new one checked before its old one goes."
run apply "$desk/change.plan" --yes
expect 0 plan --detailed-exitcode

say "5. Somebody tries to let a bot withdraw. The hierarchy says no, and who says it."
change 20-market-making.yaml 'grants: {sets: [trader]}' 'grants: {sets: [trader], permissions: [withdraw-funds]}'
expect 1 validate
change 20-market-making.yaml 'grants: {sets: [trader], permissions: [withdraw-funds]}' 'grants: {sets: [trader]}'

say "6. What is remembered, and where a bot finds its secret."
run state show ApiKey/arbitrage/arb-fast
printf '\n  the secret: %s/secrets/arbitrage/arb-fast/current.age\n' "$desk"
printf '  to read it: age -d -i %s/.krakenctl/identity.txt %s/secrets/arbitrage/arb-fast/current.age\n' "$desk" "$desk"

say "The desk is in order. Look around in $desk/, or start your own: krakenctl -C my-desk init"
