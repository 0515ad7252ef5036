"""From nothing to a login: the first administrator of a fleet is made by command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from cli.local_fleet import LocalFleet

pytestmark = pytest.mark.fleet

PASSWORD = "correct Horse 7"  # noqa: S105 - of the test's own fleet


def test_the_first_administrator_is_made_by_command_and_logs_in(
    fleet: LocalFleet, tmp_path: Path
) -> None:
    environment = {
        **os.environ,  # noqa: TID251 - handed to the command
        "FACESOCIAL_DATA_DIR": str(fleet.data.root),
        "XDG_CONFIG_HOME": str(tmp_path),
    }

    def facesocial(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments],
            input=PASSWORD + "\n",
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    made = facesocial("users", "create", "root@example.com", "--role=admin", "--password-file=-")
    facesocial("login", "root@example.com", "--password-file=-")
    told = json.loads(facesocial("whoami", "--json"))
    with httpx.Client(base_url=f"{fleet.url}/api/v1/auth") as http:
        body = {"email": "ROOT@example.com", "password": PASSWORD}
        tokens = http.post("/login", json=body).raise_for_status().json()
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        listed = http.get("/sessions", headers=bearer).raise_for_status().json()
        wrong = http.post("/login", json={**body, "password": "wrong"})
    facesocial("logout")
    facesocial("users", "create", "other@example.com", "--role=admin", "--password-file=-")
    facesocial("users", "delete", "root@example.com", "--yes")

    assert (told["gateway"], told["user_id"], told["role"]) == (fleet.url, made.strip(), "admin")
    assert len(listed["items"]) == 2
    assert wrong.status_code == 401
    log = (fleet.data.logs / "gateway.log").read_text(encoding="utf-8")
    assert "root@example.com" not in log.lower()
    assert "Traceback" not in log
