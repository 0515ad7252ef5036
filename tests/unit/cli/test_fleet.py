import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from cli.errors import LauncherError
from cli.launcher.fleet import ROOT, Plan, fleet, visible_gpus
from cli.launcher.processes import Command
from cli.launcher.supervisor import Child
from workers.celery_config import celery_settings
from workers.contract import local_device, served_queues
from workers.settings.process import load_settings


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(
        settings=load_settings({"FACESOCIAL_DATA_DIR": str(tmp_path)}),
        base_environment={"PATH": "/bin", "FLOWER_DEBUG": "1", "PYTHONPATH": "/elsewhere"},
        redis_url="redis://:password@127.0.0.1:7000/0",
        port=8001,
        flower_port=5556,
        flower_password="secret",  # noqa: S106 - a test's own
        flower_cookie_secret="cookie",  # noqa: S106 - a test's own
        gateway_secret="sealed" * 8,
        development_key="fs_dev_" + "k" * 32,
        gpus=(),
        cores=3,
    )


def _command(child: Child) -> Command:
    assert isinstance(child.start, Command)
    return child.start


def _commands(plan: Plan) -> Mapping[str, Command]:
    return {child.name: _command(child) for stage in fleet(plan) for child in stage}


def _option(command: Command, name: str) -> str:
    return command.argv[command.argv.index(name) + 1]


def test_the_gateway_comes_last_and_thus_goes_first(plan: Plan) -> None:
    stages = [[child.name for child in stage] for stage in fleet(replace(plan, gpus=("cuda:0",)))]

    assert stages == [["flower", "beat"], ["worker-cpu", "worker-gpu0"], ["gateway"]]


def test_without_a_monitor_there_is_no_flower(plan: Plan) -> None:
    assert "flower" not in _commands(replace(plan, flower_password=None))


def test_each_worker_serves_its_device_s_queues_interactive_first(plan: Plan) -> None:
    commands = _commands(replace(plan, gpus=("sim:700", "sim:700:1")))

    for name, device in (
        ("worker-cpu", "cpu"),
        ("worker-gpu0", "sim:700"),
        ("worker-gpu1", "sim:700:1"),
    ):
        assert "-Q" not in commands[name].argv
        told = celery_settings(load_settings(commands[name].env), "worker")["task_queues"]
        assert tuple(queue.name for queue in told) == served_queues(local_device(device))


def test_only_a_card_s_worker_insists_on_one(plan: Plan) -> None:
    strict = load_settings({"FACESOCIAL_REQUIRE_GPU": "true"})
    commands = _commands(replace(plan, settings=strict, gpus=("cuda:0", "sim:700")))

    insisting = [
        name for name, command in commands.items() if load_settings(command.env).require_gpu
    ]

    assert insisting == ["worker-gpu0"]


def test_a_worker_has_a_process_per_core_unless_told_otherwise(plan: Plan) -> None:
    told = load_settings({"FACESOCIAL_WORKER_CONCURRENCY": "7"})
    two_threads = load_settings({"FACESOCIAL_ORT_THREADS": "2"})

    found = [
        _option(_commands(replace(plan, settings=settings))["worker-cpu"], "--concurrency")
        for settings in (plan.settings, told, two_threads)
    ]

    assert found == ["3", "7", "1"]


def test_each_gpu_has_one_worker_with_one_process_and_its_own_name(plan: Plan) -> None:
    commands = _commands(replace(plan, gpus=("cuda:0", "cuda:1", "sim:6144")))

    gpus = [commands[f"worker-gpu{index}"] for index in range(3)]
    assert [c.env["FACESOCIAL_DEVICE"] for c in gpus] == ["cuda:0", "cuda:1", "sim:6144"]
    assert [_option(c, "--concurrency") for c in gpus] == ["1", "1", "1"]
    assert [_option(c, "-n") for c in gpus] == ["gpu0@%h", "gpu1@%h", "gpu2@%h"]


def test_only_workers_of_real_cards_see_cards(plan: Plan) -> None:
    base = {**plan.base_environment, "CUDA_VISIBLE_DEVICES": "1"}
    commands = _commands(replace(plan, gpus=("cuda:1", "sim:1"), base_environment=base))

    assert "CUDA_VISIBLE_DEVICES" not in commands["worker-gpu0"].env
    assert commands["worker-gpu0"].env["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert commands["worker-gpu1"].env["CUDA_VISIBLE_DEVICES"] == "-1"
    assert commands["worker-cpu"].env["CUDA_VISIBLE_DEVICES"] == "-1"


def test_no_secret_is_on_a_command_line_or_in_a_representation(plan: Plan) -> None:
    for command in _commands(plan).values():
        assert not {"secret", "password", "cookie"} & set(" ".join(command.argv).split())
        assert "password" not in repr(command)


def test_only_the_gateway_gets_its_secret_and_the_development_key(plan: Plan) -> None:
    environ = {"FACESOCIAL_GATEWAY_SECRET": "a" * 32, "FACESOCIAL_CLIENT_KEY": "fs_live_mine"}
    commands = _commands(replace(plan, settings=load_settings(environ), base_environment=environ))

    told = {name for name, command in commands.items() if plan.gateway_secret in str(command.env)}
    keys = {name for name, command in commands.items() if "fs_dev_" in str(command.env)}

    assert (told, keys) == ({"gateway"}, {"gateway"})
    assert not any("a" * 32 in str(command.env) for command in commands.values())
    assert not any("fs_live_mine" in str(command.env) for command in commands.values())


def test_a_gateway_that_others_reach_has_no_development_key(plan: Plan) -> None:
    gateway = _commands(replace(plan, development_key=None))["gateway"]

    assert load_settings(gateway.env).development_key is None


def test_children_import_our_packages_whatever_else_is_installed(plan: Plan) -> None:
    for command in _commands(plan).values():
        assert command.argv[:2] == (sys.executable, "-m")
        assert command.env["PYTHONPATH"] == str(ROOT)
        assert (ROOT / "workers" / "app.py").is_file()


def test_settings_given_by_any_way_reach_the_children_as_variables(
    plan: Plan, tmp_path: Path
) -> None:
    (tmp_path / "facesocial.toml").write_text('log_level = "debug"\nweights_dir = "w"\n')
    environ = {
        "FACESOCIAL_CONFIG": str(tmp_path / "facesocial.toml"),
        "FACESOCIAL_FLOWER_PASSWORD": "mine",
        "FACESOCIAL_ORT_THREADS": "3",
    }
    settings = load_settings(environ)
    changed = replace(plan, settings=settings, base_environment=environ)

    commands = _commands(changed)

    gateway = commands["gateway"].env
    assert load_settings(gateway).ort_threads == 3
    assert gateway["FACESOCIAL_LOG_LEVEL"] == "debug"
    assert gateway["FACESOCIAL_REDIS_URL"] == plan.redis_url
    assert gateway["FACESOCIAL_WEIGHTS_DIR"] == str(Path("w").absolute())
    assert "FACESOCIAL_CONFIG" not in gateway
    assert "FACESOCIAL_FLOWER_PASSWORD" not in gateway


def test_variables_that_steer_the_same_programs_stay_outside(plan: Plan) -> None:
    flower = _commands(plan)["flower"].env

    assert "FLOWER_DEBUG" not in flower
    assert flower["PATH"] == "/bin"


def test_flower_listens_on_loopback_and_lets_nobody_change_anything(plan: Plan) -> None:
    flower = _commands(plan)["flower"].env

    assert flower["FLOWER_ADDRESS"] == "127.0.0.1"
    assert flower["FLOWER_READ_ONLY"] == "true"
    assert flower["FLOWER_BASIC_AUTH"] == "facesocial:secret"


def test_a_flower_password_flower_would_split_is_refused(plan: Plan) -> None:
    with pytest.raises(LauncherError, match="comma"):
        fleet(replace(plan, flower_password="a,b"))  # noqa: S106 - a test's own


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8001"),
        ("0.0.0.0", "http://127.0.0.1:8001"),  # noqa: S104 - compared, never bound
        ("::", "http://[::1]:8001"),
        ("10.0.0.7", "http://10.0.0.7:8001"),
    ],
)
def test_a_wildcard_address_is_reached_on_loopback(plan: Plan, host: str, url: str) -> None:
    settings = load_settings({"FACESOCIAL_HOST": host})

    assert replace(plan, settings=settings).gateway_url == url


@pytest.mark.parametrize(
    ("allowed", "seen"),
    [
        (None, ("cuda:0", "cuda:1")),
        ("1", ("cuda:1",)),
        ("1,0", ("cuda:1", "cuda:0")),
        ("7", ()),
        ("", ()),
        ("-1", ()),
    ],
)
def test_hidden_cards_get_no_worker(allowed: str | None, seen: tuple[str, ...]) -> None:
    environment = {} if allowed is None else {"CUDA_VISIBLE_DEVICES": allowed}

    assert visible_gpus(("cuda:0", "cuda:1"), environment) == seen


def test_cards_named_by_uuid_are_refused_in_words() -> None:
    with pytest.raises(LauncherError, match="index"):
        visible_gpus(("cuda:0",), {"CUDA_VISIBLE_DEVICES": "GPU-8932f937"})
