"""Files that are no videos, lie, or are over a limit."""

import io
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.stream import Disposition
from numpy.typing import NDArray

from models.errors import VideoRejected
from models.video.reader import VideoReader
from models.video.results import Thumbnail, VideoLimits

MakeClip = Callable[..., Path]


class Everything:
    """Wants every frame."""

    def choose(self, _time_seconds: float, _thumbnail: Thumbnail) -> int | None:
        return 0


def noise(count: int) -> list[NDArray[np.uint8]]:
    """Pictures that no codec makes small: packets of about one size."""
    random = np.random.default_rng(1)
    return [random.integers(0, 255, (64, 96, 3), np.uint8) for _ in range(count)]


def refusal(source: Path | io.BytesIO, limits: VideoLimits | None = None) -> str:
    with pytest.raises(VideoRejected) as caught, VideoReader(source, limits) as reader:
        list(reader.frames(Everything()))
    return caught.value.code


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (VideoLimits(max_bytes=500), "video_too_large"),
        (VideoLimits(max_pixels=96 * 64 - 1), "video_too_large"),
        (VideoLimits(max_frames=19), "video_too_long"),
        (VideoLimits(max_seconds=1.8), "video_too_long"),
    ],
)
def test_a_video_over_a_limit_is_refused_when_it_is_opened(
    make_clip: MakeClip, limits: VideoLimits, code: str
) -> None:
    path = make_clip("a.mp4")

    with pytest.raises(VideoRejected) as caught:
        VideoReader(path, limits)

    assert caught.value.code == code


def test_a_video_at_its_limits_is_read(make_clip: MakeClip) -> None:
    path = make_clip("a.mp4")
    limits = VideoLimits(
        max_bytes=path.stat().st_size, max_pixels=96 * 64, max_frames=20, max_seconds=2.0
    )

    with VideoReader(path, limits) as reader:
        assert len(list(reader.frames(Everything()))) == 20


def test_frames_larger_than_the_header_says_are_not_decoded(make_clip: MakeClip) -> None:
    """AVI and VP8 state the size twice; the header's is made smaller."""
    path = make_clip("a.avi", codec="mjpeg")
    lie = path.read_bytes().replace(
        (96).to_bytes(4, "little") + (64).to_bytes(4, "little"),
        (8).to_bytes(4, "little") + (8).to_bytes(4, "little"),
    )

    assert refusal(io.BytesIO(lie), VideoLimits(max_pixels=1000)) == "video_undecodable"


def test_a_huge_declared_duration_does_not_count_but_is_noted(make_clip: MakeClip) -> None:
    path = make_clip("a.webm", codec="libvpx")
    body = path.read_bytes()
    at = body.index(b"\x44\x89\x88") + 3
    lie = body[:at] + np.array([9e12], ">f8").tobytes() + body[at + 8 :]

    with VideoReader(io.BytesIO(lie)) as reader:
        assert len(list(reader.frames(Everything()))) == 20

    assert reader.info.duration_seconds == pytest.approx(2.0, abs=0.11)
    assert reader.notes.truncated


def test_packets_that_lie_hours_apart_are_refused(make_clip: MakeClip) -> None:
    picture = np.full((64, 96, 3), 90, np.uint8)
    path = make_clip("a.webm", codec="libvpx", pictures=[picture] * 2, times=[0, 9000])

    assert refusal(path) == "video_too_long"


@pytest.mark.parametrize(
    ("name", "codec"), [("a.webm", "libvpx"), ("a.avi", "mjpeg"), ("index_first.mp4", "libx264")]
)
def test_a_cut_file_gives_its_beginning_and_a_note(
    make_clip: MakeClip, name: str, codec: str
) -> None:
    body = make_clip(name, codec=codec, pictures=noise(120)).read_bytes()

    with VideoReader(io.BytesIO(body[: len(body) // 2])) as reader:
        frames = list(reader.frames(Everything()))

    assert 5 < len(frames) < 100
    assert reader.notes.truncated


def test_an_mp4_file_without_its_index_is_refused(make_clip: MakeClip) -> None:
    body = make_clip("a.mp4").read_bytes()

    assert refusal(io.BytesIO(body[: body.index(b"moov")])) == "video_undecodable"


@pytest.mark.parametrize("codec", ["mpeg4", "libx264", "mjpeg"])
def test_damaged_frames_are_left_out_and_counted(make_clip: MakeClip, codec: str) -> None:
    path = make_clip("a.mp4", codec=codec, pictures=noise(30))
    body = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [(packet.pos or 0, packet.size) for packet in container.demux(video=0)]
    for start, size in packets[10:14]:
        body[start : start + size] = bytes(size)

    with VideoReader(io.BytesIO(bytes(body))) as reader:
        frames = list(reader.frames(Everything()))

    assert len(frames) == 26
    assert reader.notes.corrupt_frames == 4


def test_a_video_whose_frames_are_all_damaged_has_no_frames(make_clip: MakeClip) -> None:
    body = bytearray(make_clip("a.mp4", codec="mjpeg").read_bytes())
    first, last = body.index(b"\xff\xd8"), body.index(b"moov")
    body[first : last - 4] = bytes(last - 4 - first)

    assert refusal(io.BytesIO(bytes(body))) == "video_without_frames"


def test_sound_alone_is_no_video(sound_only: Path) -> None:
    assert refusal(sound_only) == "video_without_frames"


@pytest.mark.parametrize("ending", [".jpg", ".png"])
def test_a_picture_named_mp4_is_no_video(tmp_path: Path, ending: str) -> None:
    _, coded = cv2.imencode(ending, np.full((64, 96, 3), 90, np.uint8))
    path = tmp_path / "picture.mp4"
    path.write_bytes(coded.tobytes())

    assert refusal(path) == "video_undecodable"


def test_an_empty_file_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()

    assert refusal(tmp_path / "empty.mp4") == "video_undecodable"
    assert refusal(tmp_path) == "video_undecodable"
    assert refusal(tmp_path / "missing.mp4") == "video_undecodable"


def test_a_device_is_refused_without_reading_it() -> None:
    assert refusal(Path("/dev/zero")) == "video_undecodable"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{target}\n#EXT-X-ENDLIST\n"),
        ("a.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{target}\n#EXT-X-ENDLIST\n"),
        ("a.mp4", "ffconcat version 1.0\nfile '{target}'\n"),
        ("a.mp4", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nt=0 0\nm=video 5004 RTP/AVP 96\n"),
    ],
    ids=["hls", "hls named mp4", "concat", "sdp"],
)
def test_a_playlist_is_refused(
    make_clip: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    make_clip("target.ts", codec="mpeg2video", rate=25)
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(text.format(target="target.ts"))

    assert refusal(Path(name)) == "video_undecodable"


def test_a_name_that_is_a_protocol_is_only_a_name(
    make_clip: MakeClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_clip("a.mp4")
    monkeypatch.chdir(tmp_path)

    assert refusal(Path("concat:a.mp4|a.mp4")) == "video_undecodable"
    assert refusal(Path("file:a.mp4")) == "video_undecodable"


def test_a_movie_whose_frames_lie_in_another_file_is_not_followed(
    make_clip: MakeClip, tmp_path: Path
) -> None:
    """QuickTime's alias: the index is here, the frames are in a file it names."""
    target = make_clip("target.mov")
    body = target.read_bytes()
    path = tmp_path / "reference.mov"
    start = body.index(b"moov") - 4
    # The frames' places in the target stay right when all but the index is left blank.
    path.write_bytes(body[:start].replace(b"mdat", b"free") + aliased(body[start:], target))

    with pytest.raises(VideoRejected), VideoReader(path) as reader:
        list(reader.frames(Everything()))


def aliased(moov: bytes, target: Path) -> bytes:
    """An index whose data reference names a file."""
    named = str(target).encode()
    named += bytes(len(named) % 2)
    alias = bytes(10) + bytes(28) + bytes(12) + bytes(64) + bytes(16) + bytes(4) + bytes(16)
    alias += (2).to_bytes(2) + len(named).to_bytes(2) + named + b"\xff\xff" + bytes(2)
    entry = (len(alias) + 12).to_bytes(4) + b"alis" + bytes(4) + alias
    # Only the video track's reference, the last: its parents grow with it.
    at = moov.rindex(b"url ", 0, moov.index(b"stbl")) - 4
    size = int.from_bytes(moov[at : at + 4])
    grown = bytearray(moov)
    for parent in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        place = moov.rindex(parent, 0, at) - 4
        old = int.from_bytes(moov[place : place + 4])
        grown[place : place + 4] = (old + len(entry) - size).to_bytes(4)
    return bytes(grown[:at] + entry + grown[at + size :])


def test_an_unusual_codec_is_refused_by_name(make_clip: MakeClip) -> None:
    path = make_clip("a.avi", codec="ffv1")

    with pytest.raises(VideoRejected, match="ffv1"):
        VideoReader(path)


def test_a_cover_picture_is_no_video(sound_only: Path, tmp_path: Path) -> None:
    _, coded = cv2.imencode(".png", np.full((64, 96, 3), 90, np.uint8))
    path = tmp_path / "song.mp4"
    with av.open(str(sound_only)) as song, av.open(str(path), "w") as copy:
        sound = song.streams.audio[0]
        to_sound = copy.add_stream_from_template(sound)
        cover = copy.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 96, 64, "rgb24"
        cover.disposition = Disposition.attached_pic
        picture = av.Packet(coded.tobytes())
        picture.stream, picture.pts, picture.dts = cover, 0, 0
        copy.mux(picture)
        for packet in song.demux(sound):
            if packet.dts is not None:
                packet.stream = to_sound
                copy.mux(packet)

    assert refusal(path) == "video_without_frames"
