"""Limits as clients meet them: what a request costs, what is told, and what is refused."""

import dataclasses
import io
import re
import secrets
from collections.abc import Callable, Sequence

import pytest
import redis
from flask.testing import FlaskClient
from pydantic import SecretStr
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart

from api.app import create_app
from api.limits.limiter import Cost, Verdict
from api.limits.rules import Rules
from api.principal import ANONYMOUS, Principal, Scope
from api.services import Services
from api.testing import memory_parts
from api.unannounced_body import STEP_BYTES
from workers.choices import expected_models
from workers.contract import AnalyzeOptions
from workers.errors import StoreUnavailable
from workers.settings.process import Settings

Served = Callable[..., FlaskClient]
DEVELOPER = Principal(
    user_id="user_1",
    role="developer",
    scopes=frozenset(Scope),
    kind="key",
    credential_id="key_1",
)


@pytest.fixture
def served(fake_redis: redis.Redis) -> Served:
    """A gateway without accounts that limits even its operator."""

    def _served(**numbers: int) -> FlaskClient:
        settings = Settings.model_validate({"auth": "off", "limit_roles": ("admin",), **numbers})
        return create_app(memory_parts(settings, fake_redis)).test_client()

    return _served


def costs(settings: Settings, caller: Principal = DEVELOPER, **request: object) -> dict[str, int]:
    asked = {"bucket": "read", "address": "192.0.2.1", "upload_bytes": 0} | request
    found = Rules(settings).of_request(
        asked["bucket"],  # type: ignore[arg-type]  # a bucket's name
        caller,
        str(asked["address"]),
        upload_bytes=int(str(asked["upload_bytes"])),
    )
    return {f"{cost.policy.name}:{cost.subject}": cost.amount for cost in found}


def test_answers_tell_what_is_left(served: Served) -> None:
    client = served(limit_user_per_minute=100)

    response = client.get("/api/v1/jobs")

    assert response.headers["RateLimit-Policy"] == '"user";q=100;w=60'
    assert response.headers["RateLimit"] == '"user";r=99;t=1'
    assert response.headers["X-RateLimit-Limit"] == "100"
    assert response.headers["X-RateLimit-Remaining"] == "99"


def test_who_asks_for_too_much_is_told_when_to_come_again(served: Served) -> None:
    client = served(limit_user_per_minute=2)

    client.get("/api/v1/jobs")
    client.get("/api/v1/jobs")
    response = client.get("/api/v1/jobs")
    body = response.get_json()

    assert (response.status_code, body["code"]) == (429, "rate_limit_exceeded")
    assert (body["retryable"], body["violated_policies"]) == (True, ["user"])
    assert 25 <= int(response.headers["Retry-After"]) <= 30
    assert response.headers["X-RateLimit-Retry-After"] == response.headers["Retry-After"]
    assert body["retry_after_seconds"] == int(response.headers["Retry-After"])


def test_health_and_documents_are_never_limited(served: Served) -> None:
    client = served(limit_user_per_minute=1)

    statuses = {client.get("/health/live").status_code for _ in range(3)}

    assert statuses == {200}
    assert "RateLimit" not in client.get("/openapi.json").headers


def test_limits_of_nothing_are_no_limits(served: Served) -> None:
    client = served(limit_user_per_minute=0, limit_address_per_minute=0, limit_images_per_hour=0)

    response = client.get("/api/v1/jobs")

    assert (response.status_code, "RateLimit" in response.headers) == (200, False)


def test_the_operator_is_not_limited_unless_that_is_asked_for(client: FlaskClient) -> None:
    assert "RateLimit" not in client.get("/api/v1/jobs").headers


def test_a_request_costs_what_it_is() -> None:
    settings = Settings(limit_key_per_minute=50, limit_upload_mb_per_hour=1000)
    calls = {"user:user_1": 1, "key:key_1": 1}

    assert costs(settings) == calls
    assert costs(settings, bucket="free") == {}
    assert costs(settings, bucket="batch") == calls | {"batches:user_1": 1}
    assert costs(settings, bucket="analysis", upload_bytes=5000) == calls | {
        "images:user_1": 1,
        "upload:user_1": 5000,
    }


def test_strangers_are_counted_by_address_and_logins_more_strictly() -> None:
    assert costs(Settings(), ANONYMOUS) == {"address:192.0.2.1": 1}
    assert costs(Settings(), ANONYMOUS, bucket="login") == {
        "address:192.0.2.1": 1,
        "login:192.0.2.1": 1,
    }


def test_administrators_cost_nothing() -> None:
    admin = dataclasses.replace(DEVELOPER, role="admin")

    assert costs(Settings(), admin, bucket="analysis") == {}


def test_bad_credentials_draw_from_the_address(fake_redis: redis.Redis) -> None:
    settings = Settings(limit_address_per_minute=2, gateway_secret=SecretStr(secrets.token_hex()))
    client = create_app(memory_parts(settings, fake_redis)).test_client()
    bad = {"X-API-Key": "fs_live_nonsense"}

    answers = [client.get("/api/v1/jobs", headers=bad) for _ in range(3)]

    assert [one.get_json()["code"] for one in answers] == [
        "auth_invalid",
        "auth_invalid",
        "rate_limit_exceeded",
    ]
    assert answers[2].headers["Retry-After"]


def test_without_the_store_requests_are_refused_and_health_is_told(
    fake_redis: redis.Redis,
) -> None:
    class Away:
        def take(self, costs: Sequence[Cost]) -> Verdict:
            raise StoreUnavailable(f"asked for {len(costs)}")

    settings = Settings(auth="off", limit_roles=("admin",))
    parts = dataclasses.replace(memory_parts(settings, fake_redis), limiter=Away())
    client = create_app(parts).test_client()

    assert client.get("/api/v1/jobs").get_json()["code"] == "store_unavailable"
    assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize("images", [1, 3])
def test_an_analysis_costs_its_photos(
    served: Served, photo: Callable[..., bytes], images: int
) -> None:
    client = served(limit_images_per_hour=10)
    address = "/api/v1/face/analyze" if images == 1 else "/api/v1/face/liveness"
    name = "image" if images == 1 else "images"
    content = photo()
    files = [FileStorage(io.BytesIO(content), filename=f"{number}.jpg") for number in range(images)]
    boundary, body = encode_multipart(MultiDict((name, file) for file in files))

    response = client.post(
        address, data=body, content_type=f"multipart/form-data; boundary={boundary}"
    )

    assert response.status_code == 202
    assert f'"images";r={10 - images};' in response.headers["RateLimit"]


def sent_in_chunks(client: FlaskClient, size_bytes: int) -> TestResponse:
    """A list of photos as a body that announces no length, as our server hands it on."""
    return client.post(
        "/api/v1/batch/submit",
        input_stream=io.BytesIO(b"\n" * size_bytes),
        headers={"Transfer-Encoding": "chunked", "Content-Type": "application/x-ndjson"},
        environ_overrides={"wsgi.input_terminated": True},
    )


def test_a_body_that_announces_no_length_costs_what_has_arrived_of_it(served: Served) -> None:
    client = served(limit_upload_mb_per_hour=2)

    first = sent_in_chunks(client, 1_000_000)
    second = sent_in_chunks(client, 1_000_000)

    assert first.get_json()["code"] == "batch_empty"
    [left] = re.findall(r'"upload";r=(\d+);', first.headers["RateLimit"])
    # It fills again all the time.
    assert 0 <= int(left) - (2_000_000 - 4 * STEP_BYTES) < STEP_BYTES
    assert (second.status_code, second.get_json()["violated_policies"]) == (429, ["upload"])


def test_what_had_arrived_when_a_limit_was_reached_need_not_be_sent_again(served: Served) -> None:
    client = served(limit_upload_mb_per_hour=2)
    version = {"Tus-Resumable": "1.0.0"}
    announced = client.post("/api/v1/uploads", headers={**version, "Upload-Length": "3000000"})

    sent = client.patch(
        announced.location,
        headers={
            **version,
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
            "Transfer-Encoding": "chunked",
        },
        input_stream=io.BytesIO(bytes(3_000_000)),
        environ_overrides={"wsgi.input_terminated": True},
    )

    assert sent.status_code == 429
    kept = int(client.head(announced.location, headers=version).headers["Upload-Offset"])
    assert kept == 2_000_000 // STEP_BYTES * STEP_BYTES


def test_a_full_queue_tells_the_expected_wait(
    parts: Services, post_form: Callable[..., TestResponse], photo: Callable[..., bytes]
) -> None:
    models = expected_models(AnalyzeOptions(), parts.catalogue)
    parts.fleet.beat_cpu("host:1", live_seconds=60)
    parts.fleet.learn(service_ms={("cpu", model): 100_000 / len(models) for model in models})
    for size in range(1, 4):
        assert post_form(photo(size=(16, 16 + size))).status_code == 202

    response = post_form(photo())
    body = response.get_json()

    assert (response.status_code, body["code"]) == (503, "queue_full")
    assert (body["waiting_jobs"], body["expected_wait_seconds"]) == (3, 300)
    assert response.headers["Retry-After"] == "30"


def test_a_full_queue_of_unknown_speed_has_a_fixed_answer(
    post_form: Callable[..., TestResponse], photo: Callable[..., bytes]
) -> None:
    for size in range(1, 4):
        post_form(photo(size=(16, 16 + size)))

    response = post_form(photo())

    assert "expected_wait_seconds" not in response.get_json()
    assert response.headers["Retry-After"] == "10"
