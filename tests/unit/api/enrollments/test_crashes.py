"""A gateway that dies anywhere in an enrolment, and a client that sends it again."""

import dataclasses
from collections.abc import Callable
from typing import Any, Final

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from api.services import Services
from tests.unit.api.batches.forged import honest_tar

#: Calls of stores in the life of a request, in their order.
STEPS: Final = (
    "identities.persons.get",
    "batches.create",
    "batches.note_people",
    "identities.persons.put",
    "blobs.put",
    "batches.add_items",
    "batches.note_intake",
    "batches.close",
)
#: Of those, the ones that are made for each person.
OF_PERSONS: Final = ("identities.persons.get", "batches.note_people", "identities.persons.put")
#: Step, before or after it, and which of its calls it is.
MOMENTS: Final = (
    *((step, when, 1) for step in STEPS for when in ("before", "after")),
    *((step, "after", 2) for step in OF_PERSONS),
)
LIST = b"file,person_id,name\n1.jpg,anna,Anna\n2.jpg,ben,Ben\n3.jpg,anna,\n"


class DeadError(BaseException):
    """The process is gone."""


class Mortal:
    """Hands calls on; dies at one of them, the so-manieth time."""

    def __init__(self, mended: Any, name: str, when: str, times: int) -> None:  # noqa: ANN401 - any port
        self._mended = mended
        self._name = name
        self._when = when
        self._left = times

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as above
        found = getattr(self._mended, name)
        if name != self._name:
            return found

        def call(*args: object, **kwargs: object) -> object:
            self._left -= 1
            if self._left == 0 and self._when == "before":
                raise DeadError
            try:
                return found(*args, **kwargs)
            finally:
                if self._left == 0:
                    raise DeadError

        return call


@pytest.mark.parametrize(("step", "when", "times"), MOMENTS)
def test_whoever_sends_it_again_gets_the_same_report(
    parts: Services,
    client: FlaskClient,
    collection: str,
    tiny: Callable[[int], bytes],
    work: Callable[..., None],
    step: str,
    when: str,
    times: int,
) -> None:
    photos = {f"{number}.jpg": tiny(number) for number in (1, 2, 3)}
    archive = honest_tar({"manifest.csv": LIST, **photos})

    def send(to: FlaskClient) -> TestResponse:
        return to.post(
            f"{collection}/enrollments",
            data=archive,
            content_type="application/x-tar",
            headers={"Idempotency-Key": "k"},
        )

    dying = create_app(mortal(parts, step, when, times)).test_client()
    with pytest.raises(DeadError):
        send(dying)

    answer = send(client)

    assert answer.status_code == 202
    work()
    report = client.get(answer.get_json()["links"]["report"]).get_json()
    assert report["complete"]
    assert report["photos"]["enrolled"] == report["photos"]["total"] == 3
    assert report["persons"] == {"named": 2, "made": 2, "enrolled": 2, "without_face": 0}
    persons = client.get(f"{collection}/persons").get_json()["items"]
    assert [one["name"] for one in persons] == ["Anna", "Ben"]
    [batch] = client.get("/api/v1/batch/list").get_json()["items"]
    assert batch["id"] == report["batch_id"]


def mortal(parts: Services, step: str, when: str, times: int) -> Services:
    """A gateway that dies at a step."""
    *path, name = step.split(".")
    if path[0] == "identities":
        persons: Any = Mortal(parts.identities.persons, name, when, times)
        known = dataclasses.replace(parts.identities, persons=persons)
        return dataclasses.replace(parts, identities=known)
    port: Any = Mortal(getattr(parts, path[0]), name, when, times)
    changed: dict[str, Any] = {path[0]: port}
    return dataclasses.replace(parts, **changed)
