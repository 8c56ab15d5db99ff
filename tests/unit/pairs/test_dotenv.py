"""What .env files mean, in any of the ways in which people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenctl.model.secret import Secret
from krakenctl.pairs.dotenv import lines


def read(text):
    return [(line.name, line.value.reveal()) for line in lines(Secret(text))]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=x", "x"),
        ("A = x ", "x"),
        ("\ufeffA=x", "x"),
        ("export A=x", "x"),
        ("\texport\tA=x\r\n", "x"),
        ("'A'=x", "x"),
        ('A="x"', "x"),
        ("A='x'", "x"),
        ("A='x' # why", "x"),
        ('A="x" # why', "x"),
        ("A=x # why", "x"),
        ("A=x#y", "x#y"),
        ("A=x y", "x y"),
        ("A=abc/+==", "abc/+=="),
        ("A=", ""),
        ("A=   # nothing", ""),
        ('A=""', ""),
        (r'A="a\nb\"c\\"', 'a\nb"c\\'),
        (r"A='a\nb\'c\\'", r"a\nb'c" + "\\"),
        ('A="a\nb"', "a\nb"),
        ("A=${B}", "${B}"),
    ],
)
def test_a_value_is_what_its_writer_meant(text, value):
    assert read(text) == [("A", value)]


@pytest.mark.parametrize("text", ["", "\n\n", "# A=x", "  # A=x\r\n", "\ufeff"])
def test_what_says_nothing_is_nothing(text):
    assert read(text) == []


@pytest.mark.parametrize("text", ["A", "A x", "=x", 'A="x', "A='x", 'A="x" y', "a b=c"])
def test_a_line_that_cannot_be_read_is_told_by_its_number_and_the_next_is_read(text):
    found = list(lines(Secret(f"# first\r\n{text}\nB=y\n")))
    assert [line.number for line in found if not line.name] == [2]
    assert ("B", "y") in [(line.name, line.value.reveal()) for line in found]


def test_numbers_of_lines_count_values_over_several_lines():
    assert [line.number for line in lines(Secret('A="x\ny\r\nz"\nnonsense\rB=1'))] == [1, 4, 5]


names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,20}", fullmatch=True).filter(lambda name: name != "export")
breaks = st.sampled_from(["\n", "\r\n", "\r"])


def _double(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _single(value):
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


written = st.tuples(st.text(max_size=30), st.sampled_from([_double, _single])).map(lambda one: (one[0], one[1](one[0])))
plain = st.text(st.sampled_from("abcXYZ019+/=#$\\"), max_size=90).map(lambda value: (value.lstrip("#"),) * 2)


@given(
    st.lists(st.tuples(names, written | plain, st.booleans(), st.sampled_from(["", " # why", "  "])), max_size=6),
    breaks,
)
def test_whatever_is_written_is_read_again(assignments, newline):
    text = newline.join(
        f"{'export ' if exported else ''}{name}={value[1]}{after}" for name, value, exported, after in assignments
    )
    assert read(text) == [(name, value[0]) for name, value, _, _ in assignments]


@given(st.text(st.sampled_from("AB=\"'\\# \r\n\tx\ufeff"), max_size=60) | st.text(max_size=60))
def test_any_text_can_be_read(text):
    for line in lines(Secret(text)):
        assert line.number >= 1


SECRET = "c2VjcmV0" * 11


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('A="not closed', "a quote is opened and not closed"),
        ("A='not closed", "a quote is opened and not closed"),
        ("A: value", "it has : where = belongs"),
        (f"A:{SECRET}==", "it has : where = belongs"),
        (f"{SECRET[:7]}/{SECRET}==", ""),
        ("nonsense", ""),
    ],
)
def test_what_is_wrong_with_a_line_is_told_and_nothing_of_a_secret_is_taken_for_a_name(line, why):
    [found] = lines(Secret(line))
    assert (found.name, found.why) == ("", why)
