"""Every error there is has its place in the table, and none shows a traceback."""

import dataclasses
from collections.abc import Iterator
from typing import NoReturn

import pytest

import models.errors
import vram.errors
import workers.errors
import workers.identities.errors
from api.app import create_app
from api.errors import problem_of
from api.problems import CLIENT_PROBLEMS, DOMAIN_PROBLEMS, INTERNAL_DETAIL
from api.services import Services
from workers.jobs.memory_store import MemoryJobs

FAMILIES = (models.errors.ModelsError, vram.errors.VramError, workers.errors.WorkersError)
#: Errors no client can do anything about: faults of ours, or never raised where a gateway is.
OURS = {
    *("ModelsError", "CatalogueError", "UnknownModel", "WeightsError", "WeightsMissing"),
    *("WeightsCorrupt", "SourceUnavailable", "StoreFull", "PreparationFailed", "VariantRefused"),
    *("ContractMismatch", "InferenceFailed", "ProviderUnavailable", "OutOfMemory", "DeviceFault"),
    *("NoWeightsKnown", "EngineUnavailable", "LandmarksUnavailable", "AlreadyRecorded"),
    *("EmbeddingsIncomparable", "ThresholdsMissing", "LivenessUnavailable", "VideoRejected"),
    *("EvaluationDataMissing", "EvaluationUnavailable"),
    *("VramError", "ProbeFailed"),
    *("WorkersError", "SettingsError", "JobUnreadable", "LeaseLost", "BlobMissing"),
    # Of a job that failed, and of one request among many in a batch.
    *("NoFace", "ItemConflict"),
    *("ImageRejected", "ModelRefused", "TraceInvalid", "PlotUnavailable"),
}
#: The same of known people.
OURS_OF_PEOPLE = {"IdentityError", "SealBroken"}


def _all_of(kind: type[Exception]) -> Iterator[type[Exception]]:
    if kind.__module__.endswith(".errors"):
        yield kind
    for child in kind.__subclasses__():
        yield from _all_of(child)


@pytest.mark.parametrize("kind", [kind for family in FAMILIES for kind in _all_of(family)])
def test_every_domain_error_has_an_answer_or_is_known_as_ours(kind: type[Exception]) -> None:
    codes = {problem_of(kind.__new__(kind)).code}

    # A network's contract and a collection's are two things.
    of_people = kind.__module__ == workers.identities.errors.__name__
    ours = OURS_OF_PEOPLE if of_people else OURS
    assert (codes == {"internal_error"}) == (kind.__name__ in ours)


def test_a_code_has_one_status() -> None:
    statuses: dict[str, set[int]] = {}
    for problem in (*CLIENT_PROBLEMS.values(), *DOMAIN_PROBLEMS.values()):
        statuses.setdefault(problem.code, set()).add(problem.status)

    assert [code for code, found in statuses.items() if len(found) > 1] == []


def test_the_most_specific_class_decides() -> None:
    assert problem_of(workers.errors.JobNotFound()).status == 404
    assert problem_of(workers.errors.LeaseLost()).code == "internal_error"
    assert problem_of(RuntimeError()).status == 500


def test_a_fault_of_ours_is_told_without_its_inside(parts: Services) -> None:
    class FaultyJobs(MemoryJobs):
        def get(self, job_id: str) -> NoReturn:
            raise RuntimeError(f"secret inside of {job_id}")

    faulty = FaultyJobs(parts.settings)
    client = create_app(dataclasses.replace(parts, jobs=faulty)).test_client()

    response = client.get(f"/api/v1/jobs/job_{1:032x}")

    assert response.status_code == 500
    assert response.get_json()["code"] == "internal_error"
    assert response.get_json()["detail"] == INTERNAL_DETAIL
    assert b"secret" not in response.data
