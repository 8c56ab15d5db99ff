"""No two stores of a workspace keep their secrets in one place."""

import pytest

from krakenctl.load.manifests import parse
from krakenctl.validate.stores import clashes


def found(main, two):
    stores = f"stores: {{main: {{type: age, path: {main}}}, two: {{type: age, path: {two}}}}}"
    [document] = parse(f"kind: Workspace\nspec:\n  {stores}\n".encode(), "krakenctl.yaml").documents
    return list(clashes(document))


@pytest.mark.parametrize(
    ("main", "two"),
    [
        ("secrets", "secrets"),
        ("secrets", "./secrets"),
        ("secrets", "secrets/"),
        ("secrets", "secrets/bots"),
        ("a//b", "a/./b"),
        ("secrets/bots", "secrets"),
        (".", "secrets"),
        ("secrets", "Secrets"),
    ],
)
def test_two_stores_over_one_folder_are_refused(main, two):
    [finding] = found(main, two)
    assert finding.rule == "store-clash"
    assert finding.place.path == ("spec", "stores", "two", "path")


@pytest.mark.parametrize(("main", "two"), [("secrets", "secrets-two"), ("a/b", "a/c"), ("a", "b/a")])
def test_stores_beside_each_other_are_fine(main, two):
    assert found(main, two) == []
