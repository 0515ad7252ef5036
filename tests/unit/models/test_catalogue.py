"""The catalogue's data and its reader."""

import re
from pathlib import Path

import pytest

from models.catalogue import load_catalogue, parse_catalogue
from models.errors import CatalogueError, UnknownModel

ENTRY = """
[models.{id}]
title = "Net"
task = "detection"
family = "yunet"
profile = "lite"
aliases = [{aliases}]
licence = "MIT"
commercial_use = true
priority = "low"
[models.{id}.file]
name = "{name}"
size_bytes = 1
sha256 = "{sha256}"
sources = [{{ kind = "{kind}", urls = ["https://mirror.test/net.onnx"] }}]
[models.{id}.inputs]
x = {{ dtype = "float32", dims = ["batch", 3] }}
[models.{id}.outputs]
y = {{ dtype = "float32", dims = ["batch", 1] }}
"""


def entry(**changes: str) -> str:
    values = {"id": "net", "aliases": "", "name": "net.onnx", "sha256": "0" * 64, "kind": "url"}
    return ENTRY.format(**{**values, **changes})


def test_the_shipped_catalogue_serves_every_task() -> None:
    catalogue = load_catalogue()

    for task in ("detection", "recognition", "age", "gender"):
        assert catalogue.for_task(task).task == task


def test_every_file_is_pinned_once() -> None:
    catalogue = load_catalogue()
    hashes = [spec.file.sha256 for spec in catalogue.models.values()]
    hashes += [sample.file.sha256 for sample in catalogue.samples.values()]

    assert len(hashes) == len(set(hashes))


def test_a_model_is_found_by_id_and_by_alias() -> None:
    catalogue = load_catalogue()

    assert catalogue.model("face_detection_yunet") is catalogue.model("yunet")


def test_an_unknown_model_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownModel, match="sface, yunet"):
        load_catalogue().model("resnet")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[models", "not valid TOML"),
        (entry(name="../net.onnx"), r"models\.net\.file\.name"),
        (entry(sha256="abc"), r"models\.net\.file\.sha256"),
        (entry(kind="ftp"), r"models\.net\.file\.sources"),
        (entry() + entry(id="other", aliases='"net"'), "'net' belongs to two models"),
    ],
)
def test_a_wrong_entry_is_refused_by_name(text: str, complaint: str) -> None:
    with pytest.raises(CatalogueError, match=complaint):
        parse_catalogue(text + ("" if "[samples" in text else "\n[samples]\n"))


def test_the_reference_describes_every_model_and_sample(root: Path) -> None:
    text = (root / "docs" / "reference" / "models.md").read_text(encoding="utf-8")
    catalogue = load_catalogue()

    for spec in catalogue.models.values():
        assert re.search(rf"^## `{spec.id}`$", text, re.MULTILINE), spec.id
        assert spec.file.sha256 in text, spec.id
        assert spec.licence in text, spec.id
        for tensor in (*spec.inputs, *spec.outputs):
            assert tensor in text, (spec.id, tensor)
    for sample in catalogue.samples.values():
        assert f"`{sample.id}`" in text
