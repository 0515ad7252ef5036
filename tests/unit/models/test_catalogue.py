"""The catalogue's data and its reader."""

import pytest

from models.catalogue import fetchable, load_catalogue, parse_catalogue
from models.errors import CatalogueError, NoWeightsKnown, UnknownModel
from models.spec import PinnedFile, UnpinnedFile

ENTRY = """
[models.{id}]
title = "Net"
task = "detection"
family = "yunet"
profile = "{profile}"
aliases = [{aliases}]
licence = "MIT"
commercial_use = true
priority = "low"
[models.{id}.file]
name = "{name}"
size_bytes = 1
sha256 = "{sha256}"
sources = [{sources}]
[models.{id}.inputs]
x = {{ dtype = "float32", dims = ["batch", 3] }}
[models.{id}.outputs]
y = {{ dtype = "float32", dims = ["batch", 1] }}
"""


WHEEL = '{ kind = "pypi", distribution = "nets", version = "1", member = "net.onnx" }'
MIRROR = '{ kind = "url", urls = ["https://mirror.test/net.onnx"] }'


def entry(**changes: str) -> str:
    values = {
        "id": "net",
        "aliases": "",
        "name": "net.onnx",
        "sha256": "0" * 64,
        "profile": "lite",
        "sources": WHEEL,
    }
    return ENTRY.format(**{**values, **changes})


def test_the_shipped_catalogue_serves_every_task() -> None:
    catalogue = load_catalogue()

    for task in ("detection", "recognition", "age", "gender"):
        assert catalogue.for_task(task).task == task


def test_every_file_is_pinned_once() -> None:
    catalogue = load_catalogue()
    files = [spec.file for spec in catalogue.models.values()]
    hashes = [file.sha256 for file in files if isinstance(file, PinnedFile)]
    hashes += [sample.file.sha256 for sample in catalogue.samples.values()]

    assert len(hashes) == len(set(hashes))


def test_the_lite_profile_comes_from_package_registries() -> None:
    lite = load_catalogue().of_profile("lite")

    assert {"yunet", "sface", "cydral_age", "cydral_gender"} <= {spec.id for spec in lite}
    for spec in lite:
        assert isinstance(spec.file, PinnedFile), spec.id
        assert {source.kind for source in spec.file.sources} & {"pypi", "npm"}, spec.id


def test_the_full_profile_has_the_lite_one() -> None:
    catalogue = load_catalogue()
    lite = {spec.id for spec in catalogue.of_profile("lite")}
    full = {spec.id for spec in catalogue.of_profile("full")}

    assert lite < full == set(catalogue.models)


def test_what_no_source_delivers_is_not_fetchable() -> None:
    sourced = parse_catalogue(entry(profile="full", sources=MIRROR)).model("net")
    lonely = sourced.model_copy(update={"file": PinnedFile(name="a", sha256="0" * 64)})
    unpinned = sourced.model_copy(update={"file": UnpinnedFile(name="a", why="-")})

    assert fetchable([lonely, sourced, unpinned]) == [sourced.file]


def test_a_model_is_found_by_id_and_by_alias() -> None:
    catalogue = load_catalogue()

    assert catalogue.model("face_detection_yunet") is catalogue.model("yunet")


def test_an_unknown_model_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownModel, match=r"sface, .*yunet"):
        load_catalogue().model("resnet")


def test_a_name_stands_for_several_models_best_first() -> None:
    catalogue = parse_catalogue(
        entry() + entry(id="other") + "[names.yolo]\nmodels = ['other', 'net']\n"
    )

    assert [spec.id for spec in catalogue.resolve("yolo")] == ["other", "net"]
    assert [spec.id for spec in catalogue.resolve("net")] == ["net"]
    assert [spec.id for spec in catalogue.resolve("yolo", "detection")] == ["other", "net"]
    with pytest.raises(NoWeightsKnown, match="no model that does 'age'"):
        catalogue.resolve("yolo", "age")


def test_a_name_without_weights_is_answered_with_its_reason() -> None:
    catalogue = parse_catalogue(entry() + "[names.agenet]\nreason = 'Nobody published it.'\n")

    with pytest.raises(NoWeightsKnown, match=r"no weights for 'agenet'. Nobody published it\."):
        catalogue.resolve("agenet")
    with pytest.raises(UnknownModel, match="No model 'resnet'"):
        catalogue.resolve("resnet")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[models", "not valid TOML"),
        (entry(name="../net.onnx"), r"models\.net\.file\.pinned\.name"),
        (entry(sha256="abc"), r"models\.net\.file\.pinned\.sha256"),
        (entry(sources='{ kind = "ftp" }'), r"models\.net\.file\.pinned\.sources"),
        (entry(sources=MIRROR), r"models\.net is in the profile lite, but no package registry"),
        (entry(sources=""), r"models\.net is in the profile lite, but no package registry"),
        (entry().replace("sha256 =", "why ="), r"models\.net\.file\.unpinned\.size_bytes"),
        (entry() + "[names.yolo]\nmodels = ['absent']", r"names\.yolo names 'absent'"),
        (entry() + "[names.net]\nreason = 'x'", "a model's id or alias as well"),
        (entry() + "[names.yolo]", r"names\.yolo has neither models nor a reason"),
        (entry() + entry(id="other", aliases='"net"'), "'net' belongs to two models"),
    ],
)
def test_a_wrong_entry_is_refused_by_name(text: str, complaint: str) -> None:
    with pytest.raises(CatalogueError, match=complaint):
        parse_catalogue(text + ("" if "[samples" in text else "\n[samples]\n"))
