"""Every store keeps the same promises to who adds faces that were compared with all there were."""

from collections.abc import Callable

import pytest

from tests.contract.identities.gallery import (
    CONTRACT,
    NOTED,
    SETTINGS,
    Gallery,
    face,
    face_id,
    gallery,
    vector,
)
from workers.errors import StoreRefused
from workers.identities.records import AddedFaces
from workers.identities.refusals import COMPARISONS
from workers.identities.seen import Compared, FacesCame, Seen


class Comparer:
    """Notes what has come, and does without some faces then."""

    def __init__(self, *unwanted: str) -> None:
        self.came: list[FacesCame] = []
        self.unwanted = set(map(face_id, unwanted))
        self.meanwhile: Callable[[], object] = bool

    @property
    def ids(self) -> list[tuple[str, ...]]:
        """Of the faces that came, time by time."""
        return [tuple(one.face_id for one in came.vectors) for came in self.came]

    def hold_against(self, came: FacesCame) -> frozenset[str]:
        """See Compared."""
        self.came.append(came)
        self.meanwhile()
        return frozenset(map(face_id, "axyz")) - self.unwanted


def add(it: Gallery, uid: str, *names: str, version: int, comparer: Comparer) -> AddedFaces:
    """Add faces of Zoe's that were compared with what there was in that version."""
    compared = Compared(version=version, hold_against=comparer.hold_against)
    return it.stores.persons.add_faces(
        uid,
        "zoe",
        [face(name) for name in names],
        contract=CONTRACT,
        seen=Seen(compared=compared),
        audit=NOTED,
    )


@pytest.fixture
def uid(it: Gallery) -> str:
    made = it.collection().uid
    it.person(made, "zoe")
    it.person(made, "yan")
    return made


@pytest.fixture
def comparer() -> Comparer:
    return Comparer()


def test_a_face_that_was_compared_with_all_there_are_is_added(
    it: Gallery, uid: str, comparer: Comparer
) -> None:
    first = add(it, uid, "a", version=0, comparer=comparer)
    second = add(it, uid, "x", version=first.version, comparer=comparer)

    assert (first.outcomes, second.outcomes) == (("added",), ("added",))
    assert second.version == it.stores.log.head(uid).place.version
    assert comparer.came == []


def test_before_a_face_is_added_it_is_compared_with_what_has_come(
    it: Gallery, uid: str, comparer: Comparer
) -> None:
    version = it.add(uid, "yan", "before").version
    it.add(uid, "yan", "b", "c")
    latest = it.add(uid, "zoe", "d").version

    added = add(it, uid, "a", version=version, comparer=comparer)

    assert added.outcomes == ("added",)
    assert comparer.ids == [tuple(map(face_id, "bcd"))]
    assert comparer.came[0].version == latest
    told = [(one.person_id, one.vector) for one in comparer.came[0].vectors]
    assert told == [("yan", vector("b")), ("yan", vector("c")), ("zoe", vector("d"))]


def test_what_comes_meanwhile_is_compared_as_well(
    it: Gallery, uid: str, comparer: Comparer
) -> None:
    version = it.add(uid, "yan", "b").version
    it.add(uid, "yan", "c")
    others = iter(["d", "e"])

    def meanwhile() -> None:
        if name := next(others, None):
            it.add(uid, "yan", name)

    comparer.meanwhile = meanwhile

    assert add(it, uid, "a", version=version, comparer=comparer).outcomes == ("added",)
    assert comparer.ids == [(face_id(name),) for name in "cde"]


def test_faces_that_are_struck_then_are_not_added(it: Gallery, uid: str) -> None:
    version = it.add(uid, "yan", "b").version
    it.add(uid, "yan", "c")

    added = add(it, uid, "x", "a", "y", version=version, comparer=Comparer("a"))

    assert added.outcomes == ("added", "added")
    assert it.names_of(uid, "zoe") == [face_id("x"), face_id("y")]
    it.add(uid, "yan", "d")
    nothing = add(it, uid, "a", version=added.version, comparer=Comparer("a"))
    assert nothing.outcomes == ()
    assert it.names_of(uid, "zoe") == [face_id("x"), face_id("y")]


def test_the_first_faces_of_all_are_told_too(it: Gallery, uid: str, comparer: Comparer) -> None:
    it.add(uid, "yan", "b")

    add(it, uid, "a", version=0, comparer=comparer)

    assert comparer.ids == [(face_id("b"),)]


def passed(it: Gallery, uid: str, count: int, *names: str) -> int:
    """Have the log tell so often of faces that are there; the version it comes to."""
    key = f"fs:{{identities}}:collection:{uid}"
    version = it.stores.log.head(uid).place.version
    ids = b"".join(bytes.fromhex(face_id(name).removeprefix("face_")) for name in names)
    with it.client.pipeline() as pipeline:
        for number in range(version + 1, version + count + 1):
            pipeline.xadd(
                f"{key}:log",
                {"mark": "m", "kind": "added", "person": "yan", "faces": ids},
                id=f"{number}-0",
            )
        pipeline.hset(key, mapping={"version": version + count, "mark": "m"})
        pipeline.execute()
    return version + count


def test_much_that_came_is_told_part_by_part(it: Gallery, uid: str, comparer: Comparer) -> None:
    roomy = gallery(it.client, SETTINGS.model_copy(update={"identity_log_kept": 10_000}), it.seals)
    version = roomy.add(uid, "yan", "first").version
    people = [f"p{number}" for number in range(6)]
    for person_id in people:
        roomy.person(uid, person_id)
        roomy.add(uid, person_id, *(f"{person_id} {number}" for number in range(90)))
    middle = passed(roomy, uid, 300)
    latest = roomy.add(uid, "yan", "last").version

    added = add(roomy, uid, "a", version=version, comparer=comparer)

    assert added.outcomes == ("added",)
    everybody = [face_id(f"{one} {number}") for one in people for number in range(90)]
    assert [one for ids in comparer.ids for one in ids] == [*everybody, face_id("last")]
    assert max(map(len, comparer.ids)) < 400
    versions = [came.version for came in comparer.came]
    assert versions == sorted(set(versions))
    # Nothing came in between, and whoever reads on knows from where.
    assert any(version + 6 < one < middle for one in versions)
    assert versions[-1] == latest


def test_who_reads_what_came_part_by_part_is_not_overtaken_by_it(
    it: Gallery, uid: str, comparer: Comparer
) -> None:
    version = it.add(uid, "yan", "b").version
    parts = 8
    passed(it, uid, parts * 250)
    # As often as one may be overtaken, and be told all the same; beside those parts.
    others = iter(range(parts + COMPARISONS - 2))
    comparer.meanwhile = lambda: next(others, None) is None or passed(it, uid, 1, "b")

    assert add(it, uid, "a", version=version, comparer=comparer).outcomes == ("added",)
    assert len(comparer.came) == parts + COMPARISONS - 1


def test_what_was_removed_or_moved_needs_no_comparison(
    it: Gallery, uid: str, comparer: Comparer
) -> None:
    it.add(uid, "yan", "b")
    version = it.add(uid, "yan", "c").version
    it.add(uid, "yan", "d")
    it.stores.persons.delete_face(uid, face_id("b"), audit=NOTED)
    it.stores.persons.delete_face(uid, face_id("d"), audit=NOTED)
    it.stores.persons.merge(uid, into="zoe", person_id="yan", audit=NOTED)

    assert add(it, uid, "a", version=version, comparer=comparer).outcomes == ("added",)
    assert comparer.came == []


def test_who_is_overtaken_every_time_adds_nothing(
    it: Gallery, uid: str, comparer: Comparer
) -> None:
    version = it.add(uid, "yan", "b").version
    it.add(uid, "yan", "c")
    comparer.meanwhile = lambda: passed(it, uid, 1, "b")

    with pytest.raises(StoreRefused):
        add(it, uid, "a", version=version, comparer=comparer)

    assert len(comparer.came) == COMPARISONS
    assert it.names_of(uid, "zoe") == []


def test_what_the_log_does_not_tell_any_more_can_t_be_compared(
    it: Gallery, uid: str, comparer: Comparer
) -> None:
    version = it.add(uid, "yan", "b").version
    it.add(uid, "yan", "c")
    it.add(uid, "yan", "d")
    it.client.xtrim(f"fs:{{identities}}:collection:{uid}:log", maxlen=1, approximate=False)

    with pytest.raises(StoreRefused):
        add(it, uid, "a", version=version, comparer=comparer)

    assert it.names_of(uid, "zoe") == []


def test_a_version_that_is_yet_to_come_is_no_version(
    it: Gallery, uid: str, comparer: Comparer
) -> None:
    """As where an old copy of the store was put back since."""
    version = it.add(uid, "yan", "b").version

    with pytest.raises(StoreRefused):
        add(it, uid, "a", version=version + 1, comparer=comparer)
