"""Lines and columns, worked out from places when somebody asks."""

import pytest

from krakenctl.load import locate
from krakenctl.model.origin import KEY, Origin, Place

TEXT = """\
# a comment
kind: One
spec:
  base: &base {k: v}
  list:
    - a
    - {b: c}
  merged: {<<: *base, own: 1}
  alias: *base
---
kind: Two
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "a.yaml").write_text(TEXT)
    return tmp_path


@pytest.mark.parametrize(
    ("document", "path", "line", "column"),
    [(0, (), 2, 1), (0, ("kind",), 2, 7), (0, ("kind", KEY), 2, 1), (0, ("spec",), 3, 1), (0, ("spec", KEY), 3, 1),
     (0, ("spec", "list"), 5, 3), (0, ("spec", "list", 0), 6, 7), (0, ("spec", "list", 1, "b"), 7, 11),
     (0, ("spec", "list", 1, "b", KEY), 7, 8), (0, ("spec", "base"), 4, 9), (0, ("spec", "base", "k"), 4, 19),
     (0, ("spec", "alias"), 9, 10), (0, ("spec", "alias", "k"), 4, 19), (0, ("spec", "merged", "k"), 4, 19),
     (0, ("spec", "merged", "own"), 8, 28), (0, ("spec", "missing"), 3, 1), (0, ("spec", "missing", "deep", 3), 3, 1),
     (0, ("spec", "list", 7), 5, 3), (0, ("missing",), 2, 1), (1, ("kind",), 11, 7), (1, (), 11, 1)],
)  # fmt: skip
def test_a_place_is_where_a_person_would_look(root, document, path, line, column):
    place = Place("a.yaml", document, path)
    assert locate(root, [place]) == {place: Origin("a.yaml", line, column)}


def test_a_file_that_has_changed_meanwhile_is_the_best_there_is(root):
    places = [Place("a.yaml", 5), Place("gone.yaml", 0, ("kind",)), Place("", 0)]
    assert list(locate(root, places).values()) == [Origin("a.yaml"), Origin("gone.yaml"), Origin("")]
    (root / "a.yaml").write_bytes(b"\xff")
    assert locate(root, [Place("a.yaml", 0)]) == {Place("a.yaml", 0): Origin("a.yaml")}
    (root / "a.yaml").write_text("a: [\n")
    assert locate(root, [Place("a.yaml", 0)]) == {Place("a.yaml", 0): Origin("a.yaml")}


def test_columns_count_characters_and_not_bytes(tmp_path):
    (tmp_path / "a.yaml").write_text("{é€😀: 1, b: 2}\n")
    place = Place("a.yaml", 0, ("b", KEY))
    assert locate(tmp_path, [place]) == {place: Origin("a.yaml", 1, 10)}
