"""Who faces are: what is told, what is not, and what is noted first."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import redis

from models.errors import ThresholdsMissing
from tests.unit.workers.identities.album import (
    NOTED,
    OTHER_MODEL,
    PRESETS,
    UID,
    Album,
    axis,
    embedding,
    like,
)
from workers.contract import IdentifyOptions
from workers.errors import StoreUnavailable
from workers.identities.errors import CollectionNotFound, ContractMismatch
from workers.identities.identifier import Identifier
from workers.identities.records import ThresholdPolicy
from workers.identities.told_persons import told_results
from workers.identities.trace_records import AuditEvent
from workers.naming import Named, NamingOrder, SeenFace


@pytest.fixture
def album(fake_redis: redis.Redis) -> Album:
    return Album(fake_redis)


@pytest.fixture
def identifier(album: Album) -> Identifier:
    return Identifier(album.stores, album.searcher, PRESETS)


def _order(*faces: Any, cause: str = "job_1", **options: Any) -> NamingOrder:  # noqa: ANN401 - members
    asked = IdentifyOptions(collection=UID, by="ada", credential_id="key_1", **options)
    seen = [one if isinstance(one, SeenFace) else _seen(one) for one in faces]
    return NamingOrder(options=asked, faces=seen, cause=cause)


def _seen(vector: Any, **more: Any) -> SeenFace:  # noqa: ANN401 - members
    return SeenFace(embedding=embedding(vector), **more)


def _named(found: Sequence[Named | Exception]) -> Named:
    [one] = found
    assert isinstance(one, Named), one
    return one


def test_a_face_above_the_threshold_is_named_with_all_it_rests_on(
    album: Album, identifier: Identifier
) -> None:
    album.person("zoe", axis(0), external_id="crm-7", metadata={"team": "red"})
    album.person("max", axis(1))

    named = _named(identifier.name([_order(like(0, 0.75))]))

    [who] = named.faces
    assert who.decision == "match"
    assert who.person is not None
    [opened] = told_results(album.stores, UID, [who.person.model_dump_json()]).texts
    assert json.loads(opened) == {
        "id": "zoe",
        "name": "Zoe",
        "external_id": "crm-7",
        "metadata": {"team": "red"},
    }
    assert [one.person.id for one in who.candidates] == ["zoe"]
    assert who.similarity == pytest.approx(0.75, abs=1e-3)
    assert who.margin == pytest.approx(0.75, abs=1e-3)
    assert who.reasons == ("above_threshold",)
    told = named.whole
    assert (told.collection, told.persons, told.faces) == ("album", 2, 2)
    assert [point.far for point in told.thresholds] == [1e-2, 1e-3, 1e-4, 1e-5]
    assert told.threshold in [point.similarity for point in told.thresholds]


def test_nobody_is_named_below_the_uncertain_threshold(
    album: Album, identifier: Identifier
) -> None:
    album.person("zoe", axis(0))

    [who] = _named(identifier.name([_order(like(0, 0.2))])).faces

    assert (who.decision, who.person, who.candidates) == ("unknown", None, ())
    assert who.similarity == pytest.approx(0.2, abs=1e-3)


def test_two_who_are_equally_similar_are_listed_and_neither_is_named(
    album: Album, identifier: Identifier
) -> None:
    album.person("zoe", like(0, 0.9, beside=1))
    album.person("max", like(0, 0.9, beside=2))

    [who] = _named(identifier.name([_order(axis(0))])).faces

    assert (who.decision, who.person, who.reasons) == ("uncertain", None, ("too_close",))
    assert {one.person.id for one in who.candidates} == {"zoe", "max"}


def test_one_candidate_asked_for_is_compared_with_the_second_all_the_same(
    album: Album, identifier: Identifier
) -> None:
    album.person("zoe", like(0, 0.9, beside=1))
    album.person("max", like(0, 0.9, beside=2))

    [who] = _named(identifier.name([_order(axis(0), candidates=1)])).faces

    assert who.decision == "uncertain"
    assert len(who.candidates) == 1


def test_a_face_that_is_not_what_is_required_is_not_compared(
    album: Album, identifier: Identifier
) -> None:
    album.person("zoe", axis(0))
    spoof = _seen(axis(0), refusals=("spoof_suspected",))

    told = _named(identifier.name([_order(spoof, axis(0))]))

    assert told.faces[0].model_dump() == {
        "decision": "unknown",
        "person": None,
        "candidates": (),
        "similarity": None,
        "margin": None,
        "reasons": ("spoof_suspected",),
    }
    assert told.faces[1].decision == "match"
    none = _named(identifier.name([_order(spoof)]))
    assert (none.whole.index, none.whole.faces) == ("none", 1)


def test_what_was_deleted_after_the_search_is_not_told(album: Album) -> None:
    album.person("zoe", like(0, 0.9, beside=1))
    album.person("max", like(0, 0.5, beside=2))

    class Deletes:
        """Finds, and has somebody deleted before it says so."""

        def search(self, *args: Any, **more: Any) -> Any:  # noqa: ANN401 - handed on
            found = album.searcher.search(*args, **more)
            album.stores.persons.delete(UID, "zoe", audit=NOTED)
            return found

    identifier = Identifier(album.stores, Deletes(), PRESETS)

    [who] = _named(identifier.name([_order(axis(0))])).faces

    assert [one.person.id for one in who.candidates] == ["max"]
    assert who.margin is None


def test_two_persons_merged_after_the_search_are_one(album: Album) -> None:
    album.person("zoe", like(0, 0.9, beside=1))
    album.person("zoe2", like(0, 0.9, beside=2))

    class Merges:
        """Finds, and has two merged before it says so."""

        def search(self, *args: Any, **more: Any) -> Any:  # noqa: ANN401 - handed on
            found = album.searcher.search(*args, **more)
            album.stores.persons.merge(UID, into="zoe", person_id="zoe2", audit=NOTED)
            return found

    identifier = Identifier(album.stores, Merges(), PRESETS)

    [who] = _named(identifier.name([_order(axis(0))])).faces

    assert who.decision == "match"
    assert [one.person.id for one in who.candidates] == ["zoe"]


def test_every_image_is_noted_with_who_was_told_and_who_asked(
    album: Album, identifier: Identifier
) -> None:
    album.person("zoe", axis(0))

    identifier.name([_order(axis(0), axis(1), cause="job_1"), _order(cause="job_2")])

    assert album.audited("identified") == [
        AuditEvent(
            action="identified",
            by="ada",
            credential_id="key_1",
            cause="job_2",
            detail={"faces": "0"},
        ),
        AuditEvent(
            action="identified",
            by="ada",
            credential_id="key_1",
            cause="job_1",
            person_ids=("zoe",),
            detail={"faces": "2", "match": "1", "unknown": "1"},
        ),
    ]


def test_without_the_audit_nothing_is_told(album: Album) -> None:
    album.person("zoe", axis(0))

    class Away:
        """Takes no events."""

        def audit(self, *_: Any) -> None:  # noqa: ANN401 - whatever it is told
            raise StoreUnavailable

    stores = replace(album.stores, forgetting=Away())  # type: ignore[arg-type]

    found = Identifier(stores, album.searcher, PRESETS).name([_order(axis(0)), _order(axis(0))])

    assert [type(one) for one in found] == [StoreUnavailable] * 2


def test_an_index_that_can_not_follow_names_nobody(album: Album) -> None:
    album.person("zoe", axis(0))

    class Behind:
        """Can't read what has changed."""

        def search(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - whatever it is asked
            raise StoreUnavailable

    [found] = Identifier(album.stores, Behind(), PRESETS).name([_order(axis(0))])

    assert isinstance(found, StoreUnavailable)


def test_another_models_faces_are_not_compared(album: Album, identifier: Identifier) -> None:
    album.person("zoe", axis(0))
    foreign = SeenFace(embedding=embedding(axis(0), OTHER_MODEL))

    [found] = identifier.name([_order(foreign)])

    assert isinstance(found, ContractMismatch)


def test_one_collection_that_is_gone_does_not_keep_the_others_from_being_searched(
    album: Album, identifier: Identifier
) -> None:
    album.person("zoe", axis(0))
    gone = _order(axis(0))
    gone = replace(gone, options=gone.options.model_copy(update={"collection": "col_" + "2" * 32}))

    first, second = identifier.name([gone, _order(axis(0))])

    assert isinstance(first, CollectionNotFound)
    assert isinstance(second, Named)


def test_an_empty_collection_knows_nobody(identifier: Identifier) -> None:
    [who] = _named(identifier.name([_order(axis(0))])).faces

    assert (who.decision, who.reasons, who.similarity) == ("unknown", ("no_faces",), None)


def test_a_calibrated_collection_without_a_calibration_names_nobody(
    fake_redis: redis.Redis,
) -> None:
    album = Album(fake_redis, thresholds=ThresholdPolicy(source="calibrated"))
    album.person("zoe", axis(0))

    [found] = Identifier(album.stores, album.searcher, PRESETS).name([_order(axis(0))])

    assert isinstance(found, ThresholdsMissing)


def test_frames_that_disagree_lower_every_similarity(album: Album, identifier: Identifier) -> None:
    album.person("zoe", axis(0))

    [who] = _named(identifier.name([_order(_seen(axis(0), agreement=0.25))])).faces

    assert who.decision == "unknown"
    assert who.similarity == pytest.approx(0.25, abs=1e-3)
