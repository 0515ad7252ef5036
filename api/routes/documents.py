"""GET /openapi.json and /docs/: the interface described, for programs and for people.

The page is Swagger UI, out of its package: nothing comes from elsewhere, and browsers are told so.
"""

import hashlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import Final

from flask import Blueprint, Flask, Response, current_app, redirect, request

from api.endpoint import Endpoint, endpoint
from api.errors import ApiError
from api.openapi.document import build_document

blueprint = Blueprint("documents", __name__)

#: Where the document is.
ADDRESS: Final = "/openapi.json"
#: Files the page needs, with their types: Swagger UI's, and what starts it.
ASSETS: Final = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
    "start.js": "text/javascript",
}
#: What makes the page of them; a script of its own, because none may stand in the page.
_START: Final = f"""\
window.ui = SwaggerUIBundle({{
  url: "{ADDRESS}",
  dom_id: "#ui",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
}});
"""
_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>FaceSocial: HTTP interface</title>
<link rel="icon" href="assets/favicon-32x32.png">
<link rel="stylesheet" href="assets/swagger-ui.css">
</head>
<body>
<div id="ui"><p>This page needs JavaScript. The description itself is
<a href="/openapi.json">/openapi.json</a>.</p></div>
<script src="assets/swagger-ui-bundle.js"></script>
<script src="assets/start.js"></script>
</body>
</html>
"""
#: Pictures in Swagger UI's style sheet are written into it as `data:`; it sets styles by script.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
#: Files of one release of Swagger UI; the browser asks again after a day.
_ASSET_SECONDS: Final = 86_400
_DOCUMENT = "facesocial_openapi"


@blueprint.get(ADDRESS)
@blueprint.get("/api/v1/openapi.json")
@blueprint.get("/docs/openapi.json")
@endpoint(
    Endpoint(
        is_open=True, bucket="free", tag="documents", answers={200: "application/json", 304: None}
    )
)
def read_document() -> Response:
    """This description."""
    text, etag = prepare_document(current_app)
    response = Response(text, mimetype="application/json")
    response.headers["Cache-Control"] = "no-cache"
    response.set_etag(etag)
    response.make_conditional(request)
    return response


@blueprint.get("/docs")
@endpoint(Endpoint(is_open=True, bucket="free", tag="documents", answers={308: "text/html"}))
def find_page() -> Response:
    """Where the page is."""
    return redirect("/docs/", code=308)  # type: ignore[return-value]  # werkzeug's response is Flask's


@blueprint.get("/docs/")
@endpoint(Endpoint(is_open=True, bucket="free", tag="documents", answers={200: "text/html"}))
def read_page() -> Response:
    """This description as a page in which every request can be tried."""
    return _for_browsers(Response(_PAGE, mimetype="text/html"))


@blueprint.get("/docs/assets/<asset>")
@endpoint(
    Endpoint(
        is_open=True,
        bucket="free",
        tag="documents",
        answers={200: "text/css, text/javascript, image/png", 304: None},
        problems=("not_found",),
    )
)
def read_asset(asset: str) -> Response:
    """A file of that page."""
    if asset not in ASSETS:
        raise ApiError("not_found", f"The page has no file '{asset}'.")
    content, etag = _content(asset)
    response = Response(content, mimetype=ASSETS[asset])
    response.set_etag(etag)
    response.make_conditional(request)
    response.cache_control.public = True
    response.cache_control.max_age = _ASSET_SECONDS
    return _for_browsers(response)


def prepare_document(app: Flask) -> tuple[str, str]:
    """The document's text and its ETag: made once, as the routes of an app don't change.

    It takes some tenths of a second, in which a gateway process does nothing else: a process does
    it before it serves.
    """
    if _DOCUMENT not in app.extensions:
        text = app.json.dumps(build_document(app), sort_keys=False)
        app.extensions[_DOCUMENT] = (text, hashlib.sha256(text.encode()).hexdigest()[:32])
    made: tuple[str, str] = app.extensions[_DOCUMENT]
    return made


def _for_browsers(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    return response


@cache
def _content(asset: str) -> tuple[bytes, str]:
    """A file and its ETag, kept once it was asked for."""
    content = _START.encode() if asset == "start.js" else (_folder() / asset).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:32]


def _folder() -> Path:
    """Where Swagger UI's files are. Its package is found, not imported: only the files are used."""
    package = importlib.util.find_spec("flask_swagger_ui")
    [folder] = (package and package.submodule_search_locations) or [""]
    return Path(folder) / "dist"
