"""Which fields differ, in the words of a manifest."""

from hypothesis import given
from hypothesis import strategies as st

from krakenctl.model.desired import SecretRef
from krakenctl.model.key import KeySpec
from krakenctl.model.permission import Permission
from krakenctl.model.written import as_written
from krakenctl.plan import diff
from plan_builders import NOW

specs = st.builds(
    KeySpec,
    permissions=st.frozensets(st.sampled_from(Permission)),
    ip_allowlist=st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::/32"]), unique=True).map(
        lambda entries: tuple(sorted(entries))
    ),
    valid_until=st.sampled_from([0, NOW, NOW + 1]),
    query_from=st.sampled_from([0, 1]),
    query_to=st.sampled_from([0, 1]),
    nonce_window=st.sampled_from([0, 1]),
    unknown_permissions=st.frozensets(st.sampled_from(["new-right"])),
)
secrets = st.sampled_from([None, SecretRef("main", "a"), SecretRef("main", "b")])


def written(**fields):
    return as_written(KeySpec(**({"permissions": frozenset()} | fields)), None)


@given(one=specs, other=specs, secret=secrets, moved=secrets)
def test_exactly_the_fields_that_differ_are_told_in_one_order(one, other, secret, moved):
    before, after = as_written(one, secret), as_written(other, moved)
    told = diff.fields(before, after)
    assert [field.field for field in told] == [name for name in diff.FIELDS if before[name] != after[name]]
    assert all((field.before, field.after) == (before[field.field], after[field.field]) for field in told)


@given(one=specs, other=specs)
def test_what_came_and_what_went_turns_the_one_list_into_the_other(one, other):
    for field in diff.fields(as_written(one, None), as_written(other, None)):
        if isinstance(field.before, list):
            assert set(field.before) - set(field.removed) | set(field.added) == set(field.after)


def test_an_empty_allow_list_is_written_out_as_any():
    [field] = diff.fields(written(ip_allowlist=("192.0.2.1",)), written())
    assert (field.added, field.removed) == (("any",), ("192.0.2.1",))


def test_times_are_written_as_people_write_them():
    [field] = diff.fields(written(), written(valid_until=NOW))
    assert (field.before, field.after) == ("never", "2027-01-15T08:00:00Z")


def test_a_life_counted_from_the_issue_wins_over_an_absolute_end():
    spec = KeySpec(permissions=frozenset(), valid_until=NOW)
    assert as_written(spec, None, 86400)["expires"] == "1d after issue"


def test_permissions_come_in_krakens_order_and_unknown_ones_after_them():
    spec = written(
        permissions=frozenset({Permission.EXPORT_DATA, Permission.QUERY_FUNDS}), unknown_permissions=frozenset({"a"})
    )
    assert spec["permissions"] == ["query-funds", "export-data", "a"]


def test_a_new_key_does_not_tell_what_is_left_as_kraken_has_it():
    told = diff.all_fields(written())
    assert [field.field for field in told] == ["permissions", "ipAllowlist", "expires", "secret"]
