"""From the wish that faces be named to options of a job."""

from api.accounts.errors import ScopeMissing
from api.endpoint import principal
from api.errors import ApiError
from api.identities.own import own_collection
from api.inputs.naming import Naming
from api.inputs.options import Namer
from api.principal import Principal, Scope
from api.services import Services
from models.catalogue import Catalogue
from workers.choices import ENSEMBLE, candidates
from workers.contract import AnalyzeOptions, IdentifyOptions
from workers.gates import gate_analyses
from workers.identities.contracts import model_name
from workers.identities.errors import ContractMismatch
from workers.identities.records import Collection
from workers.jobs.options import JobOptions, VideoOptions


def namer(
    parts: Services, caller: Principal | None = None, *, collection: Collection | None = None
) -> Namer:
    """What puts the naming of faces into options.

    Args:
        parts: Of the gateway.
        caller: Whose collections are meant; the caller of the current request when not given.
        collection: That of the address, where it names one.
    """

    def named(naming: Naming, options: JobOptions) -> JobOptions:
        asking = caller or principal()
        if Scope.IDENTITY_READ not in asking.scopes:
            raise ScopeMissing(Scope.IDENTITY_READ)
        meant = collection or own_collection(parts, naming.database_id, asking)
        identify = _identify(naming, meant, asking)
        if isinstance(options, VideoOptions):
            _require_frames_judged(naming)
            return options.model_copy(update={"identify": identify})
        if not isinstance(options, AnalyzeOptions):
            raise TypeError(options)  # the form's kind says so
        model = _model(options.recognition_model, meant, parts.catalogue)
        needed = ("recognition", *gate_analyses(naming.require))
        analyses = tuple(dict.fromkeys((*options.analyses, *needed)))
        changes = {"identify": identify, "analyses": analyses, "recognition_model": model}
        return options.model_copy(update=changes)

    return named


def _identify(naming: Naming, collection: Collection, asking: Principal) -> IdentifyOptions:
    return IdentifyOptions(
        collection=collection.uid,
        collection_id=collection.id,
        candidates=naming.candidates,
        fpir=naming.fpir,
        threshold=naming.threshold,
        require=naming.require,
        by=asking.user_id,
        credential_id=asking.credential_id,
    )


def _require_frames_judged(naming: Naming) -> None:
    """Videos are judged for manipulation, not for a person before the camera."""
    if "live" in naming.require:
        detail = "require: liveness is not judged of videos. Send photos to /api/v1/face/liveness."
        raise ApiError("option_unsupported", detail, field="require")


def _model(asked: str | None, collection: Collection, catalogue: Catalogue) -> str | None:
    """The recognition model that made the collection's embeddings, by name.

    Raises:
        ContractMismatch: another one was asked for.
    """
    own = model_name(collection)
    if asked is None or collection.contract is None or asked in {own, collection.contract.model}:
        return asked or own
    if asked != ENSEMBLE and candidates(asked, ("recognition",), catalogue) == (own,):
        return own
    raise ContractMismatch(
        f"The collection '{collection.id}' has embeddings of {collection.contract.model}. Leave "
        f"`recognition_model` away, or change the collection's model."
    )
