"""deploy/prometheus: rules ask for figures that the gateway tells, and the guide knows them all."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import fakeredis
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from api.services import Services
from api.testing import memory_parts
from tests.architecture.pages import CODE, first_words, section, text_of
from vram.answers import Ask
from vram.records import Device, DeviceKind
from workers.contract import AnalyzeOptions, JobRoute
from workers.jobs.store import NewJob
from workers.settings.process import Settings

FOLDER = "deploy/prometheus"
#: Of PromQL, not of ours.
WORDS = {
    *("sum", "rate", "increase", "delta", "abs", "or", "vector", "max_over_time"),
    *("histogram_quantile", "and", "on"),
}
#: What Prometheus tells by itself of whom it scrapes.
SCRAPE = {"up": {"job", "instance"}}
SELECTOR = re.compile(r"(\w+)\s*(=~|!~|!=|=)\s*\"([^\"]*)\"")


@pytest.fixture(scope="module")
def rules(root: Path) -> list[dict[str, Any]]:
    loaded = yaml.safe_load((root / FOLDER / "alerts.yaml").read_text())
    return [rule for group in loaded["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def parts() -> Iterator[Services]:
    server = fakeredis.FakeServer(version=(7, 2))
    with fakeredis.FakeRedis(server=server, decode_responses=True) as client:
        yield memory_parts(Settings(auth="off"), client)


@pytest.fixture(scope="module")
def told(parts: Services) -> dict[str, set[str]]:
    """Names of the samples of a fleet at work, and their labels."""
    device = Device(
        id="box/cuda:0",
        kind="gpu",
        name="a card",
        host="box",
        total_mib=6144,
        reserved_mib=200,
        context_mib=450,
        headroom_mib=256,
        verified=True,
        incarnation=1,
    )
    where = (device.id, device.incarnation)
    parts.ledger.register(device)
    ask = Ask(model="sface", vram_mib=100, priority="high", token="photo")  # noqa: S106 - no password
    gen = parts.ledger.reserve(*where, ask).gen
    assert gen is not None
    parts.ledger.begin(*where, gen, free_mib=None)
    parts.ledger.loaded(*where, gen, vram_mib=100, load_ms=300)
    version = parts.ledger.version(device.id)
    parts.ledger.observe(*where, used_mib=1000, version=version)
    parts.fleet.learn(service_ms={("gpu", "sface"): 9.0}, load_ms={"sface": 300.0})
    route = JobRoute(queue="cpu.interactive", reason="no_gpu_device")
    parts.jobs.submit(NewJob(id="job", options=AnalyzeOptions(), route=route, blob_keys=("b",)))
    client = create_app(parts).test_client()
    client.get("/health/ready")
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def _figures(expression: str) -> set[str]:
    bare = re.sub(r"\{[^}]*\}|\[\w+\]|\bby \(\w+\)", " ", expression)
    return set(re.findall(r"[A-Za-z_][\w:]*", bare)) - WORDS


def test_every_figure_of_a_rule_is_told_with_the_labels_it_asks_for(
    rules: list[dict[str, Any]], told: dict[str, set[str]]
) -> None:
    known = told | SCRAPE | {rule["record"]: set() for rule in rules if "record" in rule}
    assert len(rules) > 20

    for rule in rules:
        figures = _figures(rule["expr"])
        assert figures - set(known) == set(), rule
        labels = set().union(*(known[figure] for figure in figures))
        words = {label for label, _, _ in SELECTOR.findall(rule["expr"])}
        words |= set(re.findall(r"\bby \((\w+)\)", rule["expr"]))
        text = rule.get("annotations", {}).get("summary", "")
        words |= set(re.findall(r"\$labels\.(\w+)", text))
        assert words <= labels, rule


def test_the_check_notices_a_figure_that_nobody_tells(told: dict[str, set[str]]) -> None:
    made_up = _figures('sum by (le) (rate(vram_made_up{a="b"}[5m])) > 1')

    assert made_up - set(told) == {"vram_made_up"}


def test_what_rules_pick_exists(rules: list[dict[str, Any]], parts: Services) -> None:
    picked = {
        (label, value)
        for rule in rules
        for label, operator, value in SELECTOR.findall(rule["expr"])
    }
    routes = {rule.rule for rule in create_app(parts).url_map.iter_rules()}
    failures = text_of("docs/reference/errors.md")
    codes = first_words(section(failures, "## Errors of failed jobs"))
    match: dict[str, Callable[[str], bool]] = {
        "route": lambda value: any(re.fullmatch(value, route) for route in routes),
        "code": lambda value: set(value.split("|")) <= codes,
        "status": lambda value: re.fullmatch(value, "503") is not None,
        "queue": lambda value: re.fullmatch(value, "gpu.box/cuda:0.interactive") is not None,
        "where": lambda value: value in {"gpu", "cpu"},
        "job": lambda value: value == "facesocial",
        "kind": lambda value: value in get_args(DeviceKind),
    }

    for label, value in picked:
        assert match[label](value), (label, value)


def test_every_alert_has_a_weight_and_a_sentence_and_is_in_the_guide(
    rules: list[dict[str, Any]],
) -> None:
    alerts = [rule for rule in rules if "alert" in rule]

    for rule in alerts:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"].endswith(".")
    names = [rule["alert"] for rule in alerts]
    assert len(set(names)) == len(names)
    assert first_words(section(text_of("docs/how-to/operate.md"), "## Alerts")) == set(names)


def test_the_scrape_asks_the_gateway_and_reads_the_rules(root: Path, parts: Services) -> None:
    document = yaml.safe_load((root / FOLDER / "prometheus.yaml").read_text())
    [scrape] = document["scrape_configs"]

    assert scrape["job_name"] == "facesocial"
    assert scrape["metrics_path"] in {rule.rule for rule in create_app(parts).url_map.iter_rules()}
    assert scrape["authorization"]["type"] == "Bearer"
    assert [(root / FOLDER / name).is_file() for name in document["rule_files"]] == [True]
    guide = set(CODE.findall(text_of("docs/how-to/operate.md")))
    assert f"{FOLDER}/prometheus.yaml" in guide
