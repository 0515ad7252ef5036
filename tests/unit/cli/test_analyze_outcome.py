"""What `facesocial analyze` says of one photo."""

from pathlib import Path

from cli.analyze import _analyse
from models.errors import InferenceFailed
from workers.answers.analysis import AnalysisAnswer
from workers.contract import AnalyzeOptions


class FailingPipeline:
    """Can run no model on any image."""

    def analyze(self, content: bytes, options: AnalyzeOptions) -> AnalysisAnswer:
        """Fail."""
        raise InferenceFailed(f"{len(content)} bytes, {options.engine}")


def test_a_photo_no_model_can_be_run_on_does_not_end_the_others(tmp_path: Path) -> None:
    photo = tmp_path / "me.png"
    photo.write_bytes(b"12345")

    outcome = _analyse(FailingPipeline(), photo, AnalyzeOptions(), None)

    assert outcome == {
        "file": str(photo),
        "error": {"code": "inference_failed", "message": "5 bytes, auto"},
    }
