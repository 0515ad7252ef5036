"""What the pages on devices, routes, queues and the gateway say is what the code does."""

import re
from typing import get_args

import fakeredis

import vram.redis_fleet
from api.app import create_app
from api.services import Services
from api.testing import memory_parts
from tests.architecture.pages import CODE, ROOT, first_words, rows_of, section, text_of
from vram.answers import REASONS, Ask
from vram.records import Device
from vram.route_costs import Priors
from vram.routing import ROUTE_REASONS
from workers import contract
from workers.celery_config import celery_settings
from workers.devices.ladder import Step, Trouble
from workers.devices.refusals import SENTENCES
from workers.settings.process import Settings

LUA = ROOT / "vram" / "lua"
#: What a script puts into the stream: operation and why.
TOLD_BY_SCRIPTS = re.compile(r"\b(?:note|drop|evict)\(book.*?'(\w+)', '(\w+)'")
#: Flask writes <job_id> or <string(length=36):job_id>, the reference {job_id}.
PARAMETER = re.compile(r"<(?:[^:<>]+:)?(\w+)>")
DEVICE = Device(
    id="box1/cuda:0",
    kind="gpu",
    name="a card",
    host="box1",
    total_mib=6144,
    reserved_mib=200,
    context_mib=450,
    headroom_mib=256,
    verified=True,
    incarnation=1,
)


def test_every_reason_of_a_route_and_every_metric_is_in_the_reference() -> None:
    text = text_of("docs/reference/vram.md")
    client = create_app(_services()).test_client()

    scraped = set(re.findall(r"^# TYPE (\w+) ", client.get("/metrics").text, re.MULTILINE))

    assert first_words(section(text, "## Where a job goes")) == set(ROUTE_REASONS)
    assert first_words(section(text, "## Metrics")) == scraped


def test_every_reason_why_a_model_is_not_on_its_device_is_in_the_reference_and_the_reverse() -> (
    None
):
    text = section(text_of("docs/reference/vram.md"), "## Answers and reasons")

    assert first_words(text) == {*REASONS, *SENTENCES, *get_args(Trouble)}


def test_every_step_of_the_ladder_is_in_the_reference_of_answers() -> None:
    [row] = [row for row in rows_of(text_of("docs/reference/http.md")) if row[0] == "`degraded`"]

    assert set(CODE.findall(row[1])) == {"model", "step", "reason", "message", *get_args(Step)}


def test_every_why_of_the_ledger_s_scripts_is_in_the_reference() -> None:
    text = section(text_of("docs/reference/vram.md"), "## Events")
    scripts = "".join(path.read_text(encoding="utf-8") for path in LUA.rglob("*.lua"))

    told = {
        (operation, why)
        for row in rows_of(text)
        for operation in CODE.findall(row[0])
        for why in CODE.findall(row[1])
    }

    emitted = set(TOLD_BY_SCRIPTS.findall(scripts))
    assert ("sweep", "written_off") in emitted
    assert emitted - told == set()


def test_every_member_of_a_device_s_memory_is_in_the_reference() -> None:
    text = section(text_of("docs/reference/http.md"), "### `GET /api/v1/system/vram`")
    services = _services()
    services.ledger.register(DEVICE)
    services.ledger.reserve(
        DEVICE.id,
        DEVICE.incarnation,
        Ask(model="sface", vram_mib=100, priority="high", token="photo"),  # noqa: S106 - no password
    )

    [device] = create_app(services).test_client().get("/api/v1/system/vram").get_json()["devices"]

    told = {word for span in CODE.findall(text) for word in re.findall(r"[a-z_]+", span)}
    assert set(device) | set(device["kept_out"]) | set(device["models"][0]) <= told
    assert set(next(iter(device["zone_usage"].values()))) <= told


def test_the_figures_routing_starts_with_are_those_of_the_reference() -> None:
    text = section(text_of("docs/reference/vram.md"), "## Where a job goes")
    priors, weight = Priors(), vram.redis_fleet.WEIGHT

    assert f"{priors.gpu_ms:.0f} ms a run on a GPU" in text
    assert f"{priors.load_ms:.0f} ms a load" in text
    assert f"(weight {weight})" in text
    assert priors.cpu_ratio == Settings().cpu_performance_ratio


def test_every_route_is_in_the_reference_and_the_reverse() -> None:
    headings = re.findall(r"^### `(.+)`$", text_of("docs/reference/http.md"), re.MULTILINE)

    rules = create_app(_services()).url_map.iter_rules()

    served = {
        method + " " + PARAMETER.sub(r"{\1}", rule.rule)
        for rule in rules
        if rule.endpoint != "static"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert set(headings) == served


def test_every_queue_and_task_is_in_the_reference_and_the_reverse() -> None:
    text = text_of("docs/reference/queues.md")

    tasks = {value for name, value in vars(contract).items() if name.startswith("TASK_")}

    queues = {*contract.served_queues(None), *contract.served_queues("<device>")}
    assert first_words(section(text, "## Queues")) == queues
    assert first_words(section(text, "## Tasks")) == tasks


def test_every_celery_setting_is_explained_and_the_reverse() -> None:
    text = text_of("docs/explanation/celery-settings.md")
    told = {CODE.findall(row[0])[0]: row for row in rows_of(text)}

    for role in ("worker", "gateway"):
        settings = celery_settings(Settings(), "worker" if role == "worker" else "gateway")
        flat = {**settings, **settings["broker_transport_options"]}
        assert set(told) == set(flat)
        for name, value in flat.items():
            if value is None or isinstance(value, bool | int | float | str):
                assert f"`{value}`" in told[name][1], f"{name} of the {role}"


def _services() -> Services:
    client = fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(7, 2)))
    return memory_parts(Settings(auth="off"), client)
