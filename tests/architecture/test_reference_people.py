"""What the reference says of known people is what is stored of them."""

import re
from importlib import resources

import fakeredis

from tests.architecture.pages import CODE, first_words, section, text_of
from tests.contract.identities.gallery import (
    NOTED,
    OTHER_CONTRACT,
    SETTINGS,
    gallery,
    vector,
)
from tests.contract.identities.test_collections import CALIBRATION
from workers.identities.records import FaceVector
from workers.identities.scripts import collection_key

PAGE = "docs/reference/redis-keys.md"


def test_every_field_of_a_collection_is_in_the_reference_and_the_reverse() -> None:
    with fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(7, 2))) as client:
        it = gallery(client, SETTINGS)
        uid = it.collection().uid
        it.known(uid, "zoe")
        it.stores.collections.calibrated(uid, CALIBRATION, audit=NOTED)
        store, key = it.stores.reembedding, collection_key(uid)
        store.begin(uid, model="another", job_id="job_1")
        new = [
            FaceVector(face_id=one.id, person_id="", vector=vector("new"))
            for one in store.pending(uid, "job_1", limit=1)
        ]
        store.add_vectors(uid, "job_1", new, contract=OTHER_CONTRACT)
        fields = set(client.hkeys(key))
        store.switch(uid, "job_1", audit=NOTED)
        fields |= set(client.hkeys(key))

    told = first_words(section(text_of(PAGE), "### Fields of a collection"))
    assert told == {field.decode() for field in fields}


def test_every_part_of_a_collection_is_in_the_reference_and_the_reverse() -> None:
    prelude = (resources.files("workers.identities") / "lua/prelude.lua").read_text()

    made = set(re.findall(r"^-- collection:<uid>:([a-z]+)", prelude, re.MULTILINE))

    told = section(text_of(PAGE), "## Known people")
    assert {word[2:] for word in CODE.findall(told) if word.startswith("…:")} == {
        name if name != "faces" else "faces:<g>" for name in made
    }
