"""Large JSON bodies take turns, small ones don't."""

import json
import threading
from typing import Any

import pytest
from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.test import EnvironBuilder

from api.errors import ApiError
from api.inputs.json_files import SMALL_BYTES, json_members

SMALL = {"image": "a"}
LARGE = {"image": "a" * SMALL_BYTES}


def _request(members: object, *, limit_bytes: int = 4 * SMALL_BYTES) -> Request:
    text = json.dumps(members)
    request = Request(EnvironBuilder(method="POST", data=text).get_environ())
    request.max_content_length = limit_bytes
    return request


def _read(members: object, *, turn_seconds: float = 5.0) -> dict[str, Any]:
    with json_members(_request(members), json.loads, turn_seconds=turn_seconds) as found:
        return found


def test_members_are_what_was_sent() -> None:
    assert _read(SMALL) == SMALL
    assert _read(LARGE) == LARGE


def test_a_large_body_waits_for_another_and_small_ones_don_t() -> None:
    with json_members(_request(LARGE), json.loads):
        assert _read(SMALL) == SMALL
        with pytest.raises(ApiError) as raised:
            _read(LARGE, turn_seconds=0.05)

    assert raised.value.code == "gateway_busy"
    assert _read(LARGE) == LARGE


def test_one_large_body_is_in_memory_at_a_time() -> None:
    at_once: list[int] = []
    inside = threading.Semaphore(0)
    lock = threading.Lock()

    def _hold() -> None:
        with json_members(_request(LARGE), json.loads):
            with lock:
                inside.release()
                at_once.append(inside._value)
            inside.acquire()

    threads = [threading.Thread(target=_hold) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert at_once == [1] * 8


def test_the_turn_is_given_back_after_a_body_that_can_t_be_read() -> None:
    def _fails(text: bytes) -> dict[str, Any]:
        raise ApiError("invalid_request", f"{len(text)} bytes of nonsense")

    for _ in range(2):
        with pytest.raises(ApiError), json_members(_request(LARGE), _fails, turn_seconds=1):
            pass


def test_a_body_above_the_limit_is_refused() -> None:
    request = _request(LARGE, limit_bytes=SMALL_BYTES)

    with pytest.raises(RequestEntityTooLarge), json_members(request, json.loads):
        pass
