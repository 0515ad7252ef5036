"""Names that clients choose for what they make."""

from typing import Annotated

from pydantic import Field

#: As `workers.identities.records.CLIENT_ID` has it: nothing in it needs quoting in addresses.
ClientId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
