"""FaceSocial's client: photos, batches and live frames over HTTP, typed, with and without asyncio.

from client import Client

with Client("http://127.0.0.1:8000", key="fs_live_...") as faces:
    job = faces.analyze("photo.jpg", analyses=["detection", "demographics"])
    print(faces.wait(job).result)
"""

from client.aio import AsyncClient
from client.collection_records import Collection, Deletion
from client.errors import (
    AuthenticationFailed,
    ClientError,
    Conflict,
    GatewayAway,
    Gone,
    InvalidInput,
    JobFailed,
    NotAllowed,
    NotFound,
    NotInTime,
    Overloaded,
    Problem,
    RateLimited,
)
from client.person_records import EnrollmentReport, Face, Imported, Person
from client.photos import Photo
from client.records import Batch, BatchCounts, BatchItem, Job, JobProblem, Page
from client.retries import Retries
from client.sync import Client

__all__ = [
    "AsyncClient",
    "AuthenticationFailed",
    "Batch",
    "BatchCounts",
    "BatchItem",
    "Client",
    "ClientError",
    "Collection",
    "Conflict",
    "Deletion",
    "EnrollmentReport",
    "Face",
    "GatewayAway",
    "Gone",
    "Imported",
    "InvalidInput",
    "Job",
    "JobFailed",
    "JobProblem",
    "NotAllowed",
    "NotFound",
    "NotInTime",
    "Overloaded",
    "Page",
    "Person",
    "Photo",
    "Problem",
    "RateLimited",
    "Retries",
]
