"""Images are read and decoded in threads, while those before them are being looked at."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from workers.photos.attempts import Ends
from workers.photos.decode import DecodedImage, decode_image
from workers.photos.photo import Photo
from workers.stages.clock import milliseconds_since


class DecodeAhead:
    """Decodes photos, several at a time.

    Args:
        threads: How many; a photo that comes alone needs none.
        max_pixels: Images with more are refused before they are decoded.
    """

    def __init__(self, *, threads: int, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")

    def each(self, photos: Sequence[Photo], *, ends: Ends = ()) -> Iterator[Photo]:
        """The photos in their order, each as soon as it is decoded or has failed.

        Args:
            photos: At least one.
            ends: Errors that end the whole batch, such as a time limit's: raised, no photo's.
        """
        if len(photos) == 1:
            yield self._settle(photos[0], None, ends)
            return
        waiting = [self._pool.submit(self._decode, photo) for photo in photos]
        try:
            for photo, decoding in zip(photos, waiting, strict=True):
                yield self._settle(photo, decoding, ends)
        finally:
            for decoding in waiting:
                decoding.cancel()

    def _settle(
        self, photo: Photo, decoding: "Future[tuple[DecodedImage, float]] | None", ends: Ends
    ) -> Photo:
        try:
            decoded = self._decode(photo) if decoding is None else decoding.result()
        except ends:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this photo's alone
            photo.failure = error
        else:
            photo.decoded, photo.timings_ms["decode"] = decoded
        return photo

    def _decode(self, photo: Photo) -> tuple[DecodedImage, float]:
        started = time.perf_counter()
        decoded = decode_image(photo.order.read(), max_pixels=self._max_pixels)
        return decoded, milliseconds_since(started)


class Arrivals:
    """Photos as they are decoded; those that can't be are left out."""

    def __init__(self, coming: Iterator[Photo]) -> None:
        self._coming = coming
        #: Those that came so far.
        self.decoded: list[Photo] = []
        #: How long they were waited for.
        self.waited_ms = 0.0

    def __iter__(self) -> Iterator[Photo]:
        """Those that have not come yet; may be left and begun again."""
        while True:
            asked = time.perf_counter()
            photo = next(self._coming, None)
            self.waited_ms += milliseconds_since(asked)
            if photo is None:
                return
            if photo.failure is None:
                self.decoded.append(photo)
                yield photo
