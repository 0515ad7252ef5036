"""The repository is what its documents say: names, sizes, ports, layering."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ("api", "workers", "vram", "models", "client", "cli")
MOST_LINES = 300

#: Every port, its implementations, and the suite all of them pass.
PORTS = {
    "workers.jobs.JobStore": (
        ("workers.memory_jobs.MemoryJobs", "workers.redis_jobs.RedisJobs"),
        "tests/contract/test_job_store.py",
    ),
    "workers.batches.BatchStore": (
        # One implementation on two stores: an imitation in the process and a real server.
        ("workers.redis_batches.RedisBatches",),
        "tests/contract/batches/world.py",
    ),
    "workers.batches.ChunkStore": (
        ("workers.redis_chunks.RedisChunks",),
        "tests/contract/batches/world.py",
    ),
    "workers.changes.Changes": (
        ("workers.changes.LocalChanges", "workers.redis_changes.RedisChanges"),
        "tests/contract/test_changes.py",
    ),
    "api.kept_answers.KeptAnswers": (
        ("api.kept_answers.MemoryKeptAnswers", "api.redis_kept_answers.RedisKeptAnswers"),
        "tests/contract/test_kept_answers.py",
    ),
    "api.resumable.uploads.UploadStore": (
        # The same.
        ("api.resumable.redis_uploads.RedisUploads",),
        "tests/contract/uploads/test_upload_store.py",
    ),
    "api.accounts.users.UserStore": (
        ("api.accounts.redis_users.RedisUsers",),
        "tests/contract/people/conftest.py",
    ),
    "api.accounts.sessions.SessionStore": (
        ("api.accounts.redis_sessions.RedisSessions",),
        "tests/contract/people/conftest.py",
    ),
    "api.accounts.lockout.Lockout": (
        ("api.accounts.redis_lockout.RedisLockout",),
        "tests/contract/people/conftest.py",
    ),
    "api.accounts.keys.KeyStore": (
        ("api.accounts.redis_keys.RedisKeys",),
        "tests/contract/credentials/conftest.py",
    ),
    "api.accounts.key_ring.KeyRingStore": (
        ("api.accounts.redis_key_ring.RedisKeyRing",),
        "tests/contract/credentials/conftest.py",
    ),
    "api.accounts.audit.AuditLog": (
        ("api.accounts.redis_audit.RedisAudit",),
        "tests/contract/credentials/conftest.py",
    ),
    "api.accounts.usage.UsageCounts": (
        ("api.accounts.redis_usage.RedisUsage",),
        "tests/contract/credentials/conftest.py",
    ),
    "api.limits.limiter.Limiter": (
        ("api.limits.memory_limiter.MemoryLimiter", "api.limits.redis_limiter.RedisLimiter"),
        "tests/contract/limits/conftest.py",
    ),
    "api.live.tickets.Tickets": (
        ("api.live.tickets.MemoryTickets", "api.live.redis_live.RedisTickets"),
        "tests/contract/live/test_live_stores.py",
    ),
    "api.live.places.Places": (
        ("api.live.places.MemoryPlaces", "api.live.redis_live.RedisPlaces"),
        "tests/contract/live/test_live_stores.py",
    ),
    "workers.dispatch.JobQueue": (
        ("workers.dispatch.MemoryJobQueue", "workers.dispatch.CeleryJobQueue"),
        "tests/contract/test_job_queue.py",
    ),
    "workers.identities.store.CollectionStore": (
        # One implementation on two stores: an imitation in the process and a real server.
        ("workers.identities.opening.Identities",),
        "tests/contract/identities/gallery.py",
    ),
    "workers.identities.store.PersonStore": (
        # The same, as of the next three.
        ("workers.identities.opening.Identities",),
        "tests/contract/identities/gallery.py",
    ),
    "workers.identities.store.FaceLog": (
        ("workers.identities.opening.Identities",),
        "tests/contract/identities/gallery.py",
    ),
    "workers.identities.forgetting_store.ForgettingStore": (
        ("workers.identities.opening.Identities",),
        "tests/contract/identities/gallery.py",
    ),
    "workers.identities.reembedding_store.ReembeddingStore": (
        ("workers.identities.opening.Identities",),
        "tests/contract/identities/gallery.py",
    ),
    "workers.identities.vault.KeyVault": (
        (
            "workers.identities.vault.MemoryVault",
            "workers.identities.folder_vault.FolderVault",
            "workers.identities.obstore_vault.ObstoreVault",
        ),
        "tests/contract/keys/test_key_vault.py",
    ),
    "workers.identities.seals.Seals": (
        # One implementation on three vaults.
        ("workers.identities.keys.VaultSeals",),
        "tests/contract/keys/conftest.py",
    ),
    "workers.identities.search.FaceSearcher": (
        (
            "workers.identities.index.searcher.LocalSearcher",
            "workers.identities.engine.searcher.EngineSearcher",
        ),
        "tests/contract/identities/test_face_searcher.py",
    ),
    "workers.blobs.BlobStore": (
        ("workers.blobs.MemoryBlobs", "workers.obstore_blobs.ObstoreBlobs"),
        "tests/contract/test_blob_store.py",
    ),
    "vram.ledger.VramLedger": (
        # One implementation on two stores: an imitation in the process and a real server.
        ("vram.redis_ledger.RedisLedger",),
        "tests/contract/ledger/desk.py",
    ),
    "vram.fleet.Fleet": (
        # The same.
        ("vram.redis_fleet.RedisFleet",),
        "tests/contract/fleet/conftest.py",
    ),
    "vram.probe.MemoryProbe": (
        ("vram.probe.SimulatedProbe", "vram.probe.FixedProbe", "vram.nvml.NvmlProbe"),
        "tests/contract/test_memory_probe.py",
    ),
    "models.contract.InferenceSession": (
        (
            "models.testing.ScriptedSession",
            "models.session.OnnxSession",
            "models.litert.LiteRtSession",
        ),
        "tests/contract/test_session.py",
    ),
}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_s_name_means_the_one_in_this_checkout(root: Path, name: str) -> None:
    spec = importlib.util.find_spec(name)

    assert spec is not None
    assert spec.origin == str(root / name / "__init__.py")


@pytest.mark.parametrize("name", PACKAGES)
def test_no_source_is_ignored_by_git(root: Path, name: str) -> None:
    found = subprocess.run(
        ["git", "check-ignore", *(str(path) for path in (root / name).rglob("*.py"))],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )

    assert found.stdout == ""


def test_no_module_is_longer_than_a_reader_s_patience(root: Path) -> None:
    sources = [
        path for name in (*PACKAGES, "tests", "benchmarks") for path in _sources(root / name)
    ]
    long = {
        str(path.relative_to(root)): lines
        for path in sources
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }

    assert long == {}


def test_there_is_no_package_for_leftovers(root: Path) -> None:
    banned = {"utils", "util", "common", "helpers", "helper", "manager", "misc", "core"}
    found = [path for name in PACKAGES for path in _sources(root / name) if path.stem in banned]

    assert found == []


def test_tests_are_no_packages(root: Path) -> None:
    # One alone makes pytest take `api` for a test package.
    assert list((root / "tests").rglob("__init__.py")) == []


@pytest.mark.parametrize("port", PORTS)
def test_every_port_has_two_implementations_in_one_suite(root: Path, port: str) -> None:
    implementations, suite = PORTS[port]
    text = (root / suite).read_text(encoding="utf-8")

    for path in implementations:
        module, _, name = path.rpartition(".")
        source = importlib.util.find_spec(module)
        assert source is not None
        assert source.origin is not None
        tree = ast.parse(Path(source.origin).read_text(encoding="utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
        # A suite may build one through the function that opens it.
        assert name in text or module in text


def test_every_protocol_of_stores_and_queues_is_listed_as_a_port(root: Path) -> None:
    found = {
        ".".join((*path.relative_to(root).with_suffix("").parts, node.name))
        for name in ("api", "workers", "vram")
        for path in _sources(root / name)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
    }
    #: Narrow views of one thing, implemented once beside their user.
    views = {
        "api.accounts.callers.Sessions",
        "api.accounts.mail.MailSender",
        "api.batches.zip_directory.RandomAccess",
        "api.enrollments.assignment.Admission",
        "api.enrollments.assignment.Request",
        "api.live.analysis.FrameDesk",
        "api.live.connection.Channel",
        "api.live.connection.Session",
        "api.live.connection.Transport",
        "api.resumable.tus._Digest",
        "api.webhooks.sending.Poster",
        "api.whole_body.Readable",
        "workers.breaker.BothPipeline",
        "workers.chunk_enrolling.Enroller",
        "workers.chunk_feed.Router",
        "workers.chunk_work.Feeder",
        "workers.identities.decision.Similar",
        "workers.identities.enroller.ImageKeeper",
        "workers.identities.index.follower.VectorSource",
        "workers.identities.reembed_photos.ImageReader",
        "workers.index_places.Holder",
        "workers.ladder.Surroundings",
        "workers.ladder.WarmedSession",
        "workers.loaded.ModelsOnDevice",
        "workers.naming.Namer",
        "workers.photo.PhotoPipeline",
        "workers.runner.Pipeline",
        "workers.shortages.Unloads",
        "workers.stages.stage.Stage",
        "workers.video_naming.TrackNamer",
        "workers.video_naming.VideoNamer",
        "workers.work.Work",
    }

    assert found - views == {name for name in PORTS if not name.startswith("models.")}


def test_the_gateway_starts_without_inference_libraries(root: Path) -> None:
    code = (
        "import sys, api.wsgi, api.gunicorn_config;"
        "print(sorted({'onnxruntime', 'onnx', 'numpy', 'cv2', 'pynvml'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        # Without a secret the gateway would refuse to start.
        env={"FACESOCIAL_GATEWAY_SECRET": "s" * 32},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_beat_and_monitor_start_without_inference_libraries(root: Path) -> None:
    code = (
        "import sys, workers.app;"
        "print(sorted({'onnxruntime', 'onnx', 'numpy', 'cv2', 'pynvml'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )

    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def _sources(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.py") if "__pycache__" not in path.parts]
