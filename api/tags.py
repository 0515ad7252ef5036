"""Words by which a user finds jobs and batches again."""

from typing import Annotated

from pydantic import Field

#: One word: nothing in it needs quoting in addresses, headers and shells.
Tag = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
#: Those of one job or batch.
Tags = Annotated[tuple[Tag, ...], Field(max_length=10)]
