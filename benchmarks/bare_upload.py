"""The least a gateway could do with a photo: read the upload, answer 202."""

from typing import Any

from flask import Flask, request

from api.drain import Drain

PATH = "/upload"


def create() -> Flask:
    """An application with that one route."""
    app = Flask("bare")
    app.extensions["drain"] = Drain()

    @app.post(PATH)
    def upload() -> tuple[dict[str, Any], int]:
        size_bytes = len(request.files["image"].read())
        return {"id": "", "size_bytes": size_bytes}, 202

    return app
