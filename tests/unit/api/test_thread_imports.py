"""What is offloaded imports nothing: in a process of its own, where nothing else has either."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

PROGRAM = """
import json, socket, sys, tempfile
from pathlib import Path
import api.wsgi
from api.accounts.key_ring import _generate
from api.accounts.opening import open_passwords
from api.batches.pictures import _draw
from api.compression import _gzip
from api.errors import ApiError
from api.images import check_image
from api.inputs.body import parse_json
from api.thread_imports import import_ahead
from workers.errors import BlobMissing
from workers.blobs.obstore_store import open_blobs
from workers.settings.process import Settings

if sys.argv[2] == "ahead":
    import_ahead()
# Made elsewhere: whoever writes a photo has imported what reads it.
files = [path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir())]
passwords = open_passwords(Settings(password_memory_mib=8))
blobs = open_blobs(Path(tempfile.mkdtemp()).as_uri())
passwords.hash("warm up")  # its threads are counted by ours
before = set(sys.modules)

for content in files:
    try:
        check_image(content, max_bytes=10**6, max_pixels=10**6)
    except ApiError:
        pass
box = {"x": 0.1, "y": 0.1, "width": 0.5, "height": 0.5}
_draw(files[0], {"faces": [{"bbox_normalized": box, "confidence": 0.9}]})
parse_json(b'{"image": "\\\\u00e9"}')
_gzip(b"a" * 5000)
for algorithm in ("RS256", "EdDSA"):
    _generate(algorithm)
for host in ("127.0.0.1", "localhost"):
    socket.getaddrinfo(host, 80)
blobs.put("key", b"content")
blobs.get("key")
blobs.delete("key")
try:
    blobs.get("key")
except BlobMissing:
    pass
print(json.dumps(sorted(set(sys.modules) - before)))
"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Files of several kinds, whole and cut, the first a JPEG; and one that is no photo."""
    for number, format_ in enumerate(("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")):
        path = tmp_path / f"{number}.{format_}"
        Image.new("RGB", (40, 30)).save(path, format_)
        (tmp_path / f"{number}.cut").write_bytes(path.read_bytes()[:40])
    (tmp_path / "9.txt").write_text("no photo at all")
    return tmp_path


def _imported(root: Path, photos: Path, when: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(photos), when],
        cwd=root,
        env={"FACESOCIAL_GATEWAY_SECRET": "s" * 32},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    names: list[str] = json.loads(done.stdout)
    return names


def test_nothing_is_imported_by_what_runs_in_other_threads(root: Path, photos: Path) -> None:
    assert _imported(root, photos, "ahead") == []


def test_without_imports_ahead_there_would_be_some(root: Path, photos: Path) -> None:
    imported = _imported(root, photos, "late")

    assert {"PIL.JpegImagePlugin", "encodings.idna"} <= set(imported)
