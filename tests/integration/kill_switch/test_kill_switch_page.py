"""Where the kill switch sends people for what it cannot revoke: to the website of the Kraken that is asked."""

from __future__ import annotations

from desk import Desk


def test_on_a_sandbox_nobody_is_sent_to_the_real_kraken(desk: Desk):
    desk.fault("error", endpoint="DELETE /oauth/fast-api-key", times="always", error="EGeneral:Internal error")
    ran = desk.run("revoke", "--under", "acme", "--yes")
    assert ran.code == 1
    assert "its owner revokes keys at /app/settings/api of `krakenctl sandbox serve`" in ran.out
    assert "Look for them at /app/settings/api of `krakenctl sandbox serve`" in ran.out
    assert "kraken.com" not in ran.out + ran.err


def test_where_the_settings_cannot_be_read_the_real_page_is_named(desk: Desk):
    (desk.root / "krakenctl.yaml").write_text("{ this is nothing")
    ran = desk.run("revoke", "--under", "acme", "--yes")
    assert ran.code == 1
    assert "revokes keys of the real Kraken at https://pro.kraken.com/app/settings/api" in ran.err
