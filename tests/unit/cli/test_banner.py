import io
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from cli.launcher.banner import Whereabouts, show_banner


def _shown(where: Whereabouts) -> str:
    console = Console(file=io.StringIO(), width=60)
    show_banner(console, where)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _words(shown: str) -> str:
    """Without the frame and its line breaks."""
    return " ".join(shown.replace("│", " ").split())


WHERE = Whereabouts(
    gateway_url="http://127.0.0.1:8000",
    flower_url="http://127.0.0.1:5555",
    flower_user="facesocial",
    flower_password="made-up",  # noqa: S106 - a test's own
    logs=Path("/data/logs"),
    store="embedded",
    gpus=("cuda:0", "sim:6144"),
    auth="required",
    development_key="fs_dev_made-up",
)


def test_it_says_where_to_click_and_with_which_password() -> None:
    shown = _shown(WHERE)

    for part in ("http://127.0.0.1:8000", "http://127.0.0.1:5555", "made-up", "/data/logs"):
        assert part in shown


def test_a_simulated_gpu_is_always_called_so() -> None:
    assert "simulated GPU of 6144 MB" in " ".join(_shown(WHERE).split())


def test_the_commands_to_copy_are_never_broken_into_lines() -> None:
    photo = "-F image=@photo.jpg http://127.0.0.1:8000/api/v1/face/analyze"
    example = f"curl -H 'X-API-Key: fs_dev_made-up' {photo}"

    assert any(line.endswith(example) for line in _shown(WHERE).splitlines())


def test_it_says_how_to_get_in_where_there_is_no_development_key() -> None:
    shown = _shown(replace(WHERE, development_key=None))

    assert "`facesocial users create`" in _words(shown)
    assert "X-API-Key: KEY" in shown


def test_it_says_when_everybody_may_do_everything() -> None:
    shown = _shown(replace(WHERE, auth="off", development_key=None))

    assert "whoever reaches the gateway may do everything" in _words(shown)
    assert "X-API-Key" not in shown
