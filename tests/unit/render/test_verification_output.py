"""What people and machines are told of declared against effective."""

import jsonschema_rs
import pytest

from golden import golden
from krakenctl import schema_files
from krakenctl.model.address import key_address
from krakenctl.model.coverage import Coverage
from krakenctl.model.verification import Left, Right, Setting, Source, Verdict, Verification, Verified, VerifySight
from krakenctl.render import verification as view
from krakenctl.render.paint import Paint

NOW = 1_800_000_000
PERMISSION = "query-funds"


def verified(name, verdict, source=Source.LIST, **more):
    return Verified(address=key_address("acme", name), name=f"{name}.a7.g1", verdict=verdict, source=source, **more)


def right(code=PERMISSION, verdict=Verdict.LISTED, *, declared=True, **more):
    return Right(code=code, declared=declared, verdict=verdict, **more)


def found(*keys, **more):
    sights = more.pop("sights", (VerifySight(account="acme", coverage=Coverage.OUR_CLIENT),))
    return Verification(
        endpoint="sandbox", now=NOW, probing=more.pop("probing", False), keys=keys, sights=sights, **more
    )


EVERYTHING = found(
    verified(
        "bot",
        Verdict.GRANTED,
        Source.KEY,
        rights=(right(verdict=Verdict.GRANTED, calls=("Balance",)), right("earn-funds", why="its calls move funds")),
        settings=(Setting(name="expires", declared="never", effective="never", source=Source.KEY, agrees=True),),
        asked=True,
        probed=True,
    ),
    verified(
        "crept",
        Verdict.LISTED,
        rights=(right(), right("withdraw-funds", declared=False)),
        settings=(
            Setting(name="ipAllowlist", declared=["203.0.113.10"], effective=["any"], source=Source.LIST, agrees=False),
        ),
        unasked="consumer.nonce is unknown, and a call could lock its consumer out",
    ),
    verified(
        "hidden", Verdict.UNKNOWN, Source.RECORDED, rights=(right(verdict=Verdict.UNKNOWN),), why="no slot holds it"
    ),
    verified("shut", Verdict.BLOCKED_BY_IP, rights=(right(),), why="it lives, and is refused from this host"),
    probing=True,
    left=(Left(key_address("acme", "old"), "old.a7.g1", "no manifest declares it any more"),),
)


def test_as_text():
    text, kept = golden("verification-100.txt", view.text(EVERYTHING, Paint(width=100)))
    assert text == kept


def test_as_markdown():
    text, kept = golden("verification.md", view.markdown(EVERYTHING))
    assert text == kept


def test_of_what_nothing_was_seen_nothing_is_called_as_declared():
    silent = verified(
        "mute",
        Verdict.DENIED,
        Source.RECORDED,
        why="Kraken knows it no more",
        settings=(Setting(name="expires", declared="never", effective="never", source=Source.RECORDED, agrees=None),),
    )
    [row] = [line for line in view.markdown(found(silent)).splitlines() if "mute" in line]
    assert ("not seen" in row, "as declared" in row) == (True, False)


def test_a_field_that_no_manifest_decides_is_told_as_such():
    ends = Setting(
        name="expires", declared=None, effective="2027-11-28", source=Source.KEY, agrees=False, managed=False
    )
    key = verified("bot", Verdict.LISTED, Source.KEY, settings=(ends,))
    assert "expires: not declared, effective 2027-11-28" in view.text(found(key), Paint())
    assert key.differs


@pytest.mark.parametrize(
    ("verdicts", "headline"),
    [
        (("granted", "listed", "listed", "listed"), "1 of 4 granted"),
        (("granted", "granted", "listed"), "2 of 3 granted"),
        (("granted", "granted"), "granted"),
    ],
)
def test_a_key_of_which_some_permissions_were_tried_is_not_called_granted(verdicts, headline):
    rights = tuple(right(f"right-{number}", Verdict(word)) for number, word in enumerate(verdicts))
    told = found(verified("bot", Verdict.GRANTED, Source.KEY, rights=rights))
    assert f"bot.a7.g1  {headline}\n" in view.text(told, Paint())
    assert f"| **{headline}** |" in view.markdown(told)


def test_as_json_it_is_what_the_schema_says():
    schema = schema_files.load("verification")
    jsonschema_rs.meta.validate(schema)
    jsonschema_rs.validator_for(schema).validate(view.to_json(EVERYTHING))
    assert schema["$defs"]["verdict"]["enum"] == [verdict.value for verdict in Verdict]
    assert schema["$defs"]["source"]["enum"] == [source.value for source in Source]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ((), "No key is declared there: there was nothing to verify."),
        (("listed",), "The key is as declared."),
        (("listed", "listed"), "All 2 keys are as declared."),
        (("listed", "unknown"), "1 key of 2 is as declared; 1 key could not be seen."),
        (("unknown",), "Nothing could be seen from here, so nothing was compared."),
        (("revoked", "listed"), "1 key of 2 differs from what is declared."),
        (("revoked", "unknown"), "1 key of 2 differs from what is declared; 1 key could not be seen."),
    ],
)
def test_the_summary_never_sounds_better_than_what_was_seen(keys, sentence):
    sources = {"unknown": Source.RECORDED, "revoked": Source.RECORDED}
    made = (verified(f"k{n}", Verdict(word), sources.get(word, Source.LIST)) for n, word in enumerate(keys))
    assert view.summary(found(*made)) == sentence


def test_a_name_from_elsewhere_moves_no_cursor_and_forges_no_markdown():
    evil = "\x1b[2J|<b>`@all"
    text = view.text(found(verified("bot", Verdict.LISTED, why=evil, remarks=(evil,))), Paint())
    assert "\x1b" not in text
    page = view.markdown(found(verified("bot", Verdict.LISTED, why=evil)))
    assert "<b>" not in page
    assert "\x1b" not in page
