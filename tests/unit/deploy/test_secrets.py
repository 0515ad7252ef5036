"""The script that makes the stack's passwords."""

import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from api.exposure import require_safe
from workers.settings.process import load_settings


@pytest.fixture
def secrets(root: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    subprocess.run([root / "deploy" / "make-secrets.sh", folder], check=True, capture_output=True)
    return folder


def test_it_makes_exactly_the_files_that_compose_mounts(secrets: Path, root: Path) -> None:
    document = yaml.safe_load((root / "compose.yaml").read_text())

    assert {f"secrets/{path.name}" for path in secrets.iterdir()} == {
        secret["file"] for secret in document["secrets"].values()
    }


def test_only_the_owner_enters_the_folder(secrets: Path) -> None:
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets.iterdir()} == {0o444}


def test_our_processes_read_them_as_settings(secrets: Path) -> None:
    password = (secrets / "valkey_password").read_text().strip()
    (secrets / "valkey_password").unlink()  # mounted into the store only

    settings = load_settings({"FACESOCIAL_SECRETS_DIR": str(secrets)})

    assert settings.redis_url.get_secret_value() == f"redis://:{password}@valkey:6379/0"
    assert settings.flower_password
    assert len(settings.flower_password.get_secret_value()) == 43
    assert settings.flower_password.get_secret_value() != password
    require_safe(settings)


def test_running_it_again_keeps_the_passwords(secrets: Path, root: Path) -> None:
    before = {path.name: path.read_text() for path in secrets.iterdir()}

    subprocess.run([root / "deploy" / "make-secrets.sh", secrets], check=True, capture_output=True)

    assert {path.name: path.read_text() for path in secrets.iterdir()} == before


def test_secrets_are_never_committed_nor_sent_to_a_build(root: Path) -> None:
    assert "/secrets/" in (root / ".gitignore").read_text().splitlines()
    assert (root / ".dockerignore").read_text().splitlines()[1] == "*"
