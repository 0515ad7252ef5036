"""What makes two requests the same: their result is then had from the earlier one."""

from collections.abc import Sequence

from flask import request

from api.endpoint import principal
from api.idempotency import fingerprint_of
from api.naming_right import names_people
from api.services import Services
from models.spec import PinnedFile
from workers.choices import as_analysis, expected_models
from workers.jobs.options import JobOptions

#: Tells that the answer is an earlier job's.
CACHE_HEADER = "X-Cache"


def cache_key(parts: Services, options: JobOptions, digests: Sequence[str]) -> str:
    """The same for the same photos, asked the same of the same models by the same user.

    What only orders the work is left out. With `result_cache_shared` the user is, too.

    Args:
        parts: Of the gateway.
        options: What is asked.
        digests: SHA-256 of the files, hexadecimal, in their order.

    Returns:
        "" when nothing is kept.
    """
    if not parts.settings.result_cache_seconds or names_people(options):
        return ""
    owner = "" if parts.settings.result_cache_shared else principal().user_id
    # A model of the catalogue that changes is another file.
    models = expected_models(as_analysis(options), parts.catalogue)
    return fingerprint_of(
        owner,
        options.model_dump_json(exclude={"priority"}),
        ",".join(digests),
        ",".join(f"{name}={_digest(parts, name)}" for name in sorted(models)),
        ",".join(sorted(parts.settings.disabled_analyses)),
        parts.settings.demographics_answers,
    )


def wants_new_result() -> bool:
    """Whether the client will not have an earlier result: `Cache-Control: no-cache`."""
    asked = request.cache_control
    return bool(asked.no_cache or asked.no_store)


def _digest(parts: Services, model_id: str) -> str:
    file = parts.catalogue.model(model_id).file
    return file.sha256 if isinstance(file, PinnedFile) else ""
