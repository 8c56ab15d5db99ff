"""Every error string and every status that Kraken is known to send, and what becomes of each."""

from __future__ import annotations

import pytest

from krakenctl.errors import (
    AnswerLost,
    ExchangeError,
    LockedOut,
    NonceRefused,
    NotAuthorised,
    PermissionDenied,
    RateLimited,
    Refused,
    TooManyKeys,
    Unavailable,
    Unreachable,
)
from krakenctl.surfaces.kraken.answers import is_rate_limit, result
from krakenctl.transport.http import Answer

# The table of docs.kraken.com's errors guide and of what clients have seen (spot-rest.md, section 7).
STRINGS = {
    "EAPI:Invalid key": NotAuthorised,
    "EAPI:Invalid signature": NotAuthorised,
    "ESession:Invalid session": NotAuthorised,
    "EGeneral:Permission denied": PermissionDenied,
    "EAPI:Permission denied": PermissionDenied,
    "EGeneral:Temporary lockout": LockedOut,
    "EAPI:Rate limit exceeded": RateLimited,
    "EGeneral:Too many requests": RateLimited,
    "EAuth:Rate limit exceeded": RateLimited,
    "EAuth:Too many requests": RateLimited,
    "EService:Unavailable": Unavailable,
    "EService:Busy": Unavailable,
    "EService:Throttled": RateLimited,
    "EService: Throttled: 1800000000": RateLimited,
    "EService:Market in cancel_only mode": Unavailable,
    "EAccount:Too many API keys": TooManyKeys,
    # Nobody knows what was done.
    "EService:Deadline elapsed": AnswerLost,
    "EService:Timeout": AnswerLost,
    "EGeneral:Internal error": AnswerLost,
    "EGeneral:Internal error:1234": AnswerLost,
    "EDatabase:Internal error": AnswerLost,
    "EAPI:Invalid nonce": NonceRefused,
    # A plain no.
    "EAPI:Bad request": Refused,
    "EAPI:Feature disabled": Refused,
    "EAPI:Invalid token": Refused,
    "EAPI:Invalid arguments:asset": Refused,
    "EGeneral:Invalid arguments": Refused,
    "EGeneral:Invalid arguments:api_key_name": Refused,
    "EGeneral:Unknown method": Refused,
    "EGeneral:Unknown Method": Refused,
    "EGeneral:Invalid User:auction owned by someone else": Refused,
    "EAuth:Account temporary disabled": Refused,
    "EAuth:Account unconfirmed": Refused,
    "EAuth:Failed": Refused,
    "EAccount:Invalid permissions": Refused,
    "EAccount:Invalid permissions:XMR trading restricted": Refused,
    "EQuery:Unknown asset": Refused,
    "EQuery:Unknown asset pair": Refused,
    "EExport:Exported size too big": Refused,
    "ENew:Something of next year": Refused,
}


def failed(status, body):
    with pytest.raises(ExchangeError) as caught:
        result(Answer(status, body), "list the keys")
    assert "list the keys" in caught.value.message
    return caught.value


@pytest.mark.parametrize("shape", [{}, {"result": {}}, {"result": None}], ids=["bare", "result {}", "result null"])
@pytest.mark.parametrize(("string", "kind"), STRINGS.items())
def test_each_error_string_is_an_error_of_its_own_kind(string, kind, shape):
    for spelling in (string, string.replace(":", ": ", 1) if ": " not in string else string):
        problem = failed(200, {"error": [spelling]} | shape)
        assert type(problem) is kind
        assert spelling in problem.message
        if isinstance(problem, Refused):
            assert problem.errors == (spelling,)
            assert problem.hint or kind is Refused


@pytest.mark.parametrize("string", [string for string, kind in STRINGS.items() if kind is not Refused])
@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 502, 503])
def test_an_error_string_says_more_than_the_status_it_comes_with(string, status):
    assert type(failed(status, {"error": [string]})) is STRINGS[string]


@pytest.mark.parametrize("string", [string for string, kind in STRINGS.items() if issubclass(kind, RateLimited)])
def test_only_what_was_certainly_not_done_may_be_tried_again(string):
    assert failed(200, {"error": [string]}).retryable


@pytest.mark.parametrize("string", [string for string, kind in STRINGS.items() if not issubclass(kind, RateLimited)])
def test_nothing_else_may_be(string):
    assert not failed(200, {"error": [string]}).retryable


def test_of_several_errors_the_first_decides_and_all_are_told():
    problem = failed(200, {"error": ["EGeneral:Temporary lockout", "EAPI:Invalid key"]})
    assert type(problem) is LockedOut
    assert problem.errors == ("EGeneral:Temporary lockout", "EAPI:Invalid key")
    assert "EAPI:Invalid key" in problem.message


@pytest.mark.parametrize("warnings", [[], ["WDatabase:No change"], ["WGeneral:Danger", "WApi:Deprecated"]])
@pytest.mark.parametrize("value", [True, [], {}, {"a": 1}, None, 0])
def test_warnings_come_beside_a_result(warnings, value):
    assert result(Answer(200, {"error": warnings, "result": value}), "x") == value


def test_a_warning_before_an_error_does_not_hide_it():
    assert type(failed(200, {"error": ["WDatabase:No change", "EAPI:Invalid key"], "result": {}})) is NotAuthorised


def test_a_result_without_an_error_list_is_a_result():
    """As Connect's specification shows it."""
    assert result(Answer(200, {"result": [1]}), "x") == [1]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, NotAuthorised), (403, NotAuthorised), (429, RateLimited),
     (500, AnswerLost), (502, AnswerLost), (503, AnswerLost), (520, AnswerLost), (525, AnswerLost),
     (301, Unreachable), (302, Unreachable), (307, Unreachable), (400, Unreachable), (404, Unreachable),
     (405, Unreachable), (407, Unreachable), (204, Unreachable), (200, AnswerLost)],
)  # fmt: skip
@pytest.mark.parametrize("body", [None, "text", 7, [], ["EAPI:Invalid key"], {}, {"error": []}, {"error": {}}])
def test_what_is_not_krakens_answer_is_judged_by_its_status(status, kind, body):
    """HTML of a proxy, a portal, Cloudflare: `body` is None when it was not JSON."""
    problem = failed(status, body)
    assert type(problem) is kind
    assert status == 200 or str(status) in problem.message


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Refused), (401, NotAuthorised), (403, NotAuthorised), (429, RateLimited), (502, AnswerLost)],
)
@pytest.mark.parametrize("error", ["invalid_grant", "Bad Gateway", "token expired", "forbidden"])
def test_an_error_that_is_not_in_krakens_words_is_judged_by_its_status(status, kind, error):
    """OAuth's own shape, and that of many a gateway."""
    assert type(failed(status, {"error": error, "error_description": "more"})) is kind


@pytest.mark.parametrize("entry", [None, 7, {"code": 1}, ["EAPI:Invalid key"]])
def test_an_error_that_is_no_text_is_still_an_error(entry):
    assert isinstance(failed(200, {"error": [entry], "result": True}), Refused)


@pytest.mark.parametrize("spelling", ["EService:Throttled: 1800000000", "EService: Throttled: 1800000000"])
def test_the_time_until_which_kraken_throttles_is_heard(spelling):
    assert failed(200, {"error": [spelling]}).until == 1_800_000_000


@pytest.mark.parametrize("spelling", ["EService:Throttled", "EService: Throttled: soon", "EAPI:Rate limit exceeded"])
def test_without_a_time_there_is_none(spelling):
    assert failed(200, {"error": [spelling]}).until == 0


@pytest.mark.parametrize("answer", [Answer(429, None, wait=7), Answer(503, None, wait=7),
                                    Answer(200, {"error": ["EService:Busy"]}, wait=7)])  # fmt: skip
def test_how_long_to_wait_is_heard_whatever_is_wrong(answer):
    with pytest.raises((RateLimited, AnswerLost)) as caught:
        result(answer, "x")
    assert caught.value.wait == 7


@pytest.mark.parametrize(
    ("answer", "full"),
    [(Answer(429, None), True), (Answer(200, {"error": ["EAPI:Rate limit exceeded"]}), True),
     (Answer(200, {"error": ["EService:Busy"]}), False), (Answer(200, {"error": ["EService:Throttled: 1"]}), False),
     (Answer(200, {"error": [], "result": 1}), False), (Answer(502, None), False)],
)  # fmt: skip
def test_only_a_rate_limit_says_that_the_callers_counter_is_full(answer, full):
    assert is_rate_limit(answer) is full
