"""What `-o json` prints is what the shipped schemas say, and nothing beside it."""

import copy
import json
from dataclasses import replace

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krakenctl import schema_files
from krakenctl.cli.shell import _envelope
from krakenctl.errors import BeyondLimits, InvalidManifests, KrakenctlError, PlanStale
from krakenctl.model.finding import Finding
from krakenctl.model.finding_json import finding_json
from krakenctl.model.key import KeySpec
from krakenctl.model.origin import Origin
from krakenctl.model.outcome import Outcome, Recovered, Report, Result
from krakenctl.model.permission import Permission
from krakenctl.model.plan import Action, Step, Verb
from krakenctl.model.recorded import Containment, Given, RecordedAccount
from krakenctl.model.recovery import Move, Recovery
from krakenctl.model.safety import Block, Limit
from krakenctl.plan import planfile
from krakenctl.render import recovery, report_json, state, tree
from plan_builders import DAY, NOW, account, bot, intent, memory, recorded, sub_account, wish
from plan_scenes import plans
from plan_world import wishes, worlds

NAMES = ("plan", "report", "recovery", "findings", "tree", "state", "error", "init", "inspection")
JUDGES = {name: jsonschema_rs.validator_for(schema_files.load(name)) for name in NAMES}
few = settings(max_examples=12, deadline=None)

texts = st.text(max_size=20)
origins = st.builds(Origin, texts, st.integers(0, 9), st.integers(0, 9))
outcomes = st.builds(
    Outcome,
    address=st.sampled_from([bot().address, sub_account().address]),
    action=st.sampled_from([action for action in Action if action is not Action.UNCHANGED]),
    result=st.sampled_from(Result),
    message=texts,
    hint=texts,
    code=texts,
    steps_done=st.lists(st.builds(Step, st.sampled_from(Verb), texts), max_size=3).map(tuple),
    verdict=st.sampled_from(["", "listed", "verified"]),
    live_name=texts,
)
recoveries = st.builds(
    Recovery,
    address=st.sampled_from([bot().address, sub_account().address]),
    account=texts,
    name=texts,
    move=st.sampled_from(Move),
    why=texts,
)
recovered_ones = st.builds(
    Recovered, recovery=recoveries, result=st.sampled_from(Result), message=texts, hint=texts, code=texts
)
findings = st.builds(
    Finding,
    rule=texts,
    message=texts,
    hint=texts,
    address=texts,
    addresses=st.lists(texts, max_size=2).map(tuple),
    origin=st.none() | origins,
    related=st.lists(st.tuples(texts, origins), max_size=2).map(tuple),
)


def complaints(name, document):
    return [f"{list(error.instance_path)}: {error.message}" for error in JUDGES[name].iter_errors(document)]


def objects(value, path=()):
    """Where in a document an object is."""
    if isinstance(value, dict):
        yield path
    for step, child in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from objects(child, (*path, step))


# --- the schemas themselves


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_sound_and_describes_every_field(name):
    schema = schema_files.load(name)
    jsonschema_rs.meta.validate(schema)
    bare = []
    for path in objects(schema):
        part = schema
        for step in path:
            part = part[step]
        if part.get("type") == "object":
            assert "additionalProperties" in part, path
            bare += [(path, field) for field, its in part.get("properties", {}).items() if _mute(its, schema)]
    assert not bare


def _mute(part, schema):
    if "description" in part:
        return False
    return "description" not in schema["$defs"][part["$ref"].removeprefix("#/$defs/")]


@pytest.mark.parametrize("name", NAMES)
def test_a_format_is_its_schemas_name_and_version(name):
    assert schema_files.load(name)["properties"]["format"]["const"] == f"krakenctl.{name}/v1"


def test_a_schema_knows_every_word_that_a_plan_may_use():
    parts = schema_files.load("plan")["$defs"]
    assert parts["permission"]["enum"] == [permission.value for permission in Permission]
    assert parts["step"]["properties"]["verb"]["enum"] == [verb.value for verb in Verb]
    assert [*parts["action"]["enum"], "unchanged"] == [action.value for action in Action]
    assert parts["recovery"]["properties"]["move"]["enum"] == [move.value for move in Move]
    assert parts["block"]["properties"]["class"]["enum"] == [limit.value for limit in Limit]


def test_a_saved_plan_is_what_its_schema_says():
    for plan in plans().values():
        assert not complaints("plan", json.loads(planfile.dump_saved(planfile.seal(plan, NOW + DAY))))


@few
@given(left=st.lists(recoveries, max_size=2), told=st.lists(recovered_ones, max_size=2))
def test_what_recover_tells_is_what_its_schema_says(left, told):
    assert not complaints("recovery", recovery.left_json(left))
    assert not complaints("recovery", recovery.done_json(told, "0" * 64))
    assert not complaints("report", report_json.to_json(Report(outcomes=(), recovered=tuple(told))))


# --- plans


@pytest.mark.parametrize("with_now", [True, False])
@pytest.mark.parametrize(("name", "plan"), plans().items())
def test_a_plan_is_what_its_schema_says(name, plan, with_now):
    assert not complaints("plan", planfile.to_json(plan, with_now=with_now))


@few
@given(world=worlds())
def test_any_plan_is_what_its_schema_says(world):
    assert not complaints("plan", planfile.to_json(world.plan(), with_now=True))


@pytest.mark.parametrize("extra", ["apiSecret", "secretKey", "private_key", "token", "x"])
def test_a_plan_has_no_place_for_a_secret(extra):
    sound = planfile.to_json(plans()["replace with overlap"], with_now=True)
    for path in objects(sound):
        forged = copy.deepcopy(sound)
        spot = forged
        for step in path:
            spot = spot[step]
        spot[extra] = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
        assert complaints("plan", forged), path


# --- the others


@given(done=st.lists(outcomes, max_size=3), found=st.lists(findings, max_size=2))
def test_a_report_is_what_its_schema_says(done, found):
    assert not complaints("report", report_json.to_json(Report(outcomes=tuple(done), findings=tuple(found))))


@given(found=st.lists(findings, max_size=3))
def test_findings_are_what_their_schema_says(found):
    rows = [finding_json(finding) for finding in found]
    assert not complaints("findings", {"format": "krakenctl.findings/v1", "valid": not rows, "findings": rows})


@few
@given(desired=wishes())
def test_a_tree_is_what_its_schema_says(desired):
    assert not complaints("tree", tree.to_json(desired))


def test_a_tree_tells_an_empty_allow_from_none():
    accounts = [account(own_allow=frozenset()), sub_account(own_deny=frozenset({Permission.WITHDRAW_FUNDS}))]
    drawn = tree.to_json(wish(bot(labels={"bot": "btc"}), accounts=accounts))
    assert not complaints("tree", drawn)
    [master] = drawn["accounts"]
    assert (master["allow"], master["subAccounts"][0]["deny"]) == ([], ["withdraw-funds"])
    assert "allow" not in master["subAccounts"][0]


def remembered():
    current, old = recorded(bot(), generation=2, created=0), recorded(bot(), retired_until=NOW + DAY)
    accounts = {
        "acme": RecordedAccount(name="acme", iiban="AA12"),
        "desk": RecordedAccount(name="desk", kind="SubAccount"),
    }
    strange = recorded(bot("b"), spec=KeySpec(permissions=frozenset(), unknown_permissions=frozenset({"new"})))
    contained = dict.fromkeys([bot().address, bot("gone").address], Containment(at=NOW, who="jo", reason="broken into"))
    going = recorded(bot("retired"), retired_until=NOW + DAY)
    known = memory(current, strange, retired=[old, going], intents=[intent(bot(), 3)], accounts=accounts)
    given = Given(address=bot("given").address, live_name="given.a7.g1", created=NOW)
    undated = Given(address=bot().address, live_name="bot.a7.g1", created=0)
    return replace(known, contained=contained, given=(given, undated))


@few
@given(world=worlds())
def test_any_state_is_what_its_schema_says(world):
    assert not complaints("state", state.to_json(world.recorded()))


def test_a_state_is_what_its_schema_says_and_does_not_date_what_kraken_did_not():
    listed = state.to_json(remembered())
    assert not complaints("state", listed)
    assert "created" not in listed["keys"][0]


@pytest.mark.parametrize(
    ("address", "part"),
    [
        ("ApiKey/acme/bot", "recordedKey"),
        ("Account/acme", "recordedAccount"),
        ("ApiKey/acme/gone", "containedAddress"),
        ("ApiKey/acme/given", "rememberedAddress"),
        ("ApiKey/acme/retired", "rememberedAddress"),
    ],
)
def test_one_of_the_recorded_is_what_the_schema_says(address, part):
    schema = {**schema_files.load("state"), "$ref": f"#/$defs/{part}"}
    rest = {word: schema[word] for word in ("$schema", "$ref", "$defs")}
    jsonschema_rs.validator_for(rest).validate(state.one_json(remembered(), address))


@pytest.mark.parametrize(
    "problem",
    [
        KrakenctlError("no"),
        BeyondLimits("no", blocks=[Block(limit=Limit.OPEN, message="would", flag="--allow open")], hint="--allow"),
        PlanStale("moved", differences=["account acme: planned for AA1, now AA2"], hint="plan again"),
        InvalidManifests("1 error", [Finding(rule="unknown-field", message="no", origin=Origin("x.yaml", 1, 2))]),
    ],
)
def test_an_error_is_what_its_schema_says(problem):
    assert not complaints("error", _envelope(problem))


def test_what_init_made_is_what_its_schema_says():
    made = {"format": "krakenctl.init/v1", "made": [{"path": "krakenctl.yaml", "what": "the workspace"}]}
    assert not complaints("init", made)
