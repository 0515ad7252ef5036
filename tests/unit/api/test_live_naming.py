"""Frames of a stream name people of one collection, one vote of the newest frames of each face."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from api.errors import ApiError
from api.live.analysis import LiveFrame
from api.live_desk import JobDesk
from api.principal import LOCAL, Principal, Scope
from api.services import Services
from tests.unit.api.test_live_desk import Worker
from workers.contract import AnalyzeOptions
from workers.errors import StoreUnavailable
from workers.identities.records import (
    Collection,
    EmbeddingContract,
    NewCollection,
    NewFace,
    NewPerson,
)
from workers.identities.told_persons import sealed_person
from workers.identities.trace_records import AuditEvent

FACE_ID = f"face_{1:032x}"


@pytest.fixture
def desk(parts: Services) -> JobDesk:
    return JobDesk(parts, LOCAL)


@pytest.fixture
def people(parts: Services) -> Collection:
    """A collection of the caller's with one person, who has a face."""
    made = NewCollection(uid=f"col_{7:032x}", id="friends", owner=LOCAL.user_id)
    stores, audit = parts.identities, AuditEvent(action="collection.created", by=LOCAL.user_id)
    collection = stores.collections.create(made, most=9, audit=audit)
    stores.persons.put(collection.uid, NewPerson(id="anna", name="Anna"), audit=audit)
    face = NewFace(
        id=FACE_ID,
        vector=bytes.fromhex("003c") + bytes(2 * 3),
        quality=1.0,
        source_sha256="",
        origin="test",
        added_by="local",
    )
    contract = EmbeddingContract(model="tiny", sha256="0", preprocessing_version="1", dimensions=4)
    stores.persons.add_faces(collection.uid, "anna", [face], contract=contract, audit=audit)
    return collection


def seen(desk: JobDesk, options: AnalyzeOptions, decision: str = "match") -> Mapping[str, Any]:
    """What is told of a frame with one face, which its worker took for Anna's."""
    named = {"decision": decision, "reasons": [], "candidates": [{"face_id": FACE_ID}]}
    box = {"x": 0.1, "y": 0.1, "width": 0.2, "height": 0.2}
    face = {"bbox_normalized": box, "identity": named}
    return desk.follow(
        LiveFrame(id=None, content=b"", options=options),
        {"type": "result", "result": {"faces": [face]}},
    )


def test_a_stream_names_people_by_a_collection_of_the_caller_s(
    desk: JobDesk, people: Collection
) -> None:
    asked = desk.options({"database_id": "friends", "candidates": 2}, ["detection"])

    assert asked.identify is not None
    assert (asked.identify.collection, asked.identify.candidates) == (people.uid, 2)
    assert "recognition" in asked.analyses
    told = [seen(desk, asked)["result"]["faces"][0]["track"] for _ in range(3)]
    assert [one["decision"] for one in told] == ["uncertain", "uncertain", "match"]
    assert told[2]["person"]["name"] == "Anna"


def test_a_frame_s_answer_names_whom_its_worker_has_sealed(
    desk: JobDesk, parts: Services, people: Collection, photo: Callable[..., bytes]
) -> None:
    stores = parts.identities
    anna = stores.persons.get(people.uid, "anna")
    sealed = sealed_person(stores.seals, people.uid, anna).model_dump_json()
    asked = desk.options({"database_id": "friends"}, None)
    asked = asked.model_copy(update={"recognition_model": None})  # that of the album is made up
    with Worker(parts) as worker:
        worker.end = lambda claim: parts.jobs.succeed(claim, f'{{"faces":[{sealed}]}}')

        answer = desk.analyse(LiveFrame(id=None, content=photo(), options=asked))

    told = {"id": "anna", "name": "Anna", "external_id": "", "metadata": {}}
    assert answer["result"] == {"faces": [told]}


def test_who_was_deleted_is_named_by_no_frame_of_before(
    desk: JobDesk, parts: Services, people: Collection
) -> None:
    asked = desk.options({"database_id": "friends"}, None)
    for _ in range(4):
        seen(desk, asked)
    parts.identities.persons.delete(
        people.uid, "anna", audit=AuditEvent(action="person.deleted", by="local")
    )

    [face] = seen(desk, asked, "unknown")["result"]["faces"]

    assert (face["track"]["decision"], face["track"]["person"]) == ("unknown", None)


def test_other_wishes_begin_other_tracks(desk: JobDesk, people: Collection) -> None:
    asked = desk.options({"database_id": people.id}, None)
    for _ in range(3):
        seen(desk, asked)

    other = desk.options({"database_id": people.id, "identity_threshold": 0.9}, None)

    assert seen(desk, other)["result"]["faces"][0]["track"]["frames"] == 1


def test_a_frame_that_is_not_to_be_named_is_told_as_it_is(desk: JobDesk) -> None:
    answer = {"type": "result", "result": {"faces": [{"bbox_normalized": {}}]}}
    frame = LiveFrame(id=None, content=b"", options=AnalyzeOptions())

    assert desk.follow(frame, answer) is answer


def test_while_the_store_is_away_a_frame_names_nobody(parts: Services, people: Collection) -> None:
    class Away:
        def resolve(self, *_: object) -> Any:  # noqa: ANN401 - never answers
            raise StoreUnavailable("gone")

    asked = JobDesk(parts, LOCAL).options({"database_id": people.id}, None)
    away = replace(parts, identities=replace(parts.identities, persons=Away()))  # type: ignore[arg-type]  # of its methods one

    told = seen(JobDesk(away, LOCAL), asked)

    assert (told["type"], told["code"], told["retryable"]) == ("error", "store_unavailable", True)


@pytest.mark.parametrize(
    ("scopes", "database", "code"),
    [
        ({Scope.ANALYZE, Scope.IDENTITY_READ}, "friends", "collection_not_found"),
        ({Scope.ANALYZE}, "default", "auth_forbidden"),
    ],
)
def test_other_people_s_collections_and_missing_rights_are_told(
    parts: Services, people: Collection, scopes: set[Scope], database: str, code: str
) -> None:
    assert people.id == "friends"
    stranger = Principal(user_id="user_1", role="user", scopes=frozenset(scopes), kind="key")

    with pytest.raises(ApiError) as refused:
        JobDesk(parts, stranger).options({"database_id": database}, None)

    assert refused.value.code == code
