"""Whatever the interface is asked and answers by headers, a page of an allowed origin can use."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

from api.cors import ALLOWED_HEADERS, EXPOSED_HEADERS
from api.openapi.request_headers import HEADERS

ROOT = Path(__file__).resolve().parents[3]
#: Headers that a page reads without leave (Fetch standard), or that speak to the browser and to
#: proxies, not to the page.
FOR_NO_PAGE = {
    *("Cache-Control", "Content-Encoding", "Content-Security-Policy", "Content-Type"),
    *("Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", "Strict-Transport-Security", "Upgrade"),
    "X-Accel-Buffering",
}


def test_a_page_may_send_every_header_that_the_document_has() -> None:
    names = {header["name"] for header in HEADERS.values()}

    assert names - {*ALLOWED_HEADERS} == set()


def test_a_page_may_read_every_header_that_is_set() -> None:
    names = {name for name in set_headers() if not name.startswith("Access-Control-")}

    assert "ETag" in EXPOSED_HEADERS  # set by Werkzeug's own method
    assert "Location" in names
    assert names - {*EXPOSED_HEADERS} - FOR_NO_PAGE == set()


def set_headers() -> Iterator[str]:
    """Headers that the gateway's source assigns to by name; a loop's variable names none."""
    for path in sorted((ROOT / "api").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for target in node.targets if isinstance(node, ast.Assign) else ():
                if isinstance(target, ast.Subscript) and _is_headers(target.value):
                    yield from _name(target.slice, path)


def _is_headers(node: ast.expr) -> bool:
    return ast.unparse(node).rpartition(".")[2] == "headers"


def _name(node: ast.expr, path: Path) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.Name) and node.id.isupper():
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        yield str(getattr(importlib.import_module(module), node.id))
