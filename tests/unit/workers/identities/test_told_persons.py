"""Persons in stored results: nothing of them in the open, and nothing at all once forgotten."""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import pytest
import redis
import structlog

from tests.unit.workers.identities.album import NOTED, PRESETS, UID, Album, axis, embedding
from workers.blobs.store import MemoryBlobs
from workers.contract import IdentifyOptions
from workers.identities.errors import VaultUnavailable
from workers.identities.forgetting import Forgetting
from workers.identities.identifier import Identifier
from workers.identities.keys import VaultSeals
from workers.identities.opening import Identities
from workers.identities.records import NewPerson, Person
from workers.identities.told_persons import sealed_person, told_results
from workers.identities.vault import MemoryVault
from workers.naming import Named, NamingOrder, SeenFace

#: All that is known of a person, but for the id.
SECRETS = {"name": "Zoe", "external_id": "crm-7", "metadata": {"team": "red"}}
NOTHING = {"name": None, "external_id": None, "metadata": None}


class Asked:
    """A ForgettingStore of which one thing is asked, counted."""

    def __init__(self, stores: Identities) -> None:
        self._stores = stores
        self.times = 0

    def doomed_among(self, uid: str, leaves: Collection[int]) -> Collection[int]:
        self.times += 1
        return self._stores.forgetting.doomed_among(uid, leaves)


class LockedVault(MemoryVault):
    """A vault that can be locked, and counts who asks."""

    is_locked = False
    reads = 0

    def read(self, uid: str) -> bytes | None:
        self.reads += 1
        if self.is_locked:
            raise VaultUnavailable("The vault is away.")
        return super().read(uid)


@pytest.fixture
def album(fake_redis: redis.Redis) -> Album:
    made = Album(fake_redis)
    made.person("zoe", axis(0), external_id="crm-7", metadata={"team": "red"})
    return made


def named(stores: Identities, album: Album, *faces: int) -> str:
    """The result of a job that named faces, as it is stored."""
    seen = [SeenFace(embedding=embedding(axis(number))) for number in faces]
    order = NamingOrder(options=IdentifyOptions(collection=UID), faces=seen, cause="job_1")
    [found] = Identifier(stores, album.searcher, PRESETS).name([order])
    assert isinstance(found, Named), found
    one = ",".join(face.model_dump_json(exclude_unset=True) for face in found.faces)
    return f'{{"note":"a \\"quoted\\" text","faces":[{one}]}}'


def told(stores: Identities, *texts: str) -> list[dict[str, Any]]:
    """Whom results name, as they are told now."""
    found = told_results(stores, UID, texts)
    return [face["person"] for text in found.texts for face in json.loads(text)["faces"]]


def forget(album: Album) -> None:
    """Have the keys of who was deleted destroyed."""
    Forgetting(album.stores, MemoryBlobs()).round()


def test_a_result_is_stored_with_an_id_and_told_with_everything(album: Album) -> None:
    stored = named(album.stores, album, 0)

    assert '"id":"zoe"' in stored
    for secret in ("Zoe", "crm-7", "team", "red"):
        assert secret not in stored
    assert told(album.stores, stored) == [{"id": "zoe", **SECRETS}]
    whole = json.loads(told_results(album.stores, UID, [stored]).texts[0])
    assert whole["note"] == 'a "quoted" text'
    assert whole["faces"][0]["candidates"][0]["person"] == {"id": "zoe", **SECRETS}


def test_who_is_deleted_is_told_by_no_result_from_then_on_and_can_be_read_by_nobody_later(
    album: Album,
) -> None:
    stored = named(album.stores, album, 0)
    album.stores.persons.delete(UID, "zoe", audit=NOTED)

    # The key is still there: the store says that it is doomed.
    at_once = told(album.stores, stored)
    forget(album)
    later = told(album.stores, stored)

    assert at_once == later == [{"id": "zoe", **NOTHING, "unreadable": "forgotten"}]
    # An old copy of the store knows nothing of it: the key itself is gone.
    leaf = int(json.loads(stored)["faces"][0]["person"]["sealed"].partition(".")[0])
    assert album.seals.next_leaf(UID, leaf) != leaf


def test_somebody_new_under_the_same_id_is_not_whom_an_old_result_names(album: Album) -> None:
    stored = named(album.stores, album, 0)
    album.stores.persons.delete(UID, "zoe", audit=NOTED)
    album.stores.persons.put(UID, NewPerson(id="zoe", name="Another Zoe"), audit=NOTED)

    before = told(album.stores, stored)
    forget(album)

    assert before == told(album.stores, stored)
    assert [one["unreadable"] for one in before] == ["forgotten"]


def test_a_result_has_the_name_of_then(album: Album) -> None:
    stored = named(album.stores, album, 0)

    album.stores.persons.change(
        UID, NewPerson(id="zoe", name="Zoe Doe"), revision=None, audit=NOTED
    )

    assert told(album.stores, stored) == [{"id": "zoe", **SECRETS}]


def test_whom_somebody_was_merged_into_takes_their_results_along(album: Album) -> None:
    album.person("max", axis(1))
    stored = named(album.stores, album, 0)
    album.stores.persons.merge(UID, into="max", person_id="zoe", audit=NOTED)
    assert told(album.stores, stored) == [{"id": "zoe", **SECRETS}]

    album.stores.persons.delete(UID, "max", audit=NOTED)

    assert [one["unreadable"] for one in told(album.stores, stored)] == ["forgotten"]


@pytest.mark.parametrize("is_destroyed", [False, True])
def test_results_of_a_deleted_collection_name_nobody(album: Album, *, is_destroyed: bool) -> None:
    stored = named(album.stores, album, 0)
    album.stores.collections.delete(UID, audit=NOTED)
    if is_destroyed:
        forget(album)

    assert told(album.stores, stored) == [{"id": "zoe", **NOTHING, "unreadable": "forgotten"}]


def test_while_the_keys_can_t_be_had_a_result_says_so_and_tells_the_rest(album: Album) -> None:
    vault = LockedVault()
    seals = VaultSeals(vault, held_seconds=0)
    stored = named(album.stores, album, 0, 0)
    stores = replace(album.stores, seals=seals)
    vault.is_locked = True

    with structlog.testing.capture_logs() as logs:
        found = told_results(stores, UID, [stored, stored])

    faces = [face for text in found.texts for face in json.loads(text)["faces"]]
    assert [face["person"] for face in faces] == [
        {"id": "zoe", **NOTHING, "unreadable": "keys_unavailable"}
    ] * 4
    assert faces[0]["similarity"] == pytest.approx(1, abs=1e-3)
    # Two faces, two results, whom each names and lists; the vault was asked once.
    assert found.unreadable == {"keys_unavailable": 8}
    assert vault.reads == 1
    [log] = logs
    assert (log["event"], log["log_level"]) == ("results.persons_unreadable", "error")
    assert (log["keys_unavailable"], log["error"]) == (8, "The vault is away.")


def test_a_seal_under_another_s_id_is_damaged(album: Album) -> None:
    stored = named(album.stores, album, 0).replace('"id":"zoe"', '"id":"max"')
    cut = stored.replace('"sealed":"', '"sealed":"9')

    found = told_results(album.stores, UID, [stored, cut])

    assert [one["unreadable"] for one in told(album.stores, stored)] == ["damaged"]
    assert "Zoe" not in "".join(found.texts)
    assert found.unreadable["damaged"] == 4


def test_results_of_before_and_of_nobody_pass_as_they_are_without_a_question(
    album: Album,
) -> None:
    asked = Asked(album.stores)
    stores = replace(album.stores, forgetting=asked)  # type: ignore[arg-type]  # of its methods one
    plain = json.dumps({"faces": [{"person": {"id": "zoe", **SECRETS}}]})
    texts = [plain, '{"faces":[]}']

    found = told_results(stores, UID, texts)

    assert all(one is text for one, text in zip(found.texts, texts, strict=True))
    assert asked.times == 0


def test_a_text_that_looks_like_a_sealed_person_is_left_alone(album: Album) -> None:
    sealed = json.loads(named(album.stores, album, 0))["faces"][0]["person"]
    forged = json.dumps({"file": json.dumps(sealed, separators=(",", ":"))})

    assert told_results(album.stores, UID, [forged]).texts == (forged,)


def test_thousands_of_results_take_one_question_and_one_look_at_the_keys(album: Album) -> None:
    asked, vault = Asked(album.stores), LockedVault()
    vault.swap(UID, old=None, new=_content(album))
    stores = replace(album.stores, forgetting=asked, seals=VaultSeals(vault))  # type: ignore[arg-type]  # of its methods one
    stored = named(album.stores, album, 0)

    found = told(stores, *[stored] * 3000)

    assert found == [{"id": "zoe", **SECRETS}] * 3000
    assert (asked.times, vault.reads) == (1, 1)


class Deleting:
    """Persons of whom one is deleted, and forgotten, right after they were looked up."""

    def __init__(self, album: Album, gone: str) -> None:
        self._album = album
        self._gone = gone

    def resolve(self, uid: str, face_ids: Collection[str]) -> Mapping[str, Person]:
        found = self._album.stores.persons.resolve(uid, face_ids)
        self._album.stores.persons.delete(uid, self._gone, audit=NOTED)
        forget(self._album)
        return found


@pytest.mark.parametrize(("face", "who"), [(0, None), (1, "max")])
def test_who_is_forgotten_before_the_answer_is_sealed_is_nobody_and_the_job_goes_on(
    album: Album, face: int, who: str | None
) -> None:
    album.person("max", axis(1))
    stores = replace(album.stores, persons=Deleting(album, "zoe"))  # type: ignore[arg-type]  # of its methods one

    [one] = json.loads(named(stores, album, face))["faces"]

    assert (one["person"] and one["person"]["id"]) == who
    assert "zoe" not in [candidate["person"]["id"] for candidate in one["candidates"]]


def test_one_person_sealed_twice_is_told_twice(album: Album) -> None:
    """The same record never gives the same text: results can't be told apart by it."""
    person = album.stores.persons.get(UID, "zoe")

    first, second = (sealed_person(album.seals, UID, person) for _ in range(2))

    assert first.sealed != second.sealed


def _content(album: Album) -> bytes:
    """The file of the album's keys."""
    content = album.vault.read(UID)
    assert content is not None
    return content
