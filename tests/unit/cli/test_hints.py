"""Errors with the command that mends them."""

import pytest

from cli.hints import hint_of
from client import ClientError, GatewayAway
from client.errors import problem_of


@pytest.mark.parametrize(
    ("status", "code", "command"),
    [
        (401, "auth_required", "facesocial login"),
        (404, "collection_not_found", "facesocial collections create ID"),
        (404, "person_not_found", "facesocial people list --collection ID"),
    ],
)
def test_a_problem_names_the_command_that_mends_it(status: int, code: str, command: str) -> None:
    assert command in hint_of(problem_of(status, {"code": code}))


def test_a_gateway_that_is_away_may_have_to_be_started() -> None:
    assert "`facesocial up` starts one" in hint_of(GatewayAway())


def test_where_no_command_helps_nothing_is_added() -> None:
    assert hint_of(problem_of(422, {"code": "validation_error"})) == ""
    assert hint_of(ClientError("?")) == ""
