"""Plots are PNG files with what the curves say."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.evaluation.plots import LOOKS, write_plots
from models.evaluation.report import Curve, Report


def report(*kinds: str, model: str = "net", slope: float = 1.0) -> Report:
    curves = tuple(
        Curve(kind=kind, name=model, x=(0.0, 0.5, 1.0), y=(0.0, slope / 2, slope)) for kind in kinds
    )
    return Report(
        task="verification",
        model=model,
        data="set",
        protocol="p",
        counts={},
        figures=(),
        curves=curves,
    )


def test_each_kind_of_curve_becomes_a_picture(tmp_path: Path) -> None:
    paths = write_plots([report(*LOOKS)], tmp_path / "new" / "folder")

    assert [path.name for path in paths] == [f"verification_net_{kind}.png" for kind in LOOKS]
    for path in paths:
        with Image.open(path) as image:
            assert image.format == "PNG"
            assert image.size == (720, 540)
            # More than white paper: axes, words and lines.
            assert np.asarray(image.convert("L")).std() > 5


def test_curves_of_several_models_share_a_plot(tmp_path: Path) -> None:
    [alone] = write_plots([report("roc")], tmp_path)
    [shared] = write_plots([report("roc"), report("roc", model="a/b", slope=0.5)], tmp_path)

    assert shared.name == "verification_net_a-b_roc.png"
    assert alone.read_bytes() != shared.read_bytes()


def test_a_report_without_curves_writes_nothing(tmp_path: Path) -> None:
    assert write_plots([report()], tmp_path / "plots") == []
    assert not (tmp_path / "plots").exists()


def test_a_kind_nobody_can_draw_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="pie"):
        write_plots([report("pie")], tmp_path)


def test_the_same_curves_give_the_same_bytes(tmp_path: Path) -> None:
    [one] = write_plots([report("det")], tmp_path / "one")
    [other] = write_plots([report("det")], tmp_path / "other")

    assert one.read_bytes() == other.read_bytes()
