"""One request that enrols many people, taken into a batch."""

from contextlib import closing
from dataclasses import replace

from flask import request

from api.batches.intake import Intake
from api.batches.sources import MANIFEST, generated, open_source
from api.batches.submission import Submission, allowed, named_by, taken
from api.endpoint import principal
from api.enrollments.assignment import Assignment, turn_of
from api.enrollments.roster import Roster
from api.enrollments.wishes import asked_enrollment
from api.errors import ApiError
from api.inputs.options import check_enabled
from api.services import Services
from api.submission import require_room
from workers.identities.records import Collection


def submit_enrollment(parts: Services, collection: Collection) -> Submission:
    """Make a batch of the current request's photos; the same again where it was made before.

    Raises:
        ApiError: what was sent can't be read. The problem's `batch` is what there is of it.
        QueueFull: too many jobs wait already.
        IdempotencyConflict: the request's name was given to another one.
        WorkersError: a store refuses.
    """
    require_room(parts)
    caller = principal()
    if request.mimetype in MANIFEST:
        raise ApiError("unsupported_media_type", "Send photos: a ZIP, a TAR, or a form of files.")
    with allowed(open_source(parts, request, caller.user_id, turn=turn_of)) as source:
        asked = asked_enrollment(collection, source.members)
        check_enabled(asked.batch.options, parts.settings.disabled_analyses)
        if request.mimetype == "application/json" and not source.names:
            raise ApiError("missing_field", "Name an upload.", field="upload")
        named = named_by(parts, asked.batch, source.names, asked.people)
        intake = Intake(parts, named, asked.batch, by_items=False)
        assignment = Assignment(
            roster=Roster(parts, collection, caller, intake.ensure),
            request=intake,
            people=asked.people,
            most_rows=parts.settings.batch_max_items,
        )
        with closing(generated(assignment.assigned(source.sent))) as assigned:
            return taken(parts, intake, replace(source, sent=assigned))
