"""Answers of batches as they are stored."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from workers.batches.packing import MARK, pack, unpack

#: A face as answers have it; made up, not the one that texts are packed against.
FACE = {
    "bbox": {"x": 11.5, "y": 7.25, "width": 33.1, "height": 41.9},
    "confidence": 0.87,
    "landmarks": {"right_eye": {"x": 20.2, "y": 19.9}, "left_eye": {"x": 35.7, "y": 20.4}},
    "quality": {"score": 0.5, "sharpness": 120.4, "pose_degrees": {"yaw": 3.1, "pitch": 0.2}},
}


@given(st.text(max_size=400))
def test_every_text_comes_back(text: str) -> None:
    assert unpack(pack(json.dumps({"text": text}))) == json.dumps({"text": text})


def test_an_answer_takes_less_than_half_of_its_text() -> None:
    text = json.dumps({"faces": [FACE | {"number": number} for number in range(3)]})

    packed = pack(text)

    assert packed.startswith(MARK)
    assert packed.isascii()
    assert len(packed) < len(text) / 2


def test_what_was_packed_by_this_version_can_be_read_for_good() -> None:
    # The words may never change: this text was packed when they were chosen.
    stored = (Path(__file__).parent / "packed_answer.txt").read_text(encoding="utf-8")

    assert json.loads(unpack(stored.strip())) == FACE
