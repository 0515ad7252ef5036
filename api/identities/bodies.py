"""What is sent of collections and persons."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from api.client_ids import ClientId
from api.tags import Tags
from workers.contract import ModelName
from workers.identities.records import QualityPolicy, ThresholdSource

#: About a century.
_LONGEST_SECONDS = 100 * 366 * 86_400
#: Most members of a person's metadata.
MOST_METADATA = 50
#: JSON numbers beyond 2^53 are not the same everywhere.
_Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]
#: Without the ends: to them longer whole numbers are rounded.
_Number = Annotated[float, Field(gt=-(2**53), lt=2**53, allow_inf_nan=False)]
_Text = Annotated[str, Field(max_length=1000)]
_Name = Annotated[str, Field(max_length=200)]
Metadata = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=64)], bool | _Whole | _Number | _Text | None
    ],
    Field(max_length=MOST_METADATA),
]


def _tellable(given: datetime) -> datetime:
    if given < datetime(1970, 1, 1, tzinfo=UTC):
        raise ValueError("times before 1970 are not taken")
    # In UTC, where the last hours of 9999 may be of a year that no answer can tell.
    if given >= datetime(9999, 12, 31, tzinfo=UTC):
        raise ValueError("times after the year 9999 are not taken; leave the member away")
    return given


_Moment = Annotated[AwareDatetime, AfterValidator(_tellable)]


class Given(BaseModel):
    """A body, or a part of one."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ThresholdsBody(Given):
    """From which similarity on two faces are one person's; what is not sent stays."""

    #: preset: measured for the model; calibrated: on the collection; fixed: `similarity`.
    source: ThresholdSource | None = None
    #: False accept rate of one comparison, for verification.
    far: Annotated[float, Field(gt=0, lt=1)] | None = None
    #: Share of strangers who may be named, for identification.
    fpir: Annotated[float, Field(gt=0, lt=1)] | None = None
    #: Of source "fixed".
    similarity: Annotated[float, Field(ge=-1, le=1)] | None = None
    #: Least distance in similarity of the best person to the second; nearer is "uncertain".
    margin: Annotated[float, Field(ge=0, le=2)] | None = None


class LimitsBody(Given):
    """How much a collection may hold; what is not sent stays."""

    persons: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    faces_per_person: Annotated[int, Field(ge=1, le=1000)] | None = None


class CollectionChanges(Given):
    """What is to be different; what is not sent stays."""

    #: For people to read.
    title: _Name | None = None
    #: How strict enrolment is about a photo.
    quality: QualityPolicy | None = None
    thresholds: ThresholdsBody | None = None
    #: Keep photos of faces, encrypted, so that they can be embedded again by another model.
    keep_images: bool | None = None
    #: Enrol nobody without a consent record that holds.
    consent_required: bool | None = None
    #: Enrol only from photos judged live.
    liveness_required: bool | None = None
    #: Delete persons so long after their last face; null: never.
    retention_seconds: Annotated[int, Field(ge=60, le=_LONGEST_SECONDS)] | None = None
    limits: LimitsBody | None = None


class CollectionBody(CollectionChanges):
    """A collection to be made."""

    #: One's own name for it; made up when not sent.
    id: ClientId | None = None
    #: A recognition model by name, or `ensemble`; null: the default one.
    model: ModelName | None = None


class ConsentBody(Given):
    """What a person agreed to."""

    given_at: _Moment
    #: What for.
    purpose: Annotated[str, Field(min_length=1, max_length=1000)]
    #: Where it is on record.
    evidence: _Text = ""
    #: Null: until it is withdrawn.
    expires_at: _Moment | None = None


class PersonChanges(Given):
    """What is to be different; what is not sent stays."""

    name: _Name | None = None
    #: One's own key in another system; unique in the collection. "": none.
    external_id: _Name | None = None
    #: Replaces all of it.
    metadata: Metadata | None = None
    #: Null: it is withdrawn.
    consent: ConsentBody | None = None


class PersonBody(PersonChanges):
    """A person to be made."""

    #: One's own name for the record; made up when not sent.
    id: ClientId | None = None


class EnrolledPersonBody(PersonChanges):
    """The person that photos are of, where there is none yet."""

    #: Make the person if there is none; so does anything else that is sent of it.
    create_person: bool = False


class MergeBody(Given):
    """Who is merged."""

    #: The person whose faces go over, and who is forgotten.
    person_id: ClientId


class TaskBody(Given):
    """How a job is found again, and who is told of its end."""

    #: Words to find the job by.
    tags: Tags = ()
    #: Called once the job has ended.
    webhook_url: Annotated[str, Field(max_length=2048)] | None = None


class ModelBody(TaskBody):
    """The model a collection changes to."""

    #: By name, or `ensemble`; null: the default one.
    model: ModelName | None = None
    #: Whether faces that can't be embedded anew may be forgotten; else they leave all as it was.
    drop_without_image: bool = False
