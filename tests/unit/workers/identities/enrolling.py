"""A collection, photos by script, and who enrols them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import redis

from tests.unit.workers.identities.album import PRESETS, UID, Album, ScriptedPipeline, Shown
from workers.identities.answers import EnrolledPhotoAnswer
from workers.identities.enroll_order import EnrollOrder
from workers.identities.enroller import Enroller
from workers.identities.kept_images import KeptImage


@dataclass
class Keeper:
    """Notes what it is given to keep."""

    kept: list[bytes] = field(default_factory=list)

    def keep(self, photo: bytes) -> KeptImage:
        self.kept.append(photo)
        return KeptImage(key=f"identity_{len(self.kept):032x}", secret=str(len(photo)))


class Bench:
    """A collection, photos by script, and who enrols them."""

    def __init__(self, client: redis.Redis, **settings: Any) -> None:  # noqa: ANN401 - members
        self.album = Album(client, **settings)
        self.pipeline = ScriptedPipeline(shown={})
        self.keeper = Keeper()
        self.enroller = Enroller(
            self.album.stores, self.album.searcher, self.pipeline, self.keeper, PRESETS
        )

    def show(self, **shown: Shown) -> None:
        """What photos of these names show."""
        self.pipeline.shown = {**self.pipeline.shown, **shown}

    def order(self, name: str, **more: Any) -> EnrollOrder:  # noqa: ANN401 - members
        """A photo of that name, of Zoe if nobody else is named."""
        asked: dict[str, Any] = {
            "person": "zoe",
            "origin": "job_1",
            "place": name,
            "filename": f"{name}.jpg",
            "by": "ada",
        }
        return EnrollOrder(read=name.encode, collection=UID, **(asked | more))

    def enroll(self, *names: str, **more: Any) -> list[EnrolledPhotoAnswer]:  # noqa: ANN401 - members
        """Photos of Zoe, in one call."""
        return self.answers(*(self.order(name, index=i, **more) for i, name in enumerate(names)))

    def answers(self, *orders: EnrollOrder) -> list[EnrolledPhotoAnswer]:
        """What became of each."""
        found = self.enroller.enroll(orders)
        answers = [one for one in found if isinstance(one, EnrolledPhotoAnswer)]
        assert len(answers) == len(found), found
        return answers

    def faces(self, person: str = "zoe") -> int:
        """How many faces the person has."""
        return len(self.album.stores.persons.faces(UID, person))


def outcomes(answers: Sequence[EnrolledPhotoAnswer]) -> list[str | tuple[str, ...]]:
    """Reasons of those that were refused, and what became of the others."""
    return [one.reasons or one.outcome for one in answers]
