"""Two requests of one `Idempotency-Key` at once: one makes the job, the other leaves no photo."""

import dataclasses
import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from api.services import Services
from workers.dispatch import MemoryJobQueue
from workers.errors import StoreRefused
from workers.jobs.memory_store import MemoryJobs
from workers.jobs.store import NewJob, Submitted, nothing

URL = "/api/v1/face/analyze"
KEY = {"Idempotency-Key": "mine"}


class RacedJobs(MemoryJobs):
    """Jobs whose next submission comes after something else has happened."""

    before: Callable[[], object] | None = None
    refuses = False
    #: The store is asked twice, as after an answer that was lost.
    loses_answer = False

    def submit(
        self, job: NewJob, *, durable: bool = True, on_stored: Callable[[], None] = nothing
    ) -> Submitted:
        if (before := self.before) is not None:
            self.before = None
            before()
            if self.refuses:
                raise StoreRefused
        if self.loses_answer:
            super().submit(job, durable=durable)
        return super().submit(job, durable=durable, on_stored=on_stored)


@pytest.fixture
def jobs(parts: Services) -> RacedJobs:
    return RacedJobs(parts.settings)


@pytest.fixture
def client(parts: Services, jobs: RacedJobs) -> FlaskClient:
    return create_app(dataclasses.replace(parts, jobs=jobs)).test_client()


@pytest.fixture
def post(client: FlaskClient, photo: Callable[..., bytes]) -> Callable[..., TestResponse]:
    def _post(width: int = 16) -> TestResponse:
        image = (io.BytesIO(photo(size=(width, 12))), "a.jpg")
        return client.post(URL, data={"image": image}, headers=KEY)

    return _post


@pytest.mark.parametrize(
    ("twin_width", "refuses", "status"), [(16, True, 503), (16, False, 202), (17, False, 409)]
)
def test_the_slower_of_two_leaves_the_other_s_photo_and_none_of_its_own(
    parts: Services,
    jobs: RacedJobs,
    post: Callable[..., TestResponse],
    twin_width: int,
    refuses: bool,
    status: int,
) -> None:
    made: list[str] = []
    jobs.before = lambda: made.append(post(twin_width).get_json()["id"])
    jobs.refuses = refuses

    response = post()

    assert response.status_code == status
    assert set(parts.blobs.older_than(-1)) == set(jobs.get(made[0]).blob_keys)


def test_a_job_made_and_deleted_meanwhile_leaves_no_photo(
    parts: Services, jobs: RacedJobs, client: FlaskClient, post: Callable[..., TestResponse]
) -> None:
    jobs.before = lambda: client.delete(f"/api/v1/jobs/{post().get_json()['id']}")

    response = post()

    assert (response.status_code, response.get_json()["code"]) == (410, "job_expired")
    assert list(parts.blobs.older_than(-1)) == []


def test_a_job_whose_answer_was_lost_keeps_its_photo_and_is_woken_for(
    parts: Services, jobs: RacedJobs, post: Callable[..., TestResponse]
) -> None:
    jobs.loses_answer = True

    job = jobs.get(post().get_json()["id"])

    assert set(parts.blobs.older_than(-1)) == set(job.blob_keys)
    assert isinstance(parts.queue, MemoryJobQueue)
    assert parts.queue.take() == (job.id, job.route.queue)
