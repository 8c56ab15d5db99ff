"""Every command of docs/inspect.md and docs/import.md does what the pages say, in the world that they speak of."""

from __future__ import annotations

import os
import re
import shlex
import stat
import sys
from dataclasses import dataclass
from itertools import count

import pytest

import desk as d
from bringing import READS, Place, env_text
from dialogue import Dialogue
from krakenctl.sandbox.people import operate
from krakenctl.testing.sandbox import served
from naps import skip_naps
from running import ROOT, krakenctl

PAGES = {name: (ROOT / f"docs/{name}.md").read_text() for name in ("inspect", "import")}
SHOWN = re.compile(r"(?:^    |`)((?:pass [^`\n]*)?krakenctl [a-z]+(?: [^`\n#]*(?:#\d[^`\n#]*)?)?)", re.MULTILINE)
FROM_A_FILE = ("import --from .env --dry-run", "import --from .env", "state list", "plan")
NUMBERS = count(1)


@dataclass
class Evening(Place):
    account: str

    def made(self, name=""):
        return self.sandbox.key(READS, account=self.account, **({"name": name} if name else {}))


def commands(page):
    """As they are typed: in a table a bar is written with a backslash."""
    found = [shown.replace("\\|", "|").strip() for shown in SHOWN.findall(PAGES[page])]
    return sorted(set(found) - {"krakenctl explain RULE"})


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with served(tmp_path_factory.mktemp("first-evening") / "sandbox.db") as sandbox:
        yield sandbox


@pytest.fixture
def evening(shared, tmp_path, monkeypatch):
    """A .env file, the same pair in variables and in `pass`, and a workspace that manages another key."""
    skip_naps(monkeypatch)
    shared.account(account := f"evening-{next(NUMBERS)}")
    place = Evening(shared, tmp_path, account)
    key = place.made("mine")
    place.root.mkdir()
    monkeypatch.chdir(place.root)
    for half in ("INSPECT", "IMPORT"):
        monkeypatch.setenv(f"KRAKENCTL_{half}_ENDPOINT", shared.url)
    (place.root / ".env").write_text(env_text([("KRAKEN", key)]))
    (place.root / ".env").chmod(0o600)
    for line in (place.root / ".env").read_text().splitlines():
        monkeypatch.setenv(*line.split("=", 1))
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", f"{programs(tmp_path / 'bin', place.root / '.env')}:{path}")
    return place, key


def programs(folder, pairs):
    folder.mkdir()
    for name, line in (("krakenctl", f'exec "{sys.executable}" -m krakenctl "$@"'), ("pass", f'cat "{pairs}"')):
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(stat.S_IRWXU)
    return folder


def manage(place, *, name="mm-btc"):
    """A key of the workspace at the place in its store that the page names."""
    document = f"""
apiVersion: krakenctl/v1
kind: ApiKey
metadata: {{name: {name}}}
spec:
  account: mm-desk
  grants: {{permissions: [query-funds, query-open-trades, query-ledger]}}
  ipAllowlist: any
  secret: {{path: bots/{name}}}
"""
    first, second = place.made(), place.made()
    other = place.folder / "other.env"
    other.write_text(env_text([("FIRST", first), ("SECOND", second)]))
    told = krakenctl("import", "--from", other, "--to", "ApiKey/mm-desk/first=FIRST")
    assert told.code == 0, told.err
    (place.root / "manifests/mine.yaml").write_text(document)
    told = krakenctl("import", "--from", other, "--to", f"ApiKey/mm-desk/{name}=SECOND")
    assert told.code == 0, told.out + told.err


def test_inspect_asks_a_person_and_shows_what_the_key_is(evening):
    place, key = evening
    talk = Dialogue("inspect", cwd=place.root)
    talk.until(f"at {place.sandbox.url}")
    talk.until("API key (not shown): ")
    talk.type(key.public_key)
    talk.until("Private key (not shown): ")
    talk.type(key.secret)
    code, said = talk.end()
    assert (code, key.secret in talk.seen, key.public_key in talk.seen) == (0, False, False)
    for part in ("mine", "query-ledger", "anywhere in the world", "open-to-the-world", "second factor"):
        assert part in said


@pytest.mark.parametrize("shown", [one for one in commands("inspect") if one != "krakenctl inspect"])
def test_whatever_the_page_on_inspect_shows_works(evening, shown):
    place, _ = evening
    if "mm-btc" in shown:
        manage(place)
    code = os.waitstatus_to_exitcode(os.system(f"{shown} >{place.folder}/out 2>{place.folder}/err"))
    assert code == 0, (place.folder / "err").read_text()
    assert "query-ledger" in (place.folder / "out").read_text()


@pytest.mark.usefixtures("evening")
def test_the_page_on_import_leads_from_a_file_to_a_plan_without_changes():
    shown = [one for one in commands("import") if "--to" not in one and "connect" not in one]
    assert set(shown) - {"krakenctl import"} == {f"krakenctl {each}" for each in FROM_A_FILE}
    for command in FROM_A_FILE:
        ran = krakenctl(*command.split())
        assert ran.code == 0, ran.err
    assert "No changes" in ran.out


def test_the_lines_of_the_page_on_import_may_be_pasted_at_once(evening):
    place, _ = evening
    (place.root / ".env").write_text(env_text((f"BOT{n}", place.made()) for n in range(3)))
    lines = " && ".join(f"krakenctl {each}" for each in (*FROM_A_FILE, "verify"))
    code = os.waitstatus_to_exitcode(os.system(f"({lines}) >{place.folder}/out 2>&1"))
    told = (place.folder / "out").read_text()
    assert (code, "not-asked" in told, "All 3 keys are as declared" in told) == (0, False, True), told


def test_one_key_is_imported_to_where_the_page_says(evening):
    place, _ = evening
    [shown] = [one for one in commands("import") if "--to ApiKey/main/" in one]
    (place.root / ".env").write_text(env_text([("MM", place.made())]))
    ran = krakenctl(*shlex.split(shown)[1:])
    assert "ApiKey/main/mm-btc" in ran.out, ran.err


def test_keys_of_two_accounts_get_the_names_that_the_page_gives_them(evening):
    place, _ = evening
    place.sandbox.account(other := f"evening-{next(NUMBERS)}")
    [shown] = [one for one in commands("import") if "--to ApiKey/acme/" in one]
    pairs = [("MM", place.made()), ("DASH", place.sandbox.key(READS, account=other))]
    (place.root / ".env").write_text(env_text(pairs))
    ran = krakenctl(*shlex.split(shown)[1:])
    assert all(address in ran.out for address in ("ApiKey/acme/mm", "ApiKey/fund/dash")), ran.err


def test_a_listed_key_is_adopted_as_the_page_says(tmp_path, monkeypatch):
    d.stop_time(monkeypatch)
    desk = d.make_desk(tmp_path / "acme")
    desk.declare(d.account(keyDefaults={}), d.subaccount("mm-desk"))
    desk.applied()
    desk.switch("list-coverage", "all")
    operate.make_key(desk.db, "u-mm-desk", "My bot #2", ["query-ledger"])
    [shown] = [one for one in commands("import") if "--from connect --to" in one]
    ran = desk.run(*shlex.split(shown)[1:])
    assert "ApiKey/mm-desk/mm-eth: “My bot #2” on Kraken" in " ".join(ran.out.split()), ran.err
    assert desk.changes() == {}
