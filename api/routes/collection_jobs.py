"""Work on a collection as a whole: calibration, and a change of its model."""

from flask import Blueprint, Response

from api.answers.collections import CollectionAnswer
from api.answers.jobs import AcceptedJob, JobAnswer
from api.endpoint import Endpoint, endpoint, principal
from api.idempotency import request_name
from api.identities.bodies import ModelBody, TaskBody
from api.identities.model_choice import require_model
from api.identities.own import own_collection
from api.identities.responses import json_response
from api.identities.revisions import tagged
from api.identities.views import collection_answer
from api.inputs.options import Asked
from api.json_body import read_json
from api.people_problems import OF_COLLECTION
from api.photo_jobs import submitted_task
from api.principal import Scope
from api.services import Services, services
from api.waiting import WaitQuery
from workers.identities.errors import ReembeddingUnderWay
from workers.jobs.options import CalibrateOptions, JobOptions, ReembedOptions

blueprint = Blueprint("collection_jobs", __name__)


@blueprint.post("/api/v1/collections/<collection_id>/calibrate")
@endpoint(
    Endpoint(
        scope=Scope.IDENTITY_MANAGE,
        bucket="analysis",
        tag="identities",
        query=WaitQuery,
        bodies={"application/json": TaskBody},
        body_optional=True,
        answers={200: JobAnswer, 202: AcceptedJob},
        problems=(*OF_COLLECTION, "queue_full", "url_refused"),
        idempotent=True,
    )
)
def calibrate(collection_id: str) -> Response:
    """Measure thresholds on a collection's own faces.

    The job's end is kept as the collection's `calibration`; it decides once
    `thresholds.source` is `calibrated`.
    """
    body, parts, caller = read_json(TaskBody), services(), principal()
    collection = own_collection(parts, collection_id)
    options = CalibrateOptions(
        collection=collection.uid,
        collection_id=collection.id,
        by=caller.user_id,
        credential_id=caller.credential_id,
    )
    return submitted_task(_asked(parts, options, body))


@blueprint.post("/api/v1/collections/<collection_id>/model")
@endpoint(
    Endpoint(
        scope=Scope.IDENTITY_MANAGE,
        bucket="analysis",
        tag="identities",
        query=WaitQuery,
        bodies={"application/json": ModelBody},
        body_optional=True,
        answers={200: JobAnswer, 202: AcceptedJob},
        problems=(
            *OF_COLLECTION,
            *("reembedding_under_way", "unknown_model", "queue_full", "url_refused"),
        ),
        idempotent=True,
    )
)
def change_model(collection_id: str) -> Response:
    """Embed a collection's kept photos by another model, and change over in one step.

    Until then the former embeddings count; `reembedding` of the collection tells how far it is.
    """
    body, parts, caller = read_json(ModelBody), services(), principal()
    collection = own_collection(parts, collection_id)
    require_model(parts, body.model)
    under_way = collection.reembedding
    # The same request again is answered with its job.
    if under_way is not None and under_way.job_id != request_name().id_for("job"):
        raise ReembeddingUnderWay
    options = ReembedOptions(
        collection=collection.uid,
        collection_id=collection.id,
        model=body.model,
        drop_without_image=body.drop_without_image,
        by=caller.user_id,
        credential_id=caller.credential_id,
    )
    return submitted_task(_asked(parts, options, body))


@blueprint.delete("/api/v1/collections/<collection_id>/model")
@endpoint(
    Endpoint(
        scope=Scope.IDENTITY_MANAGE,
        bucket="write",
        tag="identities",
        answers={200: CollectionAnswer},
        problems=OF_COLLECTION,
    )
)
def keep_model(collection_id: str) -> Response:
    """End a change of model that is under way: the former embeddings go on counting."""
    parts = services()
    collection = own_collection(parts, collection_id)
    if collection.reembedding is not None:
        job_id = collection.reembedding.job_id
        parts.jobs.cancel(job_id)
        parts.identities.reembedding.abandon(collection.uid, job_id)
        collection = own_collection(parts, collection_id)
    answer = collection_answer(collection, parts.catalogue.thresholds)
    return tagged(json_response(answer), collection.revision)


def _asked(parts: Services, options: JobOptions, body: TaskBody) -> Asked:
    if body.webhook_url:
        parts.webhooks.accept(principal().user_id, body.webhook_url)
    return Asked(options=options, tags=body.tags, webhook_url=body.webhook_url or "")
