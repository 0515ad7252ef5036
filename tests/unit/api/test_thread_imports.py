"""What is offloaded imports nothing: in a process of its own, where nothing else has either."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import io, socket, sys, tempfile
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
from PIL import Image
from workers.errors import BlobMissing
from workers.obstore_blobs import open_blobs
from workers.settings import Settings

import_ahead()
files = [b"no photo at all" * 9, b""]
for format_ in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"):
    file = io.BytesIO()
    Image.new("RGB", (40, 30)).save(file, format_)
    files += [file.getvalue(), file.getvalue()[:40]]
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
_draw(files[2], {"faces": [{"bbox_normalized": box, "confidence": 0.9}]})
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
print(sorted(set(sys.modules) - before))
"""


def test_nothing_is_imported_by_what_runs_in_other_threads(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=root,
        env={"FACESOCIAL_GATEWAY_SECRET": "s" * 32},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout.strip(), done.stderr) == ("[]", "")
