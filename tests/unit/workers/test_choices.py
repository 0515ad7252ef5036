"""Which models a job's options mean."""

import pytest

from models.catalogue import Catalogue, load_catalogue
from models.errors import UnknownModel
from workers.choices import (
    ENSEMBLE,
    WrongModel,
    analyses_of,
    candidates,
    check_far,
    check_names,
    demographics_candidates,
    ensemble_members,
    expected_models,
)
from workers.contract import AnalyzeOptions
from workers.jobs.options import ChunkOptions, CompareOptions, LivenessOptions, VideoOptions


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def _options(**members: object) -> AnalyzeOptions:
    return AnalyzeOptions.model_validate(members)


def test_a_job_needs_the_defaults_of_what_it_asks_for_each_once(catalogue: Catalogue) -> None:
    assert expected_models(_options(analyses=("detection",)), catalogue) == ("yunet",)
    assert expected_models(_options(), catalogue) == (
        "yunet",
        "sface",
        "cydral_age",
        "cydral_gender",
    )
    assert expected_models(_options(analyses=("anti_spoofing", "deepfake")), catalogue) == (
        "yunet",
        "faceplugin_liveness",
        "facesocial_deepfake",
    )


def test_a_named_model_replaces_the_default(catalogue: Catalogue) -> None:
    options = _options(
        analyses=("recognition", "demographics"),
        engine="scrfd",
        recognition_model="mobilefacenet_512",
        demographics_model="genderage",
    )

    assert expected_models(options, catalogue) == ("scrfd_10g", "mobilefacenet_512", "genderage")


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("engine", "nothing_of_that_name"),
        ("engine", "sface"),
        ("engine", ENSEMBLE),
        ("recognition_model", "yunet"),
        ("recognition_model", "mtcnn_rnet"),
        ("deepfake_model", ENSEMBLE),
        ("deepfake_model", "xceptionnet"),
        ("demographics_model", "cydral_age"),
    ],
)
def test_a_name_without_a_fitting_model_is_refused_with_its_option(
    catalogue: Catalogue, option: str, name: str
) -> None:
    with pytest.raises(WrongModel) as refused:
        check_names(_options(**{option: name}), catalogue)

    assert refused.value.option == option
    assert name in str(refused.value)


def test_names_that_are_known_pass(catalogue: Catalogue) -> None:
    check_names(
        _options(
            engine="auto",
            recognition_model=ENSEMBLE,
            anti_spoofing_model="minifasnet",
            demographics_model="genderage",
        ),
        catalogue,
    )


def test_a_name_of_several_models_means_all_of_them_best_first(catalogue: Catalogue) -> None:
    assert candidates("insightface", ("detection",), catalogue) == (
        "scrfd_10g",
        "scrfd_2_5g",
        "scrfd_500m",
    )


def test_a_pair_of_models_has_a_name_for_both(catalogue: Catalogue) -> None:
    assert demographics_candidates("dlib", catalogue) == (("cydral_age", "cydral_gender"),)
    assert demographics_candidates("genderage", catalogue) == (("genderage",),)
    options = _options(analyses=("demographics",), demographics_model="dlib")
    assert expected_models(options, catalogue) == ("yunet", "cydral_age", "cydral_gender")


def test_the_weighted_members_and_the_default_vote(catalogue: Catalogue) -> None:
    members = ensemble_members("recognition", catalogue)

    assert set(members[:3]) == {"adaface_ir101", "facenet_vggface2", "arcface_r100"}
    assert "sface" in members[3:]


def test_an_ensemble_of_detectors_does_not_exist(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownModel):
        candidates(ENSEMBLE, ("detection",), catalogue)


def test_jobs_of_every_kind_say_what_they_need(catalogue: Catalogue) -> None:
    chunk = ChunkOptions(batch="b", items=(1,), options=_options(analyses=("detection",)))

    assert expected_models(CompareOptions(), catalogue) == ("yunet", "sface")
    named = CompareOptions(model="mobilefacenet_512")
    assert expected_models(named, catalogue) == ("yunet", "mobilefacenet_512")
    assert expected_models(LivenessOptions(), catalogue) == ("yunet", "faceplugin_liveness")
    video = expected_models(VideoOptions(), catalogue)
    assert video == ("yunet", "sface", "facesocial_deepfake")
    assert expected_models(chunk, catalogue) == ("yunet",)
    assert analyses_of(VideoOptions()) == ("deepfake", "recognition")
    assert analyses_of(chunk) == ("detection",)


@pytest.mark.parametrize("kind", [CompareOptions, LivenessOptions, VideoOptions])
def test_a_job_s_only_model_is_refused_by_its_own_option(
    catalogue: Catalogue, kind: type[CompareOptions]
) -> None:
    with pytest.raises(WrongModel) as refused:
        check_names(kind(model="yunet"), catalogue)

    assert refused.value.option == "model"


def test_a_rate_no_threshold_was_measured_at_is_refused_with_those_there_are(
    catalogue: Catalogue,
) -> None:
    check_far(CompareOptions(far=1e-3), catalogue)
    check_far(CompareOptions(far=0.3, threshold=0.5), catalogue)
    check_far(CompareOptions(far=0.3, model=ENSEMBLE), catalogue)
    with pytest.raises(WrongModel, match=r"0\.001") as refused:
        check_far(CompareOptions(far=0.3), catalogue)

    assert refused.value.option == "far"
