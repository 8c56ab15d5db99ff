"""The pytest plug-in, in a project that is not ours: with pytest's own means of testing plug-ins."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from krakenctl.errors import UsageError
from krakenctl.sandbox.people import operate
from running import ROOT

if TYPE_CHECKING:
    from krakenctl.testing.sandbox import KrakenSandbox

pytest_plugins = ["pytester"]

CLIENT = """
import base64, hashlib, hmac, json, time
from urllib.parse import urlencode
from urllib.request import Request, urlopen

def call(url, key, method, **fields):
    path, nonce = f"/0/private/{method}", time.time_ns()
    body = urlencode({"nonce": nonce, **fields}).encode()
    inner = hashlib.sha256(str(nonce).encode() + body).digest()
    mac = hmac.new(base64.b64decode(key.secret), path.encode() + inner, hashlib.sha512).digest()
    headers = {"API-Key": key.public_key, "API-Sign": base64.b64encode(mac).decode()}
    return json.load(urlopen(Request(url + path, body, headers), timeout=20))
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A foreign project beside an installed krakenctl, whose entry point is the one that we declare."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    lines = [f"{name} = {module}" for name, module in declared.items()]
    info = pytester.mkdir("site") / "declared-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: declared\nVersion: 0\n")
    (info / "entry_points.txt").write_text("\n".join(["[pytest11]", *lines, ""]))
    monkeypatch.setenv("PYTHONPATH", f"{info.parent}:{ROOT}")
    pytester.makepyfile(kraken_client=CLIENT)
    return pytester


def run(project: pytest.Pytester, *args: str) -> pytest.RunResult:
    return project.runpytest_subprocess("-p", "no:cacheprovider", "-W", "error", *args)


def test_a_foreign_test_makes_keys_moves_the_clock_and_breaks_things(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import http.client
        import pytest
        from kraken_client import call

        def test_a_key_may_do_what_it_was_given(kraken_sandbox):
            key = kraken_sandbox.key(["query-funds"], name="bot")
            assert "XXBT" in call(kraken_sandbox.url, key, "Balance")["result"]
            assert call(kraken_sandbox.url, key, "Ledgers")["error"] == ["EGeneral:Permission denied"]

        def test_left_out_a_key_may_do_all_and_has_a_name(kraken_sandbox):
            first, second = kraken_sandbox.key(), kraken_sandbox.key()
            assert first.name != second.name
            assert call(kraken_sandbox.url, first, "Ledgers")["error"] == []
            assert first.secret not in repr(first)

        def test_a_key_ends_when_its_time_comes(kraken_sandbox):
            kraken_sandbox.freeze("2027-01-15T08:00:00Z")
            keys = [kraken_sandbox.key(valid_until="2027-01-16"), kraken_sandbox.key(valid_for="24h")]
            assert [call(kraken_sandbox.url, key, "Balance")["error"] for key in keys] == [[], []]
            kraken_sandbox.advance(days=1)
            ended = ["EAPI:Invalid key"]
            assert [call(kraken_sandbox.url, key, "Balance")["error"] for key in keys] == [ended, ended]
            assert kraken_sandbox.now == 1800086400
            kraken_sandbox.run()

        def test_an_answer_is_lost_and_then_no_more(kraken_sandbox):
            key = kraken_sandbox.key()
            kraken_sandbox.fault("answer-lost", endpoint="Balance", times="always")
            with pytest.raises(http.client.RemoteDisconnected):
                call(kraken_sandbox.url, key, "Balance")
            kraken_sandbox.clear_faults()
            assert call(kraken_sandbox.url, key, "Balance")["error"] == []

        def test_a_switch_is_turned(kraken_sandbox):
            kraken_sandbox.switch("error-space", "space")
            key = kraken_sandbox.key([])
            assert call(kraken_sandbox.url, key, "Balance")["error"] == ["EGeneral: Permission denied"]

        def test_a_revoked_key_is_dead_and_an_otp_is_needed(kraken_sandbox):
            key = kraken_sandbox.key(otp="1234")
            assert call(kraken_sandbox.url, key, "Balance", otp="1234")["error"] == []
            assert call(kraken_sandbox.url, key, "Balance")["error"] != []
            kraken_sandbox.revoke(key.name)
            assert call(kraken_sandbox.url, key, "Balance", otp="1234")["error"] == ["EAPI:Invalid key"]
        """
    )
    run(project).assert_outcomes(passed=6)


def test_accounts_sub_accounts_tokens_and_seeds(project: pytest.Pytester) -> None:
    project.makefile(
        ".yaml", seed="apiVersion: krakenctl/v1\nkind: SandboxSeed\nspec: {accounts: [{username: sown, token: true}]}\n"
    )
    project.makepyfile(
        """
        import json
        from pathlib import Path
        from urllib.request import Request, urlopen

        def iiban(url, token):
            request = Request(url + "/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})
            return json.load(urlopen(request, timeout=20))["result"]["iban"]

        def test_it(kraken_sandbox, request):
            url = kraken_sandbox.url
            other = kraken_sandbox.account("other", email="o@example.org")
            below = kraken_sandbox.sub_account("below", of="other")
            assert iiban(url, kraken_sandbox.token("other").access_token) == other
            assert iiban(url, kraken_sandbox.token("below", scopes=["account.info:basic"]).access_token) == below
            assert kraken_sandbox.token().expires_in == 4 * 3600
            assert kraken_sandbox.token(valid_for="3650d").expires_in == 3650 * 86400
            [sown] = kraken_sandbox.seed(request.path.with_name("seed.yaml")).accounts
            assert iiban(url, sown.token["access_token"]) == sown.iiban
        """
    )
    run(project).assert_outcomes(passed=1)


def test_each_test_has_a_kraken_of_its_own_and_may_have_two(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("turn", [1, 2])
        def test_a_name_is_free_each_time(kraken_sandbox, turn):
            kraken_sandbox.key(name="bot")

        def test_two(kraken_sandbox, kraken_sandbox_factory):
            other = kraken_sandbox_factory()
            assert kraken_sandbox.key(name="bot").public_key != other.key(name="bot").public_key
            assert kraken_sandbox.url != other.url
        """
    )
    run(project, "-n", "2", "-p", "xdist").assert_outcomes(passed=3)


def test_the_server_ends_with_its_test_also_when_the_test_fails(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        from urllib.error import URLError
        from urllib.request import urlopen

        urls = []

        def test_that_fails(kraken_sandbox):
            urls.append(kraken_sandbox.url)
            urlopen(kraken_sandbox.url + "/0/public/Time", timeout=20).close()
            assert False

        def test_after_it():
            with pytest.raises(URLError):
                urlopen(urls[0] + "/0/public/Time", timeout=20)
        """
    )
    run(project).assert_outcomes(passed=1, failed=1)


def test_the_fixtures_are_told_with_what_they_are_for(project: pytest.Pytester) -> None:
    told = run(project, "--fixtures").stdout.str()
    assert "kraken_sandbox --" in told
    assert "A Kraken sandbox that is served" in told


def test_a_run_that_asks_for_no_sandbox_imports_nothing_of_it() -> None:
    script = (
        "import sys, krakenctl.testing.pytest_plugin; print(*(n for n in sys.modules if n.startswith('krakenctl')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["krakenctl", "krakenctl.testing", "krakenctl.testing.pytest_plugin"]


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"name": "x" * 300}, "too long"),
        ({"name": ""}, "Give the key a name"),
        ({"name": "\ud800"}, "name is too long|UTF-8"),
        ({"valid_until": 5}, "over"),
        ({"valid_until": float("inf")}, "no time"),
        ({"valid_until": 1e300}, "not a time"),
        ({"valid_until": "soon"}, "not a time"),
        ({"valid_for": "90"}, "90 what"),
        ({"valid_for": "90d", "valid_until": "2200-01-01"}, "two ways"),
        ({"query_from": 20, "query_to": 10}, "before its start"),
        ({"nonce_window": -5}, "whole number"),
        ({"nonce_window": 2**70}, "too large"),
        ({"ip_allowlist": ["203.0.113.300"]}, "203.0.113.300"),
        ({"permissions": ["fly"]}, "fly"),
        ({"otp": "p" * 300}, "password"),
        ({"otp": "\ud800"}, "UTF-8"),
        ({"account": "nobody"}, "nobody"),
    ],
    ids=str,
)
def test_what_the_website_would_refuse_makes_no_key(
    kraken_sandbox: KrakenSandbox, wish: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        kraken_sandbox.key(**wish)
    assert operate.keys_in(kraken_sandbox.db) == []


def test_an_account_has_no_more_keys_than_it_may(kraken_sandbox: KrakenSandbox) -> None:
    kraken_sandbox.switch("keys-per-account", "1")
    kraken_sandbox.key()
    with pytest.raises(UsageError, match="no further key"):
        kraken_sandbox.key()


def test_what_cannot_be_an_account_is_none(kraken_sandbox: KrakenSandbox) -> None:
    kraken_sandbox.sub_account("below")
    for username, of in (("", "acme"), ("\ud800", "acme"), ("under", "below"), ("under", "nobody")):
        with pytest.raises(UsageError):
            kraken_sandbox.sub_account(username, of=of)
    assert [row["username"] for row in operate.accounts_in(kraken_sandbox.db)] == ["acme", "below"]


def test_a_token_has_no_scope_that_its_client_may_not_ask_for(kraken_sandbox: KrakenSandbox) -> None:
    with pytest.raises(UsageError, match="zzz"):
        kraken_sandbox.token(scopes=["zzz"])
    with pytest.raises(UsageError, match="not a duration"):
        kraken_sandbox.token(valid_for="long")


@pytest.mark.parametrize("end", [True, "soon", None])
def test_an_end_that_is_no_time_is_refused(kraken_sandbox, end):
    with pytest.raises(UsageError):
        kraken_sandbox.key(valid_until=end)


@pytest.mark.parametrize("name", ["a\nb", "a\0b"])
def test_a_key_s_name_is_one_line(kraken_sandbox, name):
    with pytest.raises(UsageError, match="one line"):
        kraken_sandbox.key(name=name)
