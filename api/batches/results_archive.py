"""Results as a ZIP archive, written while it is sent."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator

from api.batches.pictures import annotated
from api.batches.table import cell
from api.batches.view import item_text
from api.outlet import Outlet
from api.services import Services
from workers.batches.records import Batch, Item, ItemState
from workers.errors import BlobMissing

#: Most items of one archive: its directory is in memory until the end.
MOST_ITEMS = 20_000
INDEX_COLUMNS = ("number", "id", "state", "result", "picture", "picture_missing")
NOT_ASKED = "not asked for"
NOT_KEPT = "the photo was deleted after its analysis; submit the batch with keep_photos=true"
NOT_ANALYSED = "the photo was not analysed"
GONE = "the photo is not stored any more"
UNREADABLE = "the photo can't be decoded any more"


class ResultsArchive:
    """`items/000001.json` for every item, pictures if wanted, and an index of both.

    Names in it are numbers: ids are their senders' words.

    Args:
        parts: Of the gateway.
        batch: Whose results.
        with_pictures: Whether pictures of succeeded items are drawn.
    """

    def __init__(self, parts: Services, batch: Batch, *, with_pictures: bool) -> None:
        self._parts = parts
        self._batch = batch
        self._with_pictures = with_pictures

    def chunks(self, items: Iterable[Item]) -> Iterator[bytes]:
        """The archive, a little at a time."""
        outlet = Outlet()
        index = io.StringIO()
        rows = csv.writer(index)
        rows.writerow(INDEX_COLUMNS)
        with zipfile.ZipFile(outlet, "w", zipfile.ZIP_DEFLATED) as archive:
            for item in items:
                name = f"items/{item.number:06d}.json"
                archive.writestr(name, item_text(item) + "\n")
                picture, missing = self._picture(archive, item)
                rows.writerow(
                    [item.number, cell(item.custom_id), item.state, name, picture, missing]
                )
                yield outlet.empty()
            archive.writestr("index.csv", index.getvalue())
        yield outlet.empty()

    def _picture(self, archive: zipfile.ZipFile, item: Item) -> tuple[str, str]:
        """The picture's name in the archive, or why there is none."""
        missing = self._missing(item)
        if missing or item.result_json is None:
            return "", missing
        try:
            photo = self._parts.blobs.get(item.blob_key)
            picture = annotated(photo, json.loads(item.result_json))
        except BlobMissing:
            return "", GONE
        except OSError:
            return "", UNREADABLE
        name = f"pictures/{item.number:06d}.jpg"
        # Pictures are packed already.
        archive.writestr(name, picture, compress_type=zipfile.ZIP_STORED)
        return name, ""

    def _missing(self, item: Item) -> str:
        if not self._with_pictures:
            return NOT_ASKED
        if item.state is not ItemState.SUCCEEDED:
            return NOT_ANALYSED
        return "" if self._batch.keep_photos else NOT_KEPT
