"""Which error of known people is which problem; part of the table in `api.problems`."""

from api.problem import Problem
from workers.identities.errors import (
    CertificateNotFound,
    CollectionExists,
    CollectionNotFound,
    ConsentMissing,
    ContractMismatch,
    ExternalIdTaken,
    FaceNotFound,
    KeyDestroyed,
    PersonExists,
    PersonNotFound,
    ReembeddingUnderWay,
    RevisionMismatch,
    TooManyCollections,
    TooManyPersons,
    VaultUnavailable,
)

#: Codes of whatever is inside a collection, whose default one is made when it is asked for.
OF_COLLECTION = ("collection_not_found", "too_many_collections", "key_vault_unavailable")
#: And of what concerns one of its persons.
OF_PERSON = (*OF_COLLECTION, "person_not_found", "forgotten")

#: By the error's class.
PEOPLE_PROBLEMS: dict[type[Exception], Problem] = {
    CollectionNotFound: Problem(
        status=404, code="collection_not_found", title="There is no such collection"
    ),
    PersonNotFound: Problem(status=404, code="person_not_found", title="There is no such person"),
    FaceNotFound: Problem(
        status=404, code="enrolled_face_not_found", title="There is no such enrolled face"
    ),
    CertificateNotFound: Problem(
        status=404, code="deletion_not_found", title="There is no such deletion"
    ),
    CollectionExists: Problem(
        status=409, code="collection_exists", title="There is another collection of that id"
    ),
    TooManyCollections: Problem(
        status=409, code="too_many_collections", title="There are too many collections"
    ),
    ContractMismatch: Problem(
        status=409, code="contract_mismatch", title="The embeddings are another model's"
    ),
    PersonExists: Problem(
        status=409, code="person_exists", title="There is another person of that id"
    ),
    ExternalIdTaken: Problem(
        status=409, code="external_id_taken", title="Another person has that external id"
    ),
    TooManyPersons: Problem(
        status=409, code="too_many_persons", title="The collection has as many persons as it may"
    ),
    ConsentMissing: Problem(
        status=409, code="consent_missing", title="The person has given no consent that holds"
    ),
    ReembeddingUnderWay: Problem(
        status=409, code="reembedding_under_way", title="The model is being changed already"
    ),
    KeyDestroyed: Problem(status=410, code="forgotten", title="It was deleted meanwhile"),
    RevisionMismatch: Problem(
        status=412, code="revision_mismatch", title="It has been changed meanwhile"
    ),
    VaultUnavailable: Problem(
        status=503,
        code="key_vault_unavailable",
        title="The keys of collections can't be reached",
        detail="The keys of collections can't be read or written now. Try again.",
        retryable=True,
        retry_after_seconds=5,
    ),
}
