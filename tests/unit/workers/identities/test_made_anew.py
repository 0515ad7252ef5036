"""Jobs that enrol somebody who is deleted, and made anew under the same id."""

from dataclasses import replace
from typing import Any

import pytest
import redis

from tests.unit.workers.identities.album import NOTED, PRESETS, UID, Shown, axis
from tests.unit.workers.identities.test_people_works import Works
from workers.identities.enroll_work import EnrollWork
from workers.identities.enroller import Enroller
from workers.identities.errors import PersonNotFound
from workers.identities.verify_work import VerifyWork
from workers.jobs.options import EnrollOptions, VerifyOptions

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


class Reborn:
    """Persons of whom one is deleted, and made anew, right after something was asked of them."""

    def __init__(self, works: Works, after: str) -> None:
        self._works = works
        self._after = after

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any method of the port
        asked = getattr(self._works.album.stores.persons, name)
        if name != self._after:
            return asked

        def once(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the port
            found = asked(*args, **kwargs)
            self._after = ""
            self._works.album.stores.persons.delete(UID, "zoe", audit=NOTED)
            self._works.album.person("zoe")
            return found

        return once


def test_faces_of_who_was_deleted_are_no_match_of_who_was_made_anew(works: Works) -> None:
    works.show(photo=Shown(faces=[axis(0)]))
    works.album.add("zoe", axis(0))
    persons: Any = Reborn(works, after="vectors")
    stores = replace(works.album.stores, persons=persons)
    verifying = VerifyWork(stores, works.pipeline, works.blobs, PRESETS)

    with pytest.raises(PersonNotFound):
        works.run(verifying, VerifyOptions(collection=UID, person="zoe", by="ada"), b"photo")
    assert works.album.audited("verified") == []


def test_an_enrolment_tells_of_the_person_it_began_with_or_of_nobody(works: Works) -> None:
    works.show(photo=Shown(faces=[axis(0)]))
    persons: Any = Reborn(works, after="add_faces")
    stores = replace(works.album.stores, persons=persons)
    enroller = Enroller(stores, works.album.searcher, works.pipeline, works.keeper, PRESETS)

    with pytest.raises(PersonNotFound):
        works.run(EnrollWork(stores, enroller, works.blobs), ENROLL, b"photo")
