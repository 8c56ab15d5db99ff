"""Durations and times as people write and read them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenctl.model.time import LONGEST, parse_duration, parse_time, show_duration, show_time
from krakenctl.schema_files import load

PATTERN = re.compile(load("apikey")["$defs"]["duration"]["pattern"].replace("$", r"\Z"))


@given(seconds=st.integers() | st.integers(-(10**13), 10**13))
def test_every_number_can_be_shown_as_a_time(seconds):
    shown = show_time(seconds)
    assert shown == f"unix {seconds}" or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", shown)


@given(seconds=st.integers(0, 4_000_000_000))
def test_a_time_that_is_shown_can_be_read_again(seconds):
    assert parse_time(show_time(seconds)) == seconds


def test_an_expiry_in_milliseconds_is_shown_as_the_number_it_is():
    assert show_time(1_900_000_000_000) == "unix 1900000000000"


@given(
    count=st.integers(0, 10**6 + 1) | st.sampled_from([86400, 87600, 87601, 3650, 3651, 521, 522]),
    unit=st.sampled_from("smhdw"),
)
def test_a_duration_that_an_editor_accepts_is_accepted_here_and_no_other(count, unit):
    text = f"{count}{unit}"
    try:
        accepted = 0 < parse_duration(text) <= LONGEST
    except ValueError:
        accepted = False
    assert accepted == bool(PATTERN.search(text))


@pytest.mark.parametrize("text", ["3650d", "87600h", "521w"])
def test_ten_years_are_the_longest_duration(text):
    assert parse_duration(show_duration(parse_duration(text))) <= LONGEST


@pytest.mark.parametrize("text", ["3651d", "87601h", "522w", "999999w"])
def test_more_than_ten_years_is_refused_with_a_sentence(text):
    with pytest.raises(ValueError, match="longer than 10 years; write 3650d at most"):
        parse_duration(text)


def test_a_number_without_a_unit_is_asked_which():
    with pytest.raises(ValueError, match=r"5 what\? write 5d, 5h or 5m"):
        parse_duration("5")
