"""What holds for every manifest, not only for those that somebody thought of."""

import copy
from pathlib import Path

import jsonschema_rs
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from krakenctl import load, validate
from krakenctl.load.manifests import parse
from krakenctl.model.document import Document
from krakenctl.model.finding import Severity
from krakenctl.model.origin import KEY, Place
from krakenctl.model.permission import ALL, Permission
from krakenctl.model.workspace import StateSettings, StoreSettings, Workspace
from krakenctl.schema_files import KINDS, load_kinds
from krakenctl.validate.explain import validator
from krakenctl.validate.hierarchy import ceiling
from krakenctl.validate.networks import canonical

SCHEMAS = load_kinds()
FAST = {kind: jsonschema_rs.validator_for(schema) for kind, schema in SCHEMAS.items()}
THOROUGH = {kind: validator(schema) for kind, schema in SCHEMAS.items()}
WORKSPACE = Workspace(
    name="acme",
    endpoint="sandbox",
    tag="a7",
    manifests=("manifests",),
    state=StateSettings(path="state.db"),
    stores={"desk": StoreSettings(type="age", path="secrets")},
    default_store="desk",
    credentials={},
)

unhurried = settings(deadline=None)  # a busy machine is no mistake

permission_sets = st.frozensets(st.sampled_from(Permission))
bounds = st.tuples(st.none() | permission_sets, permission_sets)


@unhurried
@given(levels=st.lists(bounds, max_size=6))
def test_a_ceiling_only_ever_shrinks_on_its_way_down(levels):
    above = ALL
    for allow, deny in levels:
        below = ceiling(above, allow, deny)
        assert below <= above
        assert not below & deny
        above = below


@unhurried
@given(above=permission_sets, level=bounds, more=permission_sets)
def test_another_deny_never_adds_a_permission(above, level, more):
    allow, deny = level
    assert ceiling(above, allow, deny | more) <= ceiling(above, allow, deny)


# --- reading


@unhurried
@given(data=st.binary(max_size=300))
def test_no_bytes_make_reading_fail(data):
    for finding in parse(data, "a.yaml").findings:
        assert finding.message


yaml_bits = st.sampled_from(
    ["a", "b: ", "- ", "? ", ": ", "\n", "  ", "\t", "&x ", "*x", "<<: ", "{", "}", "[", "]", ",", "'", '"', "|", ">",
     "!t ", "!!str ", "---\n", "...\n", "%YAML 1.2\n", "#c", "\\", "\r", "é", "\x85", "\u2028", "1", "~", "@", "`"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(text=st.lists(yaml_bits, max_size=25).map("".join))
def test_no_text_that_is_almost_yaml_makes_reading_fail(text):
    for finding in parse(text.encode(), "a.yaml").findings:
        assert finding.origin is not None
        assert "\n" not in finding.message


words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**14), 10**14) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=12,
)


class Quoting(yaml.SafeDumper):
    """Quotes every text, so that nothing is left to guess."""

    def ignore_aliases(self, data):
        return True


Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


def dump(value) -> bytes:
    return yaml.dump(value, Dumper=Quoting, allow_unicode=False).encode()


@unhurried
@given(value=values.filter(lambda value: value is not None))
def test_what_is_written_with_quotes_is_read_as_it_was(value):
    reading = parse(dump(value), "a.yaml")
    assert reading.findings == ()
    assert [document.value for document in reading.documents] == [value]


def places(value, path=()):
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in children:
        if isinstance(step, str):
            yield (*path, step, KEY)
        yield from places(child, (*path, step))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("located")


names = st.text("abcxyz", min_size=1, max_size=5)


@unhurried
@given(value=st.dictionaries(names, st.dictionaries(names, names, min_size=1), min_size=1))
def test_every_field_is_found_on_the_line_that_holds_it(folder: Path, value):
    text = yaml.safe_dump(value, default_flow_style=False)
    (folder / "a.yaml").write_text(text)
    lines = text.splitlines()
    asked = [Place("a.yaml", 0, path) for path in places(value) if path[-1:] == (KEY,)]
    for place, origin in load.locate(folder, asked).items():
        name = str(place.path[-2])
        found = lines[origin.line - 1][origin.column - 1 :]
        assert found.startswith((f"{name}:", f"'{name}':"))


# --- the two validators


def account(**spec):
    return {"apiVersion": "krakenctl/v1", "kind": "Account", "metadata": {"name": "acme"},
            "spec": {"surface": "connect", "keyDefaults": {"ipAllowlist": "any"}, **spec}}  # fmt: skip


def whole(kind):
    """A document of this kind with every field, taken from the schema's own examples."""
    schema = SCHEMAS[kind]
    return _example(schema, schema["$defs"])


def _example(schema, definitions):
    if "$ref" in schema:
        own = {word: part for word, part in schema.items() if word != "$ref"}
        return _example(definitions[schema["$ref"].rsplit("/", 1)[1]] | own, definitions)
    if schema.get("properties"):
        return {name: _example(part, definitions) for name, part in schema["properties"].items()}
    return copy.deepcopy(schema["examples"][0])


def spots(value, path=()):
    return list(places(value, path))


junk = st.sampled_from(
    [None, True, False, 0, 1, -1, 10**15, "", "any", "90d", "90d\n", "٣d", "a", "no", [], ["a", "a"], [1, True], [None],
     {}, {"x": 1}, "2027-01-01", "2027-01-01\n", "env:X", "store:a/b", "a\n", "a7", "a7\n", "query-funds", "é",
     ["query-funds"], ["query-funds", "query-funds"], "https://a.example\n", "x" * 70, "AA12 N84G EXAM PLE1", "sqlite",
     {"name": "a"}, {"from": "2025-01-01"}, {"nonce": "ms"}, {"": "a"}, {"desk": {"type": "age", "path": "s"}}]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_the_fast_and_the_thorough_validator_agree_and_a_no_is_always_explained(data):
    kind = data.draw(st.sampled_from(KINDS))
    document = whole(kind)
    for _ in range(data.draw(st.integers(0, 3))):
        mutate(document, data)
    fits = FAST[kind].is_valid(document)
    assert fits == (not list(THOROUGH[kind].iter_errors(document)))
    if not fits and isinstance(document, dict) and document.get("kind") == kind:
        schemas = SCHEMAS
        found = (
            validate.workspace(Document(Place("a", 0), document), schemas)[1]
            if kind == "Workspace"
            else validate.desired([Document(Place("a", 0), document)], WORKSPACE, "", schemas)[1]
        )
        assert any(finding.severity is Severity.ERROR for finding in found)


def mutate(document, data):
    """Put something odd in one spot, take a field away, or add one."""
    paths = [path for path in spots(document) if path and path[-1] != KEY]
    if not paths:
        return
    *way, last = data.draw(st.sampled_from(paths))
    holder = document
    for step in way:
        holder = holder[step]
    deed = data.draw(st.sampled_from(["replace", "delete", "add"]))
    if deed == "delete":
        del holder[last]
    elif deed == "add" and isinstance(holder, dict):
        holder[data.draw(st.sampled_from(["colour", "name", "validUntil", "Acme", "a b", ""]))] = copy.deepcopy(
            data.draw(junk)
        )
    else:
        holder[last] = copy.deepcopy(data.draw(junk))


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_made_of_the_schemas_examples_is_valid(kind):
    assert FAST[kind].is_valid(whole(kind)), list(THOROUGH[kind].iter_errors(whole(kind)))


# --- sense


def key(name, holder, permissions):
    return {"apiVersion": "krakenctl/v1", "kind": "ApiKey", "metadata": {"name": name},
            "spec": {"account": holder, "grants": {"permissions": sorted(permissions)}}}  # fmt: skip


def sub(name, deny):
    return {"apiVersion": "krakenctl/v1", "kind": "SubAccount", "metadata": {"name": name},
            "spec": {"account": "acme", "permissions": {"deny": sorted(deny)}}}  # fmt: skip


@unhurried
@given(
    deny=permission_sets,
    keys=st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["acme", "desk", "lost"]), permission_sets), max_size=5
    ),
    order=st.randoms(use_true_random=False),
)
def test_the_order_of_documents_does_not_matter(deny, keys, order):
    values = [account(), sub("desk", deny), *(key(*each) for each in keys)]
    documents = [Document(Place("a.yaml", number), value) for number, value in enumerate(values)]
    shuffled = list(documents)
    order.shuffle(shuffled)
    assert validate.desired(documents, WORKSPACE, "d", SCHEMAS) == validate.desired(shuffled, WORKSPACE, "d", SCHEMAS)


@unhurried
@given(deny=permission_sets, more=permission_sets, granted=permission_sets.filter(bool))
def test_another_deny_never_makes_a_key_possible(deny, more, granted):
    def possible(denied):
        values = [account(surface="website"), sub("desk", denied), key("bot", "desk", granted)]
        documents = [Document(Place("a.yaml", number), value) for number, value in enumerate(values)]
        return validate.desired(documents, WORKSPACE, "d", SCHEMAS)[0] is not None

    assert possible(deny) == (not granted & deny)
    assert possible(deny) or not possible(deny | more)


@unhurried
@given(deny=permission_sets, granted=permission_sets)
def test_no_key_that_passes_holds_more_than_its_ceiling(deny, granted):
    values = [account(permissions={"deny": sorted(deny)}), key("bot", "acme", granted)]
    documents = [Document(Place("a.yaml", number), value) for number, value in enumerate(values)]
    wished, _ = validate.desired(documents, WORKSPACE, "d", SCHEMAS)
    for each in wished.keys.values() if wished else ():
        assert each.grants <= wished.accounts[each.account].ceiling


addresses = st.ip_addresses().map(str) | st.ip_addresses(v=4).flatmap(
    lambda address: st.integers(1, 32).map(lambda bits: f"{address}/{bits}")
)


@unhurried
@given(written=st.lists(addresses | st.text(max_size=20), max_size=6))
def test_a_canonical_allow_list_stays_as_it_is(written):
    entries, remarks = canonical(written)
    assert entries or not written or any(remark.is_error for remark in remarks)  # never `any` by accident
    again = canonical(entries)
    assert again.entries == entries
    assert not [remark for remark in again.remarks if remark.is_error]


@unhurried
@given(written=st.lists(addresses, max_size=6), order=st.randoms(use_true_random=False))
def test_the_order_of_an_allow_list_does_not_matter(written, order):
    shuffled = list(written)
    order.shuffle(shuffled)
    assert canonical(written).entries == canonical(shuffled).entries
