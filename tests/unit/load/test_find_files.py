"""Which files a pattern means. Hidden ones, our own and everything outside the workspace are never meant."""

import pytest

from krakenctl.load import files as walking
from krakenctl.load import find_files, locate
from krakenctl.model.origin import Place


@pytest.fixture
def tree(tmp_path):
    for name in ("krakenctl.yaml", "m/a.yaml", "m/b.yml", "m/notes.md", "m/deep/er/c.yaml", "m/.hidden/d.yaml",
                 "m/.e.yaml", ".krakenctl/state.yaml", "other/f.yaml"):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a: 1\n")
    return tmp_path


ALL = ("m/a.yaml", "m/b.yml", "m/deep/er/c.yaml")


@pytest.mark.parametrize(
    ("patterns", "meant"),
    [(["m"], ALL), (["m/"], ALL), (["./m"], ALL), (["m/**"], ALL), (["m/**/*.yaml"], ("m/a.yaml", "m/deep/er/c.yaml")),
     (["m/*.yaml"], ("m/a.yaml",)), (["m/*"], ALL), (["**/c.yaml"], ("m/deep/er/c.yaml",)), (["m/a.yaml", "m"], ALL),
     (["."], (*ALL, "other/f.yaml")), (["**"], (*ALL, "other/f.yaml")), (["*/[af].yaml"], ("m/a.yaml", "other/f.yaml")),
     (["m/notes.md"], ("m/notes.md",)), (["m/?.yml"], ("m/b.yml",))],
)  # fmt: skip
def test_a_pattern_means_the_manifests_below_it(tree, patterns, meant):
    assert find_files(tree, patterns) == (meant, ())


@pytest.mark.parametrize("pattern", ["nothing", "m/*.json", "**/z.yaml", "krakenctl.yaml", ".krakenctl", "m/a.yaml/b"])
def test_a_pattern_that_means_nothing_is_a_finding(tree, pattern):
    found, [finding] = find_files(tree, [pattern])
    assert (found, finding.rule) == ((), "no-manifests")


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [("m/dep", "m/deep"), ("m/dep/*.yaml", "m/deep/*.yaml"), ("m/a.yml", "m/a.yaml"),
     ("./othr/f.yaml", "other/f.yaml"), ("zzzzzz", ""), ("m/x*.yaml", ""), ("m/a.yaml/b", ""), ("krakenctl.yml", ""),
     ("m/" + "x" * 300, "")],
)  # fmt: skip
def test_a_pattern_that_means_nothing_is_told_where_it_is_written_and_what_may_be_meant(tree, pattern, meant):
    _, [finding] = find_files(tree, ["m", pattern])
    assert finding.place == Place("krakenctl.yaml", 0, ("spec", "manifests", 1))
    assert finding.hint == (f"did you mean “{meant}”" if meant else "")


def test_a_pattern_that_means_nothing_is_found_by_line_and_column(tree):
    (tree / "krakenctl.yaml").write_text("spec:\n  manifests: [m, manifess]\n")
    _, [finding] = find_files(tree, ["m", "manifess"])
    assert str(locate(tree, [finding.place])[finding.place]) == "krakenctl.yaml:2:18"


@pytest.mark.parametrize("pattern", ["..", "../*.yaml", "m/../../x", "/etc", "/etc/*.yaml", "a\0b"])
def test_no_pattern_leads_out_of_the_workspace(tree, pattern):
    found, [finding] = find_files(tree, [pattern])
    assert (found, finding.rule) == ((), "outside-workspace")


def test_a_link_out_of_the_workspace_is_told_and_not_followed(tree, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "x.yaml").write_text("a: 1\n")
    (tree / "m" / "link").symlink_to(outside)
    (tree / "m" / "x.yaml").symlink_to(outside / "x.yaml")
    found, findings = find_files(tree, ["m"])
    assert found == ALL
    assert [(finding.rule, finding.origin.file) for finding in findings] == [
        ("outside-workspace", "m/link"),
        ("outside-workspace", "m/x.yaml"),
    ]


def test_a_link_within_the_workspace_is_followed_and_no_file_read_twice(tree):
    (tree / "n").symlink_to("m/deep")
    assert find_files(tree, ["n", "m"]) == (("m/a.yaml", "m/b.yml", "n/er/c.yaml"), ())


@pytest.mark.parametrize("target", [".", "..", "../m", "loop"])
def test_links_in_a_circle_are_told_and_left(tree, target):
    (tree / "m" / "loop").symlink_to(target)
    found, [finding] = find_files(tree, ["m/**"])
    assert found == ALL
    assert finding.rule == "symlink-loop"


def test_two_folders_linked_to_each_other_end(tree):
    (tree / "m" / "o").symlink_to("../other")
    (tree / "other" / "m").symlink_to("../m")
    found, findings = find_files(tree, ["**"])
    assert set(found) == {*ALL, "m/o/f.yaml"} or set(found) == {*ALL, "other/f.yaml"}
    assert {finding.rule for finding in findings} <= {"symlink-loop"}


def test_a_link_that_leads_nowhere_is_told(tree):
    (tree / "m" / "gone.yaml").symlink_to("nowhere.yaml")
    found, [finding] = find_files(tree, ["m"])
    assert (found, finding.rule) == (ALL, "unreadable")


def test_a_folder_we_may_not_read_is_told(tree, monkeypatch):
    def refuse(_self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(walking.Path, "iterdir", refuse)
    found, [finding] = find_files(tree, ["m"])
    assert (found, finding.rule) == ((), "unreadable")


def test_folders_without_end_are_refused(tmp_path):
    path = tmp_path
    for _ in range(70):
        path = path / "d"
    path.mkdir(parents=True)
    (path / "a.yaml").write_text("a: 1\n")
    found, [finding] = find_files(tmp_path, ["d"])
    assert (found, finding.rule) == ((), "too-deep")


def test_a_folder_with_a_name_that_is_no_text_is_told(tmp_path):
    (tmp_path / b"m\xff.yaml".decode("utf-8", "surrogateescape")).write_text("a: 1\n")
    found, [finding] = find_files(tmp_path, ["."])
    assert (found, finding.rule) == ((), "unreadable")
