"""Frames out of untrusted video files (PyAV, which is FFmpeg).

FFmpeg reads some 300 formats, among them playlists that name other files and hosts. It gets an
opened file without a name, is told which of three formats it is, may use a dozen codecs, and every
attempt to open something else is refused.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, Self, cast

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.sidedata.sidedata import Type
from av.stream import Disposition
from av.video.frame import VideoFrame as CodedFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from models.errors import VideoRejected
from models.video.boxes import check_index
from models.video.clock import Clock
from models.video.files import Nameless, check_size, format_of, open_path
from models.video.orientation import lies_on_side, upright
from models.video.results import (
    THUMBNAIL_SIDE,
    FrameChooser,
    ReadNotes,
    VideoFrame,
    VideoInfo,
    VideoLimits,
)
from models.video.survey import Survey

#: FFmpeg's names of decoders for what cameras, phones, browsers and editors write.
CODECS = (
    *("h264", "hevc", "vp8", "vp9", "libdav1d", "av1", "mpeg4", "mjpeg", "h263", "mpeg2video"),
    *("prores", "rawvideo"),
)
_OPTIONS = {
    "codec_whitelist": ",".join(CODECS),
    "protocol_whitelist": "none",
    "enable_drefs": "0",
    "max_streams": "32",
}
#: What PyAV raises for files that are not what they should be. ValueError and OverflowError: values
#: of the header that Python can't hold.
_BAD_FILE = (av.FFmpegError, OSError, ValueError, OverflowError)


class VideoReader(AbstractContextManager["VideoReader"]):
    """One video, opened and measured; decodes only what is asked for, one frame at a time.

    Attributes:
        info: What it is.
        notes: How the reading went so far.
    """

    def __init__(self, source: Path | BinaryIO, limits: VideoLimits | None = None) -> None:
        """Open a video and walk once over its packets, without decoding any.

        Args:
            source: A path, or a file that can seek and stays the caller's.
            limits: What it may cost.

        Raises:
            VideoRejected: it is no video, or over a limit.
        """
        self._limits = limits or VideoLimits()
        self._owned = open_path(source) if isinstance(source, Path) else None
        self._file = self._owned or cast("BinaryIO", source)
        try:
            check_size(self._file, self._limits)
            self._format = format_of(self._file)
            if self._format == "mov":
                check_index(self._file)
            self.info, self._is_short = self._measure()
            self.notes = ReadNotes(truncated=self._is_short)
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()

    def __enter__(self) -> Self:
        return self

    def close(self) -> None:
        """Close the file, if it was opened here."""
        if self._owned is not None:
            self._owned.close()

    def frames(
        self, chooser: FrameChooser, *, until_seconds: float | None = None
    ) -> Iterator[VideoFrame]:
        """Decode the video from its start and give the frames that are chosen.

        Frames that can't be decoded are left out and counted in `notes`; a file that ends early
        ends the iteration, and `notes.truncated` says so.

        Args:
            chooser: Sees a thumbnail of every frame.
            until_seconds: Frames from this time on are not decoded.

        Raises:
            VideoRejected: no frame at all could be decoded.
        """
        self.notes = ReadNotes(truncated=self._is_short)
        to_rgb, to_thumbnail, clock = VideoReformatter(), VideoReformatter(), Clock()
        with self._open() as (container, stream):
            for coded in self._decode(container, stream):
                time_seconds = clock.tell(coded.time)
                if until_seconds is not None and time_seconds >= until_seconds:
                    self.notes = replace(self.notes, stopped_early=True)
                    return
                index = self.notes.decoded_frames
                self.notes = replace(self.notes, decoded_frames=index + 1)
                small = _shrunk(to_thumbnail, coded)
                if index == 0 and lies_on_side(_display_matrix(small)):
                    self.info = replace(self.info, width=coded.height, height=coded.width)
                scene = chooser.choose(time_seconds, _pixels(small))
                if scene is not None:
                    full = to_rgb.reformat(coded, format="rgb24", threads=1)
                    yield VideoFrame(
                        pixels=upright(_pixels(full), _display_matrix(small)),
                        time_seconds=time_seconds,
                        index=index,
                        scene=scene,
                    )
        if self.notes.decoded_frames == 0:
            raise VideoRejected("video_without_frames", "No frame of the video can be decoded.")

    def _measure(self) -> tuple[VideoInfo, bool]:
        with self._open() as (container, stream):
            survey = Survey(self._limits)
            ended_well = True
            for packet in _packets(container, stream):
                if packet is None:
                    ended_well = False
                elif packet.size:
                    survey.add(_times(packet))
            rate = stream.average_rate
            seconds = survey.duration_seconds(float(rate) if rate else None)
            falls_short = survey.falls_short(_declared_seconds(container, stream))
            info = VideoInfo(
                container=self._format,
                codec=stream.codec_context.name,
                width=stream.width,
                height=stream.height,
                duration_seconds=seconds,
                packets=survey.packets,
            )
            return info, falls_short or not ended_well

    @contextmanager
    def _open(self) -> Iterator[tuple[InputContainer, VideoStream]]:
        self._file.seek(0)
        options = _OPTIONS | {"max_pixels": _padded(self._limits.max_pixels)}
        try:
            container = av.open(
                Nameless(self._file),
                "r",
                format=self._format,
                options=options,
                metadata_errors="replace",
                io_open=_refuse_to_open,
            )
        except _BAD_FILE as error:
            raise VideoRejected(
                "video_undecodable", "This is no MP4, MOV, WebM or AVI video that can be decoded."
            ) from error
        with container:
            yield container, _video_stream(container, self._limits)

    def _decode(self, container: InputContainer, stream: VideoStream) -> Iterator[CodedFrame]:
        for packet in _packets(container, stream):
            if packet is None:
                self.notes = replace(self.notes, truncated=True)
                continue
            try:
                decoded = packet.decode()
            except _BAD_FILE:
                decoded = []
                self._count_corrupt()
            for frame in decoded:
                # A stream may change its size on the way.
                if frame.is_corrupt or frame.width * frame.height > self._limits.max_pixels:
                    self._count_corrupt()
                else:
                    yield frame

    def _count_corrupt(self) -> None:
        self.notes = replace(self.notes, corrupt_frames=self.notes.corrupt_frames + 1)


def read_frames(
    source: Path | BinaryIO, limits: VideoLimits, chooser: FrameChooser
) -> Iterator[VideoFrame]:
    """The chosen frames of a video; `VideoReader` also tells what it is and how reading went.

    Raises:
        VideoRejected: see VideoReader.
    """
    with VideoReader(source, limits) as reader:
        yield from reader.frames(chooser)


def _refuse_to_open(url: str, _flags: int, _options: object) -> NoReturn:
    raise PermissionError(f"A video may not refer to another file: {url!r}.")


def _video_stream(container: InputContainer, limits: VideoLimits) -> VideoStream:
    """The stream that players show, ready to decode.

    Raises:
        VideoRejected: there is none, or it is over a limit.
    """
    # Covers and thumbnails come as video streams of one picture.
    pictures = Disposition.attached_pic | Disposition.timed_thumbnails
    streams = [found for found in container.streams.video if not found.disposition & pictures]
    if not streams:
        raise VideoRejected("video_without_frames", "The file has no video stream.")
    best = container.streams.best("video")
    stream = next((found for found in streams if found is best), streams[0])
    # Streams of a codec that this FFmpeg does not know have no context.
    context: Any = stream.codec_context
    if context is None or context.name not in CODECS:
        name = "unknown" if context is None else context.name
        raise VideoRejected("video_undecodable", f"Videos of codec '{name}' are not decoded.")
    if stream.width * stream.height == 0:
        raise VideoRejected("video_undecodable", "The size of the video's frames is not known.")
    if stream.width * stream.height > limits.max_pixels:
        raise VideoRejected(
            "video_too_large",
            f"The frames have {stream.width}x{stream.height} pixels;"
            f" {limits.max_pixels} are allowed.",
        )
    context.options = {"max_pixels": _padded(limits.max_pixels)}
    context.thread_count = limits.threads
    return stream


def _padded(max_pixels: int) -> str:
    """What the decoders hold against the buffers they ask for, whose rows and lines are padded."""
    return str(2 * max_pixels)


def _packets(
    container: InputContainer, stream: VideoStream
) -> Iterator["Packet[VideoStream] | None"]:
    """The stream's packets; None where the file can't be read on."""
    try:
        yield from container.demux(stream)
    except _BAD_FILE:
        yield None


def _times(packet: "Packet[VideoStream]") -> tuple[float, float] | None:
    """Start and end of a packet, seconds."""
    stamp = packet.dts if packet.pts is None else packet.pts
    if stamp is None:
        return None
    return float(stamp * packet.time_base), float(
        (stamp + (packet.duration or 0)) * packet.time_base
    )


def _declared_seconds(container: InputContainer, stream: VideoStream) -> float | None:
    base = stream.time_base or 0
    if container.format.name == "avi":
        # Its duration is already FFmpeg's guess from the size of the file.
        return float(stream.frames * base) or None
    if stream.duration:
        return float(stream.duration * base) or None
    return container.duration / av.time_base if container.duration else None


def _shrunk(reformatter: VideoReformatter, coded: CodedFrame) -> CodedFrame:
    """A frame of a thumbnail's size, with the metadata of the whole."""
    return reformatter.reformat(
        coded, THUMBNAIL_SIDE, THUMBNAIL_SIDE, "rgb24", interpolation="AREA", threads=1
    )


def _pixels(frame: CodedFrame) -> NDArray[np.uint8]:
    return cast("NDArray[np.uint8]", frame.to_ndarray())


def _display_matrix(small: CodedFrame) -> NDArray[np.int32] | None:
    # Asking a frame for its metadata ties it into a cycle, and only the garbage collector frees
    # it: so a small one is asked (PyAV 18.1; hundreds of megabytes with frames of full size).
    entry = cast("Any", small.side_data).get(Type.DISPLAYMATRIX)
    return None if entry is None else np.frombuffer(bytes(entry), np.int32).reshape(3, 3)
