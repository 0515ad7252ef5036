"""A body as our server hands it on: without a length it checks, ended by itself."""

import io

from flask.testing import FlaskClient

VERSION = {"Tus-Resumable": "1.0.0"}


def test_a_part_that_is_exactly_the_rest_is_taken(client: FlaskClient) -> None:
    made = client.post("/api/v1/uploads", headers={**VERSION, "Upload-Length": "5"})
    place = made.headers["Location"]
    headers = {**VERSION, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}

    answers = [
        client.patch(
            place,
            headers=headers,
            input_stream=io.BytesIO(content),
            environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
        )
        for content in (b"hello!", b"hello")
    ]

    assert [answer.status_code for answer in answers] == [413, 204]
    assert answers[1].headers["Upload-Offset"] == "5"
