import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from api.batches.entries import Photo, Refused
from api.batches.form_entries import Form, read_form
from api.errors import ApiError

BOUNDARY = "a-boundary"


class Trickle:
    """Gives a body in pieces of one's choice."""

    def __init__(self, body: bytes, step: int) -> None:
        self._body = io.BytesIO(body)
        self._step = step

    def read(self, size: int, /) -> bytes:
        return self._body.read(min(size, self._step))


def encoded(*members: tuple[str, str | tuple[str, bytes]]) -> bytes:
    """A form with its members in this order."""
    body = b""
    for name, value in members:
        filename, content = value if isinstance(value, tuple) else (None, value.encode())
        more = "" if filename is None else f'; filename="{filename}"'
        body += (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode()
        )
        body += content + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


def opened(body: bytes, *, most_files: int = 10, item_bytes: int = 1000, step: int = 7) -> Form:
    return read_form(Trickle(body, step), BOUNDARY, most_files=most_files, item_bytes=item_bytes)


def refused(form: Form) -> str:
    with pytest.raises(ApiError) as raised:
        list(form.entries)
    return raised.value.code


@given(
    contents=st.lists(st.binary(max_size=300), max_size=4),
    step=st.integers(1, 400),
)
def test_files_come_as_they_were_sent_however_they_arrive(contents: list[bytes], step: int) -> None:
    files = [("files", (f"{number}.jpg", one)) for number, one in enumerate(contents)]

    form = opened(encoded(("analyses", "detection"), *files), step=step)

    assert form.members == {"analyses": "detection"}
    assert list(form.entries) == [
        Photo(id=f"{number}.jpg", content=one) for number, one in enumerate(contents)
    ]


def test_the_encoding_of_other_programs_is_read() -> None:
    photo = FileStorage(io.BytesIO(b"photo"), filename="é.jpg")
    boundary, body = encode_multipart({"max_faces": "3", "files": [photo]})

    form = read_form(io.BytesIO(body), boundary, most_files=3, item_bytes=100)

    assert form.members == {"max_faces": "3"}
    assert list(form.entries) == [Photo(id="é.jpg", content=b"photo")]


def test_options_that_are_repeated_are_lists() -> None:
    form = opened(encoded(("tags", "a"), ("tags", "b"), ("tags", "c"), ("files", ("a", b"x"))))

    assert form.members == {"tags": ["a", "b", "c"]}


def test_an_option_after_a_file_is_refused() -> None:
    form = opened(encoded(("files", ("a", b"x")), ("analyses", "detection")))

    assert refused(form) == "invalid_request"


def test_a_file_that_is_too_large_is_refused_and_the_next_is_read() -> None:
    form = opened(encoded(("files", ("a", b"x" * 1001)), ("files", ("b", b"x"))))

    large, small = form.entries
    assert isinstance(large, Refused)
    assert (large.id, large.code) == ("a", "file_too_large")
    assert small == Photo(id="b", content=b"x")


def test_files_without_a_name_are_numbered() -> None:
    form = opened(encoded(("files", ("", b"x")), ("images", ("../b", b"y"))))

    first, second = form.entries
    assert first == Photo(id="entry-1", content=b"x")
    assert isinstance(second, Refused)
    assert (second.id, second.code) == ("entry-2", "unsafe_name")


def test_more_files_than_allowed_end_it() -> None:
    files = [("files", (str(number), b"x")) for number in range(11)]

    assert refused(opened(encoded(*files))) == "batch_too_large"


def test_more_options_than_anybody_needs_are_refused() -> None:
    with pytest.raises(ApiError) as raised:
        opened(encoded(*(("tags", "a") for _ in range(200))))

    assert raised.value.code == "batch_too_large"


def test_another_file_field_is_refused() -> None:
    assert refused(opened(encoded(("archive", ("a.zip", b"x"))))) == "unknown_option"


@pytest.mark.parametrize("field", ["x" * 70_000, "\udcff"])
def test_an_option_too_long_or_no_text_is_refused(field: str) -> None:
    body = encoded(("tags", "@")).replace(b"@", field.encode(errors="surrogateescape"))

    with pytest.raises(ApiError) as raised:
        opened(body, step=60_000)

    assert raised.value.code == "invalid_request"


def test_a_part_with_an_endless_head_is_refused() -> None:
    with pytest.raises(ApiError) as raised:
        opened(f"--{BOUNDARY}\r\nX: ".encode() + b"x" * 300_000, step=60_000)

    assert raised.value.code == "invalid_request"


@given(cut=st.integers(1, 150))
def test_a_form_cut_off_is_told(cut: int) -> None:
    body = encoded(("files", ("a", b"x" * 100)), ("files", ("b", b"y")))
    form_or_error: object
    try:
        form_or_error = refused(opened(body[:-cut])) if cut > 2 else "invalid_request"
    except ApiError as error:
        form_or_error = error.code

    assert form_or_error == "invalid_request"
