"""`facesocial models tune`: decisions, and what can't be decided."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.models import app
from models.errors import UnknownModel, VariantRefused, WeightsMissing


@pytest.fixture
def tuning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACESOCIAL_WEIGHTS_DIR", str(tmp_path))
    return tmp_path / "tuning.json"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["tune", *arguments])


def test_reset_forgets_the_named_models_only(tuning: Path) -> None:
    tuning.write_text('{"measured": {}, "pins": {"sface": "fp32", "yunet": "fp32"}}')

    result = run("sface", "--reset")

    assert result.exit_code == 0
    assert json.loads(tuning.read_text())["pins"] == {"yunet": "fp32"}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--pin", "sface=fp16"), VariantRefused),
        (("--pin", "sface"), VariantRefused),
        (("--pin", "nobody=fp32"), UnknownModel),
        (("--pin", "sface=fp32"), WeightsMissing),
        (("nobody",), UnknownModel),
        (("sface",), WeightsMissing),
    ],
)
def test_what_can_t_be_done_changes_nothing(
    tuning: Path, arguments: tuple[str, ...], error: type[Exception]
) -> None:
    result = run(*arguments)

    assert isinstance(result.exception, error)
    assert not tuning.exists()


def test_nothing_installed_is_nothing_to_tune(tuning: Path) -> None:
    result = run("--json")

    assert json.loads(result.stdout) == []
    assert not tuning.exists()
