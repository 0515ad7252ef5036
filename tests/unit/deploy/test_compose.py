"""compose.yaml: valid, closed, and in step with the code it starts."""

import copy
import importlib.util
import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import compose_spec
import pytest
import yaml

from workers.settings.process import CONFIG_VARIABLE, PREFIX, SECRETS_VARIABLE, Settings

SERVICES = ("valkey", "weights", "gateway", "worker-cpu", "worker-gpu", "beat", "flower")


@pytest.fixture(scope="module")
def document(root: Path) -> dict[str, Any]:
    """The file with its variables at their defaults and its anchors followed."""
    text = (root / "compose.yaml").read_text()
    text = re.sub(r"(?<!\$)\$\{\w+:-([^}]*)\}", r"\1", text)
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest, document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["services"][request.param]
    return found


def test_the_file_follows_the_compose_specification(document: dict[str, Any]) -> None:
    parsed = compose_spec.PyCompose.from_json(json.dumps(document))

    parsed.validate()
    assert sorted(parsed.service_names()) == sorted(SERVICES)


def test_the_specification_check_notices_a_wrong_key(document: dict[str, Any]) -> None:
    spoiled = copy.deepcopy(document)
    spoiled["services"]["gateway"]["readonly"] = True

    with pytest.raises(ValueError, match="readonly"):
        compose_spec.PyCompose.from_json(json.dumps(spoiled))


def test_each_service_has_no_rights_it_does_not_need(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert "cap_add" not in service


def test_each_service_is_limited_restarted_and_checked(service: dict[str, Any]) -> None:
    limits = service["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}
    if service["command"][-1] == "pull":
        assert service["restart"] == "no"  # ends by itself, so it is never "healthy"
        assert service["healthcheck"] == {"disable": True}
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


def test_ports_are_published_on_loopback_only(document: dict[str, Any]) -> None:
    ports = {name: found.get("ports", []) for name, found in document["services"].items()}

    assert {name: found for name, found in ports.items() if found} == {
        "gateway": ["127.0.0.1:8000:8000"],
        "flower": ["127.0.0.1:5555:5555"],
    }


def test_the_store_and_the_workers_reach_nothing_outside(document: dict[str, Any]) -> None:
    assert document["networks"]["store"] == {"internal": True}
    for name in ("valkey", "worker-cpu", "worker-gpu", "beat"):
        assert document["services"][name]["networks"] == ["store"]


def test_each_variable_is_a_setting(service: dict[str, Any]) -> None:
    names = [name for name in service.get("environment", {}) if name.startswith(PREFIX)]
    settings = {PREFIX + field.upper() for field in Settings.model_fields}

    assert set(names) <= settings | {CONFIG_VARIABLE, SECRETS_VARIABLE}


def test_each_secret_of_our_processes_is_a_setting(document: dict[str, Any]) -> None:
    for name, found in document["services"].items():
        if name != "valkey":
            assert set(found.get("secrets", [])) <= set(Settings.model_fields)
            uses_secrets = SECRETS_VARIABLE in found.get("environment", {})
            assert uses_secrets == bool(found.get("secrets"))


def test_weights_are_there_before_a_worker_starts(document: dict[str, Any]) -> None:
    for name in ("worker-cpu", "worker-gpu"):
        condition = document["services"][name]["depends_on"]["weights"]["condition"]
        assert condition == "service_completed_successfully"


def test_only_the_gpu_worker_asks_for_a_card_and_for_its_profile(document: dict[str, Any]) -> None:
    services = document["services"]

    assert [name for name in SERVICES if "profiles" in services[name]] == ["worker-gpu"]
    devices = services["worker-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert devices == [{"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}]


def test_workers_serve_what_their_device_says_and_nothing_is_listed_twice(
    document: dict[str, Any],
) -> None:
    devices = {}
    for name in ("worker-cpu", "worker-gpu"):
        service = document["services"][name]
        assert "-Q" not in service["command"]
        devices[name] = service["environment"]["FACESOCIAL_DEVICE"]

    assert devices == {"worker-cpu": "cpu", "worker-gpu": "cuda:0"}
    # The device's queues have its host's name in theirs.
    assert document["services"]["worker-gpu"]["hostname"] == "worker-gpu"


def test_commands_name_modules_that_exist(document: dict[str, Any]) -> None:
    named = set()
    for found in document["services"].values():
        for command in (found["command"], found["healthcheck"].get("test", [])):
            named |= {command[i + 1] for i, word in enumerate(command) if word == "-m"}
            named |= {command[i + 1].split(":")[0] for i, w in enumerate(command) if w == "-A"}
            named |= {w.split(":")[-2] for w in command if re.fullmatch(r"[\w.]+:\w+\(\)", w)}
            named |= {w.removeprefix("python:") for w in command if w.startswith("python:")}

    assert {"workers.app", "workers.healthcheck", "api.wsgi", "api.gunicorn_config"} < named
    assert sorted(name for name in named if not importlib.util.find_spec(name)) == []


def test_image_tags_are_the_projects_version(document: dict[str, Any], root: Path) -> None:
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    images = {found["image"] for found in document["services"].values()}

    assert {image for image in images if image.startswith("facesocial-")} == {
        f"facesocial-{name}:{version}" for name in ("api", "worker-cpu", "worker-gpu")
    }


def test_files_it_refers_to_exist(document: dict[str, Any], root: Path) -> None:
    for found in document["services"].values():
        if "build" in found:
            assert (root / found["build"]["dockerfile"]).is_file()
    for found in document["configs"].values():
        assert os.fspath(found["file"]).startswith("deploy/")
        assert (root / found["file"]).is_file()


@pytest.mark.parametrize("name", ["BLOB_URL", "IDENTITY_KEYS_URL"])
def test_gateway_and_workers_share_what_they_keep_in_files(
    document: dict[str, Any], name: str
) -> None:
    volumes = set()
    for role in ("gateway", "worker-cpu", "worker-gpu"):
        service = document["services"][role]
        folder = service["environment"][PREFIX + name].removeprefix("file://")
        (volume,) = [one for one in service["volumes"] if one.endswith(f":{folder}")]
        volumes.add(volume)

    assert len(volumes) == 1
    assert volumes.pop().partition(":")[0] in document["volumes"]
