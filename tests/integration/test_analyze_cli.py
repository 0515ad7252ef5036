"""`facesocial analyze` and `facesocial verify` as a user meets them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import structlog
from PIL import Image
from typer.testing import CliRunner, Result

from cli.errors import CliError
from cli.main import app
from models.catalogue import load_catalogue
from models.errors import EngineUnavailable, ThresholdsMissing, WeightsMissing
from models.weights.store import WeightStore
from workers.choices import WrongModel
from workers.errors import NoFace

pytestmark = pytest.mark.weights


@pytest.fixture(autouse=True)
def _logging_as_before() -> None:
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _installed(weights: WeightStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESOCIAL_WEIGHTS_DIR", str(weights.root))


@pytest.fixture
def meadow(tmp_path: Path) -> Path:
    path = tmp_path / "meadow.png"
    Image.new("RGB", (300, 200), (90, 120, 60)).save(path)
    return path


def run(*arguments: object, error: type[Exception] | None = None) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if error is None:
        assert result.exception is None, result.output
    else:
        assert isinstance(result.exception, error), result.exception
    return result


def test_all_five_analyses_of_both_sample_photos(photos: dict[str, Path], tmp_path: Path) -> None:
    files = map(str, photos.values())
    command = [sys.executable, "-m", "cli.main", "analyze", *files, "--analyses", "all"]
    command += ["--json", "--pictures", str(tmp_path)]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    outcomes = {Path(entry["file"]).stem: entry["result"] for entry in json.loads(done.stdout)}
    for name, photo in photos.items():
        result = outcomes[photo.stem]
        assert len(result["faces"]) == load_catalogue().samples[name].faces
        assert result["unavailable"] == {}
        assert result["deepfake"]["verdict"] is not None
        for face in result["faces"]:
            assert face["recognition"]["embedding_size"] == 128
            assert face["anti_spoofing"]["outcome"] in {"live", "spoof", "retake"}
            assert face["deepfake"]["verdict"] in {"authentic", "manipulated", "inconclusive"}
            assert 0 <= face["demographics"]["age"]["value"] <= 100
            assert face["demographics"]["gender"]["value"] in {"female", "male"}
        assert (tmp_path / f"{photo.stem}.faces.png").is_file()


def test_a_photo_without_a_face_is_said_to_have_none(meadow: Path) -> None:
    assert "no face" in run("analyze", meadow).output


def test_a_file_that_can_t_be_used_is_told_and_the_others_are_done(
    photos: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "text.jpg").write_text("no image")

    result = run(
        *("analyze", tmp_path / "gone.jpg", tmp_path / "text.jpg", photos["astronaut"]),
        *("--analyses", "detection", "--json"),
        error=CliError,
    )

    gone, text, good = json.loads(result.stdout)
    assert gone["error"]["code"] == "file_unreadable"
    assert text["error"]["code"] == "image_undecodable"
    assert len(good["result"]["faces"]) == 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--engine", "crystal_ball"), WrongModel),
        (("--engine", "yolov5s"), EngineUnavailable),
        (("--deepfake-model", "xceptionnet"), WrongModel),
        (("--analyses", "colour"), CliError),
        (("--analyses", "all,colour"), CliError),
        (("--pictures", __file__), CliError),
        (("--max-faces", "0"), CliError),
    ],
)
def test_what_can_t_be_done_is_refused(
    photos: dict[str, Path], arguments: tuple[str, ...], error: type[Exception]
) -> None:
    result = run("analyze", photos["astronaut"], *arguments, error=error)

    assert str(result.exception)


@pytest.mark.parametrize(
    "engine", ["yunet", "centerface", "mtcnn", "mediapipe", "ultraface_rfb320"]
)
def test_every_engine_that_is_installed_finds_the_astronaut(
    photos: dict[str, Path], engine: str
) -> None:
    result = run("analyze", photos["astronaut"], "--engine", engine, "--json")

    [entry] = json.loads(result.stdout)
    [face] = entry["result"]["faces"]
    eyes = face["landmarks"]["right_eye"], face["landmarks"]["left_eye"]
    assert [round(eye["x"], -1) for eye in eyes] == pytest.approx([200, 240], abs=10)
    assert entry["result"]["detection"]["requested"] == engine
    # The age depends on alignment: landmarks in the wrong place show here.
    assert 20 < face["demographics"]["age"]["value"] < 45


def test_a_person_is_one_with_herself_mirrored_and_not_with_another(
    photos: dict[str, Path], tmp_path: Path
) -> None:
    with Image.open(photos["astronaut"]) as photo:
        photo.convert("RGB").transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "m.png")

    same = json.loads(run("verify", photos["astronaut"], tmp_path / "m.png", "--json").stdout)
    other = json.loads(run("verify", photos["astronaut"], photos["t1"], "--json").stdout)

    assert same["is_match"]
    assert not other["is_match"]
    assert same["threshold"] == other["threshold"]
    assert same["far"] == 1e-3
    assert [point["far"] for point in same["thresholds"]] == [1e-2, 1e-3, 1e-4, 1e-5]
    assert other["faces"][1]["faces"] == 6


def test_a_comparison_says_what_it_rests_on(photos: dict[str, Path]) -> None:
    output = run("verify", photos["astronaut"], photos["astronaut"], "--far", "1e-4").output

    assert output.startswith("One person: similarity 1.000 (cosine), at FAR 0.0001.")
    assert "%" not in output.partition("sface")[0]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--far", "0.37"), ThresholdsMissing),
        (("--model", "arcface"), WeightsMissing),
    ],
)
def test_without_a_measured_threshold_or_weights_there_is_no_answer(
    photos: dict[str, Path], arguments: tuple[str, ...], error: type[Exception]
) -> None:
    run("verify", photos["astronaut"], photos["astronaut"], *arguments, error=error)


def test_an_ensemble_has_thresholds_of_its_own(photos: dict[str, Path]) -> None:
    photo = photos["astronaut"]

    answer = json.loads(run("verify", photo, photo, "--model", "ensemble", "--json").stdout)

    assert answer["model"] == "mobilefacenet_512+sface"
    assert (
        answer["threshold"] != json.loads(run("verify", photo, photo, "--json").stdout)["threshold"]
    )


def test_a_photo_without_a_face_can_t_be_compared(photos: dict[str, Path], meadow: Path) -> None:
    run("verify", photos["astronaut"], meadow, error=NoFace)


def test_a_photo_that_is_moved_as_a_whole_shows_no_motion_of_a_person(
    photos: dict[str, Path], tmp_path: Path
) -> None:
    with Image.open(photos["astronaut"]) as photo:
        upright = photo.convert("RGB")
    frames = []
    for number in range(3):
        frames.append(tmp_path / f"{number}.png")
        upright.transform(
            upright.size, Image.Transform.AFFINE, (1, 0, 4 * number, 0, 1, 3 * number)
        ).save(frames[-1])

    answer = json.loads(run("liveness", *frames, "--json").stdout)

    assert len(answer["frames"]) == 3
    assert "no_motion" in answer["reasons"]
    assert answer["confidence"] == pytest.approx(0.7 * answer["score"], abs=1e-3)
    assert answer["motion"]["displacement"] > 0
    assert "no_motion" in run("liveness", *frames).output


def test_one_photo_is_no_sequence_and_one_without_a_face_no_frame(
    photos: dict[str, Path], meadow: Path
) -> None:
    run("liveness", photos["astronaut"], error=CliError)
    run("liveness", photos["astronaut"], meadow, error=NoFace)
    run("liveness", photos["astronaut"], meadow / "gone", error=CliError)
