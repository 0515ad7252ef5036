"""What is told of people who were forgotten."""

import json
from collections.abc import Callable

import httpx
from typer.testing import Result

from cli.errors import CliError
from client.testing import MADE, ScriptedGateway, deletion_body

Command = Callable[..., Result]


def _ok(body: object) -> httpx.Response:
    return httpx.Response(200, json=body)


def test_a_deletion_is_told_by_its_certificate(command: Command, scripted: ScriptedGateway) -> None:
    scripted.answers = [_ok(deletion_body())]

    told = command("people", "delete", "ada", "--yes").stdout

    assert told.startswith("deletion_1: ada of default, 1 face\n")
    assert told.count("not yet") == 2
    assert told.count("since 20") == 1


def test_a_deletion_is_waited_for_until_every_copy_is_gone(
    command: Command, scripted: ScriptedGateway
) -> None:
    done = deletion_body(keys_destroyed_at=MADE, workers_cleared_at=MADE)
    scripted.answers = [
        _ok(deletion_body()),
        _ok(deletion_body("deletion_2")),
        _ok({**done, "workers_cleared_at": None}),
        _ok({**done, "id": "deletion_2"}),
        _ok(done),
    ]

    told = command("people", "delete", "ada", "bo", "--yes", "--wait", "30", "--json")

    assert [one["workers_cleared_at"] for one in json.loads(told.stdout)] == [MADE] * 2
    # The second was done at the first look, and is not asked for again.
    assert [one.url.path.rpartition("/")[2] for one in scripted.requests[2:]] == [
        "deletion_1",
        "deletion_2",
        "deletion_1",
    ]


def test_a_wait_that_is_too_short_is_told(command: Command, scripted: ScriptedGateway) -> None:
    scripted.answers = [_ok(deletion_body()), *[_ok(deletion_body())] * 9]

    done = command("people", "delete", "ada", "--yes", "--wait", "0.1")

    assert isinstance(done.exception, CliError)
    assert "certificates deletion_1" in str(done.exception)
    assert "not yet" in done.stdout
