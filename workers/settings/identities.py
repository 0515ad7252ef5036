"""The settings of known people; part of `workers.settings`."""

from typing import Annotated

from pydantic import BaseModel, Field, SecretStr


class IdentitySettings(BaseModel):
    """Collections, their index and their forgetting."""

    identity_keys_url: str | None = Field(
        default=None,
        description="Where the keys of collections are kept: `file:///...`, `s3://...`, "
        "`gs://...`, `az://...`; default `<data_dir>/identity-keys`. Every gateway and worker must "
        "reach it. Back it up apart from everything else, and keep no old copies: whoever has an "
        "old copy can read what was deleted since.",
    )
    collections_per_user: Annotated[int, Field(ge=1)] = Field(
        default=100, description="Collections one user may have."
    )
    identity_index_mb: Annotated[int, Field(ge=16)] = Field(
        default=2048,
        description="Memory of one worker process for indexes, MB; those used longest ago leave.",
    )
    identity_exact_faces: Annotated[int, Field(ge=0)] = Field(
        default=50_000,
        description="Collections with more faces are searched by short codes first (by PostgreSQL: "
        "through a graph), and what these leave is compared exactly; smaller ones are compared "
        "whole.",
    )
    identity_engine_url: SecretStr | None = Field(
        default=None,
        description="A PostgreSQL with pgvector (`postgresql://...`) that searches instead of the "
        "workers' own indexes.",
    )
    identity_audit_kept: Annotated[int, Field(ge=100)] = Field(
        default=100_000, description="About how many events of each collection are kept."
    )
    identity_certificates_kept_days: Annotated[int, Field(ge=0)] = Field(
        default=1826,
        description="For how many days certificates of deletion are kept that are complete, and "
        "ids of who was deleted with them; 0: for ever. The default is five years: they have to be "
        "there as long as somebody may ask for proof.",
    )
    identity_log_kept: Annotated[int, Field(ge=100)] = Field(
        default=100_000,
        description="About how many changes of a collection indexes can catch up on; one that is "
        "further behind starts anew.",
    )
