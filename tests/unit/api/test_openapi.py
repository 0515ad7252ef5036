"""The document describes every route, and nothing else; its page comes from here alone."""

import re
from typing import Any

import fakeredis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from api.app import create_app
from api.endpoint import Endpoint, endpoint
from api.openapi.document import build_document
from api.problems import PROBLEM_OF_CODE
from api.services import Services
from api.testing import memory_parts
from workers.settings.process import Settings

ADDRESSES = ("/openapi.json", "/api/v1/openapi.json", "/docs/openapi.json")
METHODS = {"get", "put", "post", "delete", "options", "head", "patch"}


@pytest.fixture(scope="module")
def described() -> Flask:
    """One app for all that only read: the document takes a moment to make."""
    client = fakeredis.FakeRedis(server=fakeredis.FakeServer(version=(7, 2)))
    return create_app(memory_parts(Settings(auth="off"), client))


@pytest.fixture(scope="module")
def document(described: Flask) -> dict[str, Any]:
    found: dict[str, Any] = described.test_client().get("/openapi.json").get_json()
    return found


@pytest.fixture
def app(parts: Services) -> Flask:
    """An app that may be changed."""
    return create_app(parts)


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, found in document["paths"].items()
        for method, operation in found.items()
    }


def test_the_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    validate(document)

    assert document["openapi"].startswith("3.1.")


def test_every_route_is_in_the_document_and_the_reverse(
    described: Flask, document: dict[str, Any]
) -> None:
    served = {
        (method, re.sub(r"<(?:[^<>:]+:)?([^<>]+)>", r"{\1}", rule.rule))
        for rule in described.url_map.iter_rules()
        for method in rule.methods or ()
    }
    told = set(operations(document))
    # What Flask answers by itself beside what a view is for.
    implied = {(method, path) for method, path in served if method in {"HEAD", "OPTIONS"}}

    assert told - served == set()
    assert served - implied - told == set()


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_document_is_served_at_every_of_its_addresses(described: Flask, address: str) -> None:
    client = described.test_client()
    first = client.get(address)
    again = client.get(address, headers={"If-None-Match": first.headers["ETag"]})

    assert first.get_json()["paths"].keys() >= set(ADDRESSES)
    assert (again.status_code, again.data) == (304, b"")


def test_every_operation_says_what_it_does_and_has_a_name_of_its_own(
    document: dict[str, Any],
) -> None:
    found = operations(document).values()

    assert all(operation["summary"] and operation["tags"] for operation in found)
    assert len({operation["operationId"] for operation in found}) == len(found)


def test_protected_operations_take_a_token_or_a_key_and_tell_the_right(
    document: dict[str, Any],
) -> None:
    operation = document["paths"]["/api/v1/system/vram"]["get"]

    assert operation["security"] == [
        {"bearer": ["system:monitor"]},
        {"api_key": ["system:monitor"]},
    ]
    assert {"401", "403", "429", "503"} <= operation["responses"].keys()
    assert document["paths"]["/health/live"]["get"]["security"] == []


def test_problems_are_told_by_code(document: dict[str, Any]) -> None:
    reference = document["paths"]["/api/v1/jobs/{job_id}"]["get"]["responses"]["404"]["$ref"]
    response = document["components"]["responses"][reference.rpartition("/")[2]]
    schema = response["content"]["application/problem+json"]["schema"]

    assert "job_not_found" in schema["allOf"][1]["properties"]["code"]["enum"]
    assert PROBLEM_OF_CODE["job_not_found"].title in response["description"]


def test_comments_above_fields_are_their_descriptions(document: dict[str, Any]) -> None:
    query = document["paths"]["/api/v1/system/events"]["get"]["parameters"]
    described = {one["name"]: one.get("description") for one in query if "name" in one}

    assert described["limit"] == "At most so many."
    held = document["components"]["schemas"]["HeldModel"]["properties"]
    assert held["keep"]["description"] == "Never chosen to leave: an operator pinned it."


def test_every_parameter_says_what_it_means(document: dict[str, Any]) -> None:
    shared = document["components"]["parameters"]
    silent = [
        f"{method} {path}: {one['name']}"
        for (method, path), operation in operations(document).items()
        for told in operation.get("parameters", ())
        for one in (shared[told["$ref"].rpartition("/")[2]] if "$ref" in told else told,)
        if not one.get("description")
    ]

    assert silent == []


def test_a_route_that_declares_nothing_keeps_the_app_from_being_described(app: Flask) -> None:
    app.add_url_rule("/undeclared", "undeclared", lambda: "")

    with pytest.raises(AssertionError, match="undeclared"):
        build_document(app)


def test_a_problem_nobody_knows_keeps_the_app_from_being_described(app: Flask) -> None:
    view = endpoint(Endpoint(tag="system", problems=("made_up",)))(lambda: "")
    app.add_url_rule("/declared", "declared", view)

    with pytest.raises(AssertionError, match="made_up"):
        build_document(app)


def test_the_page_is_made_of_files_from_here_alone(client: FlaskClient) -> None:
    page = client.get("/docs/")
    policy = page.headers["Content-Security-Policy"]
    files = re.findall(r'(?:src|href)="(assets/[^"]+)"', page.text)

    assert len(files) == 4
    assert "http" not in policy
    assert "script-src 'self';" in policy
    assert {client.get(f"/docs/{file}").status_code for file in files} == {200}
    assert b"swagger" in client.get("/docs/assets/swagger-ui-bundle.js").data[:2000].lower()
    assert client.get("/docs").headers["Location"] == "/docs/"


def test_the_page_has_no_other_files(client: FlaskClient) -> None:
    for name in ("../flask_swagger_ui.py", "%2e%2e%2fREADME.md", "oauth2-redirect.html"):
        assert client.get(f"/docs/assets/{name}").get_json()["code"] == "not_found"
