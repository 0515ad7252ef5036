"""A change of model with real networks: persons of LFW are known by the other model afterwards."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from models.weights.store import WeightStore
from tests.integration.knowing_worker import UID, KnowingWorker
from workers.contract import AnalyzeOptions, IdentifyOptions
from workers.identities.records import CollectionSettings, NewCollection
from workers.identities.trace_records import AuditEvent
from workers.jobs.options import EnrollOptions, ReembedOptions

pytestmark = pytest.mark.weights

PEOPLE = ("Tony_Blair", "Wen_Jiabao")


def test_persons_are_known_by_the_other_model_afterwards(
    weights: WeightStore, shared: Path
) -> None:
    folder = shared / "data" / "lfw" / "images"
    photos = {
        name: [path.read_bytes() for path in sorted(folder.glob(f"{name}_0*.jpg"))[:3]]
        for name in PEOPLE
    }
    with ExitStack() as opened:
        fleet = KnowingWorker(weights, opened)
        new = NewCollection(
            uid=UID, id="album", owner="ada", settings=CollectionSettings(keep_images=True)
        )
        noted = AuditEvent(action="collection.created", by="ada")
        fleet.identities.collections.create(new, most=1, audit=noted)
        for name in PEOPLE:
            fleet.person(name)
            enroll = EnrollOptions(collection=UID, person=name, face="center", by="ada")
            fleet.result(enroll, *photos[name][:2])
        before = fleet.identities.collections.by_uid(UID)
        assert before.contract
        assert before.contract.model != "mobilefacenet_512"

        changed = fleet.result(ReembedOptions(collection=UID, model="mobilefacenet_512", by="ada"))

        assert changed["switched"] is True
        assert (changed["faces"], changed["unembeddable"]) == (4, 0)
        assert changed["model"] == "mobilefacenet_512"
        for name in PEOPLE:
            identify = AnalyzeOptions(
                analyses=("recognition",),
                max_faces=1,
                recognition_model="mobilefacenet_512",
                identify=IdentifyOptions(collection=UID, by="ada"),
            )
            [seen] = fleet.result(identify, photos[name][2])["faces"]
            assert seen["identity"]["decision"] == "match"
            assert seen["identity"]["person"]["id"] == name
