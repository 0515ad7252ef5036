"""Requests made up from the served document: every answer is one that it foresees.

`make fuzz` searches for longer, and at the second addresses of views too.
"""

from collections.abc import Iterator

import pytest
import schemathesis
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.engine import Status, events, from_schema
from schemathesis.schemas import BaseSchema

from tests.fuzz.plausible import make_plausible, register

#: A refusal is one whatever its number; which numbers there are is checked by the document.
REFUSED = {"expected-statuses": ["4xx"]}
#: Right in its form, and no longer there.
ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "410", "429"]
#: Where requests that are right in their form can't succeed here.
OPERATIONS = [
    # They open a WebSocket, which a plain request can't.
    {
        "include-path-regex": "^/ws/",
        "checks": {"positive_data_acceptance": {"enabled": False}},
    },
    # Its JSON names an upload, which isn't there.
    {
        "include-path-regex": "(/batch/[^/]+/items|/enrollments)$",
        "checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, "422"]}},
    },
    # Tags that were made up match nothing.
    {
        "include-path-regex": "/collections/[^/]+(/persons/[^/]+)?$",
        "include-method": "PATCH",
        "checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, "412"]}},
    },
    # Nobody is merged with themselves.
    {
        "include-path-regex": "/merge$",
        "checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, "422"]}},
    },
    # They take a token out of a mail: any other is 400.
    {
        "include-path-regex": "/(verify-email|reset-password/confirm)$",
        "checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, "400"]}},
    },
]


@pytest.fixture
def configuration(request: pytest.FixtureRequest, key: str) -> SchemathesisConfig:
    examples = request.config.getoption("--fuzz-examples", 2)
    return SchemathesisConfig.from_dict(
        {
            "seed": request.config.getoption("--fuzz-seed", 1),
            "headers": {"X-API-Key": key},
            "request-timeout": 10,
            "max-stream-events": 1,
            "generation": {
                "max-examples": examples,
                "database": "none",
                "no-shrink": True,
                "with-security-parameters": False,
            },
            "phases": {
                "stateful": {"generation": {"max-examples": examples}},
                # One that no address takes, and one that some do.
                "coverage": {"unexpected-methods": ["TRACE", "PATCH"]},
            },
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ACCEPTED},
                "negative_data_rejection": REFUSED,
                "missing_required_header": REFUSED,
            },
            "operations": OPERATIONS,
        }
    )


@pytest.fixture(autouse=True)
def _mended_requests() -> Iterator[None]:
    register()
    schemathesis.hook("before_call")(make_plausible)
    yield
    schemathesis.hooks.unregister_all()


def is_second_address(operation: object) -> bool:
    """Whether a view has another address that is tried."""
    raw = operation.definition.raw  # type: ignore[attr-defined]  # an operation of any kind
    return str(raw["description"]).startswith("The same as ")


@pytest.mark.timeout(3600)
def test_no_made_up_request_gets_an_answer_that_the_document_does_not_foresee(
    request: pytest.FixtureRequest, address: str, configuration: SchemathesisConfig
) -> None:
    schema: BaseSchema = schemathesis.openapi.from_url(
        f"{address}/openapi.json", config=configuration
    )
    if not request.config.getoption("--fuzz-all", default=False):
        schema = schema.exclude(lambda context: is_second_address(context.operation))
    tried: set[str] = set()
    checked: set[str] = set()
    failures: list[str] = []

    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            tried |= {str(event.label)} if event.recorder.checks else set()
            checked |= {node.name for nodes in event.recorder.checks.values() for node in nodes}
            failures += told(event)
        elif isinstance(event, events.NonFatalError):
            failures.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, events.FatalError):
            raise event.exception

    assert not failures, "\n\n".join(dict.fromkeys(failures))
    there = {one.ok().label for one in schema.get_all_operations() if isinstance(one, Ok)}
    assert there - tried == set()
    assert len(there) > 50
    assert {"ignored_auth", "unsupported_method", "negative_data_rejection"} <= checked
    assert checked <= set(CHECKS.get_all_names())


def told(event: events.ScenarioFinished) -> Iterator[str]:
    """The failures of a scenario, each with its answer and a command that repeats it."""
    for case_id, nodes in event.recorder.checks.items():
        answer = event.recorder.find_response(case_id=case_id)
        for node in nodes:
            if node.status is Status.FAILURE and node.failure_info is not None:
                failure, code = node.failure_info.failure, node.failure_info.code_sample
                body = (
                    answer
                    and answer.content
                    and answer.content[:200] + b" ... " + answer.content[-400:]
                )
                yield f"{event.label}: {node.name}: {failure.message}\n{body!r}\n{code[:600]}"
