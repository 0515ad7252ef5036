"""GET /api/v1/jobs: one's own, in parts."""

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from api.answers.jobs import JobList
from api.cursors import cursor_of, place_of
from api.errors import ApiError
from api.services import Services
from workers.jobs.store import Claim, Place

URL = "/api/v1/jobs"
NEXT = re.compile(r'<(/api/v1/jobs\?[^>]+)>; rel="next"')


def test_a_list_is_followed_by_its_links_to_the_end(
    client: FlaskClient, give: Callable[..., str]
) -> None:
    given = {give(number, tags=("sea",)) for number in range(7)}
    give(100, tags=("hills",))
    give(101, owner="somebody else", tags=("sea",))

    found: list[str] = []
    url: str | None = f"{URL}?limit=3&tag=sea"
    while url:
        response = client.get(url)
        page = JobList.model_validate_json(response.data)
        found += [job.id for job in page.items]
        assert len(page.items) <= 3
        link = NEXT.fullmatch(response.headers.get("Link", ""))
        assert (link is None) == (page.next_cursor is None)
        url = link[1] if link else None

    assert sorted(found) == sorted(given)


def test_a_list_shows_no_results_and_is_kept_by_nobody(
    client: FlaskClient, parts: Services, give: Callable[..., str], claimed: Callable[[str], Claim]
) -> None:
    parts.jobs.succeed(claimed(give(1)), '{"faces": []}')

    response = client.get(URL)

    [job] = response.get_json()["items"]
    assert job["state"] == "succeeded"
    assert job["expires_at"] > job["finished_at"]
    assert "result" not in job
    assert response.headers["Cache-Control"] == "private, no-store"


def test_a_list_is_filtered_by_state(
    client: FlaskClient, give: Callable[..., str], claimed: Callable[[str], Claim]
) -> None:
    waiting, running = give(1), give(2)
    claimed(running)

    for state, ids in (("queued", [waiting]), ("running", [running]), ("failed", [])):
        found = client.get(f"{URL}?state={state}").get_json()["items"]
        assert [job["id"] for job in found] == ids


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("state=done", "state"),
        ("tag=a b", "tag"),
        ("tag=", "tag"),
        ("after=x", "after"),
        ("after=MTIzNA", "after"),
        ("after=" + "A" * 201, "after"),
        ("owner=bob", "owner"),
        ("limit=2&limit=3", "limit"),
    ],
)
def test_a_wrong_parameter_is_named(client: FlaskClient, query: str, field: str) -> None:
    response = client.get(f"{URL}?{query}")

    assert (response.status_code, response.get_json()["field"]) == (422, field)


def test_a_cursor_is_read_back_and_nothing_else_is_one() -> None:
    place = Place(created_ms=1_763_894_586_123, id="job_" + "0f" * 16)

    cursor = cursor_of(place)

    assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor)
    assert place_of(cursor) == place
    for wrong in (cursor[:-3], cursor + "A", "", "é", "!" + cursor):
        with pytest.raises(ApiError):
            place_of(wrong)
