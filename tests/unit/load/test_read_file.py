"""What a manifest's text means, and what is said of a file that means nothing."""

import os
import threading
from pathlib import Path

import pytest
import yaml

from krakenctl import load
from krakenctl.load import build, content
from krakenctl.model.origin import Origin, Place

BROKEN = Path(__file__).parents[2] / "broken"


@pytest.fixture
def read(tmp_path):
    def reader(data: str | bytes):
        (tmp_path / "a.yaml").write_bytes(data.encode() if isinstance(data, str) else data)
        return load.read_file(tmp_path, "a.yaml")

    return reader


def only_rule(reading) -> str:
    [finding] = reading.findings
    return finding.rule


@pytest.mark.parametrize(
    "text",
    ["no", "yes", "on", "off", "y", "012", "0o17", "0x1f", "1e3", "1.5", ".5", "12_000", "1:30", "2025-01-01", "-0",
     "+1", "2025-01-01T00:00:00Z", "1234567890123456", "NO", ".inf", ".nan", "=", "nULL"],
)  # fmt: skip
def test_what_only_yaml_1_1_would_take_for_something_else_stays_as_it_was_written(read, text):
    [document] = read(f"a: {text}\n").documents
    assert document.value == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("True", True), ("FALSE", False), ("null", None), ("~", None), ("", None), ("0", 0), ("12", 12),
     ("-7", -7), ("123456789012345", 123456789012345), ('"12"', "12"), ("'true'", "true"), ('""', ""),
     ("!!str 12", "12"), ("!!str", ""), ("|\n  a\n  b", "a\nb\n"), (">-\n  a\n  b", "a b")],
)  # fmt: skip
def test_plain_words_and_numbers_mean_what_they_plainly_are(read, text, value):
    [document] = read(f"a: {text}\n").documents
    assert document.value == {"a": value}
    assert type(document.value["a"]) is type(value)


def test_names_of_fields_are_always_text(read):
    [document] = read("1: a\ntrue: b\n~: c\nno: d\n2025-01-01: e\n").documents
    assert list(document.value) == ["1", "true", "~", "no", "2025-01-01"]


def test_an_alias_stands_for_what_it_names(read):
    [document] = read("a: &x {k: 012}\nb: *x\nc: [*x, &y no]\nd: *y\n").documents
    assert document.value == {"a": {"k": "012"}, "b": {"k": "012"}, "c": [{"k": "012"}, "no"], "d": "no"}


def test_an_anchor_ends_with_its_document(read):
    assert only_rule(read("a: &x 1\n---\na: *x\n")) == "unknown-alias"


def test_what_is_written_wins_over_what_is_merged(read):
    [document] = read("base: &b {k: 1, l: 2}\na: {<<: *b, l: 3}\nb: {l: 3, <<: *b}\n").documents
    assert document.value["a"] == document.value["b"] == {"k": 1, "l": 3}


def test_of_several_merged_mappings_the_earlier_wins(read):
    [document] = read("x: &x {k: 1}\ny: &y {k: 2, l: 2}\na: {<<: [*x, *y]}\n").documents
    assert document.value["a"] == {"k": 1, "l": 2}


def test_a_quoted_merge_key_is_an_ordinary_name(read):
    [document] = read("a: {'<<': 1}\n").documents
    assert document.value == {"a": {"<<": 1}}


def test_documents_are_numbered_as_they_stand_and_empty_ones_are_none(read):
    reading = read("---\n---\na: 1\n---\n# nothing\n---\nb: 2\n")
    assert [(d.place.document, d.value) for d in reading.documents] == [(1, {"a": 1}), (3, {"b": 2})]


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "\ufeff", "\n\n"])
def test_a_file_without_documents_is_fine(read, text):
    assert read(text) == load.Reading((), ())


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(read):
    [document] = read("\ufeffa: 1\r\nb:\r\n  - x\r\n").documents
    assert document.value == {"a": 1, "b": ["x"]}


def test_of_a_field_written_twice_the_second_is_told_and_the_first_related(read, tmp_path):
    [finding] = read("a: 1\nb: 2\na: 3\n").findings
    assert (finding.rule, finding.origin) == ("duplicate-key", Origin("a.yaml", 3, 1))
    [(_, place)] = finding.related
    assert load.locate(tmp_path, [place]) == {place: Origin("a.yaml", 1, 1)}


def test_documents_before_a_broken_one_are_kept(read):
    reading = read("a: 1\n---\nb: 2\n---\nc: d: e\n---\nf: 1\n")
    assert [document.value for document in reading.documents] == [{"a": 1}, {"b": 2}]
    assert only_rule(reading) == "yaml-syntax"
    assert reading.findings[0].origin == Origin("a.yaml", 5, 5)


def test_every_readable_mistake_of_a_file_is_told_at_once(read):
    rules = [finding.rule for finding in read("a: 1\na: 2\nb: !x 1\nc: *d\n").findings]
    assert rules == ["duplicate-key", "yaml-tag", "unknown-alias"]


def test_a_file_of_nothing_but_mistakes_is_left_after_a_hundred(read):
    findings = read("a: 1\n" * 10_000).findings
    assert len(findings) == 101
    assert findings[-1].rule == "too-many-mistakes"


def test_a_billion_laughs_are_refused(read):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert only_rule(read("\n".join(lines))) == "alias-bomb"


def test_a_thousand_keys_may_share_one_anchor(read):
    text = "base: &b [203.0.113.1, 203.0.113.2]\n" + "".join(f"k{n}: *b\n" for n in range(1000))
    assert read(text).findings == ()


@pytest.mark.parametrize("text", ["[" * 10_000, "{a: " * 10_000, "- " * 10_000, "? " * 10_000, "[" * 100_000])
def test_ten_thousand_levels_are_refused_and_nothing_breaks(read, text):
    assert read(text).findings[-1].rule == "too-deep"


def test_aliases_do_not_hide_depth(read):
    text = "a0: &a0 " + "[" * 20 + "]" * 20 + "\n"
    text += "".join(f"a{n}: &a{n} {'[' * 20}*a{n - 1}{']' * 20}\n" for n in range(1, 5))
    assert only_rule(read(text)) == "too-deep"


def test_sixty_levels_are_fine(read):
    assert read("[" * 60 + "]" * 60).findings == ()


def test_a_file_of_fifty_megabytes_is_refused_unread(tmp_path):
    with (tmp_path / "a.yaml").open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    assert only_rule(load.read_file(tmp_path, "a.yaml")) == "too-large"


@pytest.mark.parametrize(
    ("data", "rule"),
    [(b"a: \xff\n", "not-utf8"), ("a: 1\n".encode("utf-16"), "not-utf8"), ("a: 1\n".encode("utf-16-be"), "not-utf8"),
     (b"a: 1\x00\n", "control-character"), (b"a: \x1b[2J\n", "control-character"), (b"\x00" * 4096, "not-utf8"),
     ("a: \u2028\ufeff\n".encode(), "control-character"), (b"a: \xed\xa0\x80\n", "not-utf8")],
)  # fmt: skip
def test_what_is_no_text_is_refused(read, data, rule):
    assert only_rule(read(data)) == rule


def test_a_byte_that_is_not_utf8_is_named_with_its_line(read):
    [finding] = read("a: 1\nb: é".encode() + b"\xe9\n").findings
    assert finding.origin == Origin("a.yaml", 2, 5)
    assert finding.message == "this file is not UTF-8: byte 11, in line 2, is 0xe9"


def test_a_pipe_does_not_hang_and_is_refused(tmp_path):
    os.mkfifo(tmp_path / "a.yaml")
    done = []
    thread = threading.Thread(target=lambda: done.append(load.read_file(tmp_path, "a.yaml")), daemon=True)
    thread.start()
    thread.join(5)
    assert only_rule(done[0]) == "unreadable"


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "a.yaml").mkdir()
    assert load.read_file(tmp_path, "a.yaml").findings[0].message == "this is a folder, not a file"


def test_a_file_that_has_vanished_is_a_finding(tmp_path):
    assert only_rule(load.read_file(tmp_path, "gone.yaml")) == "unreadable"


def test_a_file_we_may_not_read_is_a_finding(tmp_path, monkeypatch):
    (tmp_path / "a.yaml").write_text("a: 1\n")

    def refuse(*_args, **_more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(content.os, "open", refuse)
    [finding] = load.read_file(tmp_path, "a.yaml").findings
    assert (finding.rule, finding.message) == ("unreadable", "this cannot be read: permission denied")


def test_a_link_out_of_the_workspace_is_not_followed(tmp_path):
    (tmp_path / "w").mkdir()
    (tmp_path / "secret.yaml").write_text("a: 1\n")
    (tmp_path / "w" / "a.yaml").symlink_to(tmp_path / "secret.yaml")
    assert only_rule(load.read_file(tmp_path / "w", "a.yaml")) == "outside-workspace"
    assert only_rule(load.read_file(tmp_path / "w", "../secret.yaml")) == "outside-workspace"


def test_a_link_to_itself_is_a_finding(tmp_path):
    (tmp_path / "a.yaml").symlink_to("a.yaml")
    assert only_rule(load.read_file(tmp_path, "a.yaml")) == "symlink-loop"


def test_no_message_repeats_what_a_broken_file_says(read):
    for text in ("token: 'hunter2", "token: hunter2: x", "token: @hunter2", "- x\nhunter2: 1", "!hunter2!x a"):
        for finding in read(text).findings:
            assert "hunter2" not in finding.message + finding.hint


def test_nothing_is_read_twice_and_the_digest_knows_names_from_bytes(tmp_path):
    first, second = tmp_path / "1", tmp_path / "2"
    for folder, name, text in ((first, "a.yaml", "b: 1\n"), (second, "a.yamlb", ": 1\n")):
        folder.mkdir()
        (folder / name).write_text(text)
    assert load.read_manifests(first, ["a.yaml"]).digest != load.read_manifests(second, ["a.yamlb"]).digest
    assert load.read_manifests(first, ["a.yaml", "."]).files == ("a.yaml",)


def test_a_workspace_whose_files_are_all_empty_is_told_so(tmp_path):
    (tmp_path / "a.yaml").write_text("# to be written\n")
    [finding] = load.read_manifests(tmp_path, ["a.yaml"]).findings
    assert (finding.rule, finding.place) == ("no-manifests", Place("krakenctl.yaml", 0, ("spec", "manifests")))


def test_the_digest_changes_with_every_byte_and_not_with_the_order_of_patterns(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("a: 1\n")
    (tmp_path / "b.yaml").write_text("a: 1\n")
    digest = load.read_manifests(tmp_path, ["a.yaml", "b.yaml"]).digest
    assert digest == load.read_manifests(tmp_path, ["b.yaml", "a.yaml"]).digest
    (tmp_path / "b.yaml").write_text("a: 1 \n")
    assert digest != load.read_manifests(tmp_path, ["."]).digest


@pytest.mark.parametrize("file", sorted(BROKEN.glob("*.yaml")), ids=lambda file: file.stem)
def test_without_libyaml_the_same_is_read_and_found(file, monkeypatch):
    fast = load.read_file(BROKEN, file.name)
    monkeypatch.setattr(build, "EventSource", yaml.SafeLoader)
    slow = load.read_file(BROKEN, file.name)
    assert slow.documents == fast.documents
    assert [(f.rule, f.origin.line) for f in slow.findings] == [(f.rule, f.origin.line) for f in fast.findings]


@pytest.mark.parametrize("text", ["token: *hunter2\n", "? hunter2hunter2\n: 1\n? hunter2hunter2\n: 2\n" * 2])
def test_what_may_be_a_secret_without_its_quotes_is_not_repeated(read, text):
    text = text.replace("hunter2hunter2", "hunter2" * 8)
    for finding in read(text).findings:
        assert "hunter2" not in finding.message + finding.hint
