import io
from pathlib import Path

from rich.console import Console

from cli.launcher.banner import Whereabouts, show_banner


def _shown(where: Whereabouts) -> str:
    console = Console(file=io.StringIO(), width=60)
    show_banner(console, where)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


WHERE = Whereabouts(
    gateway_url="http://127.0.0.1:8000",
    flower_url="http://127.0.0.1:5555",
    flower_user="facesocial",
    flower_password="made-up",  # noqa: S106 - a test's own
    logs=Path("/data/logs"),
    store="embedded",
    gpus=("cuda:0", "sim:6144"),
)


def test_it_says_where_to_click_and_with_which_password() -> None:
    shown = _shown(WHERE)

    for part in ("http://127.0.0.1:8000", "http://127.0.0.1:5555", "made-up", "/data/logs"):
        assert part in shown


def test_a_simulated_gpu_is_always_called_so() -> None:
    assert "simulated GPU of 6144 MB" in " ".join(_shown(WHERE).split())


def test_the_commands_to_copy_are_never_broken_into_lines() -> None:
    example = "curl -F image=@photo.jpg http://127.0.0.1:8000/api/v1/face/analyze"

    assert any(line.endswith(example) for line in _shown(WHERE).splitlines())
