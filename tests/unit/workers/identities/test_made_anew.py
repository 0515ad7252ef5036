"""Jobs that enrol somebody who is deleted, and made anew under the same id."""

from dataclasses import replace

import pytest
import redis

from tests.unit.workers.identities.album import NOTED, UID, Shown, axis
from tests.unit.workers.identities.test_people_works import Works
from workers.identities.errors import PersonNotFound
from workers.jobs.options import EnrollOptions

ENROLL = EnrollOptions(collection=UID, person="zoe", by="ada")


@pytest.fixture
def works(fake_redis: redis.Redis) -> Works:
    made = Works(fake_redis)
    made.album.person("zoe")
    return made


def test_who_was_deleted_while_the_job_waited_doesnt_come_back_with_its_photos(
    works: Works,
) -> None:
    works.show(first=Shown(faces=[axis(0)]))
    claim = works.claim(ENROLL, [b"first"])
    waited = replace(claim, job=replace(claim.job, created_ms=claim.job.created_ms - 60_000))
    works.album.stores.persons.delete(UID, "zoe", audit=NOTED)
    works.album.person("zoe")

    with pytest.raises(PersonNotFound):
        works.enrolling.run(waited, is_wanted=lambda: True)
    assert works.pipeline.orders == []


def test_an_enrolment_is_for_the_person_it_began_with(works: Works) -> None:
    works.show(first=Shown(faces=[axis(0)]))

    def made_anew() -> bool:
        if not works.pipeline.orders:
            return True
        works.album.stores.persons.delete(UID, "zoe", audit=NOTED)
        works.album.person("zoe")
        return True

    with pytest.raises(PersonNotFound):
        works.run(works.enrolling, ENROLL, b"first", is_wanted=made_anew)
    assert works.faces() == 0
