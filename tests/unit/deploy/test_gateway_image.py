"""What runs in the gateway's image starts without the inference libraries it does not have."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: Imports a module as if the libraries of the workers' images were not installed.
IMPORT_WITHOUT_INFERENCE = """
import importlib, sys
for name in ("numpy", "cv2", "onnx", "onnxruntime", "pynvml", "typer", "rich", "httpx", "psutil"):
    sys.modules[name] = None
importlib.import_module(sys.argv[1])
"""


@pytest.mark.parametrize(
    "module", ["api.wsgi", "api.gunicorn_config", "workers.app", "flower.command"]
)
def test_it_imports_without_inference_libraries(module: str, root: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_WITHOUT_INFERENCE, module],
        cwd=root,
        env={**os.environ, "FACESOCIAL_GATEWAY_SECRET": "s" * 32},  # noqa: TID251 - a child's
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
