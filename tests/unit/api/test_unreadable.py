"""What is answered to a request whose head can't be read."""

import json

import pytest
from gunicorn.http.errors import (
    ExpectationFailed,
    InvalidHeader,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)

from api.problems import CLIENT_PROBLEMS
from api.unreadable import answer_to_unreadable


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidHeader("X-API-Key: secret"), 400),
        (LimitRequestLine(5000, 4094), 414),
        (LimitRequestHeaders("secret"), 431),
        (ExpectationFailed("secret"), 417),
        (UnsupportedTransferCoding("secret"), 501),
    ],
)
def test_it_is_a_problem_document_that_repeats_nothing(error: ParseException, status: int) -> None:
    head, _, body = answer_to_unreadable(error).partition(b"\r\n\r\n")

    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert f"Content-Length: {len(body)}".encode() in head.split(b"\r\n")
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, "invalid_request")
    assert problem["title"] == CLIENT_PROBLEMS["invalid_request"].title
    assert problem["request_id"].encode() in head
    assert b"secret" not in body
