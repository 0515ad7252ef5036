"""How much an archive may hold, measured while it is read."""

from dataclasses import dataclass

from api.errors import ApiError


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveLimits:
    """Of one archive."""

    #: Entries, folders and links included.
    entries: int
    #: Largest file.
    item_bytes: int
    #: All files together, unpacked.
    total_bytes: int
    #: Unpacked to packed size, beyond one largest file: photos don't shrink, bombs do.
    ratio: int

    def check_entries(self, count: int) -> None:
        """Refuse an archive of more entries.

        Raises:
            ApiError: `batch_too_large`.
        """
        if count > self.entries:
            raise ApiError(
                "batch_too_large", f"The archive has more than {self.entries} entries. Split it."
            )

    def check_bytes(self, *, packed: int, unpacked: int) -> None:
        """Refuse an archive that unpacks to more.

        Args:
            packed: Bytes read so far, or of the whole archive.
            unpacked: Bytes they give.

        Raises:
            ApiError: `archive_too_large` or `archive_bomb`.
        """
        if unpacked > self.total_bytes:
            raise ApiError(
                "archive_too_large",
                f"The archive unpacks to more than {self.total_bytes} bytes. Split it.",
            )
        if unpacked > self.ratio * packed + self.item_bytes:
            raise ApiError(
                "archive_bomb", f"The archive unpacks to more than {self.ratio} times its size."
            )


def damaged(why: str) -> ApiError:
    """The error of an archive that can't be read on."""
    return ApiError("archive_damaged", f"The archive is damaged: {why}.")


def truncated() -> ApiError:
    """The error of an archive that ends too early."""
    return ApiError("archive_truncated", "The archive ends in the middle.")
