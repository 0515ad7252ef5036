"""The bodies that an endpoint takes, as models for the document."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from api.inputs.forms import Form, Slot
from api.tags import Tags


class UrlInput(BaseModel):
    """A file that the server fetches."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Public, `http` or `https`, on port 80 or 443; where this server allows URLs.
    url: Annotated[str, Field(max_length=2048, json_schema_extra={"format": "uri"})]


class Extras(BaseModel):
    """Members of every request for an analysis."""

    #: The options as one JSON object; members beside it win.
    options: dict[str, Any] | str | None = None
    #: Words to find the job by; in a form, repeated or with commas between.
    tags: Tags = ()
    #: Called once the job has ended; see the documentation of webhooks.
    webhook_url: str | None = None


#: What words of forms are in JSON.
_JSON = {"true": True, "false": False}
_BASE64 = Annotated[str, Field(json_schema_extra={"contentEncoding": "base64"})]
_FILE = Annotated[str, Field(json_schema_extra={"format": "binary"})]


def bodies_of(form: Form, name: str) -> Mapping[str, type[BaseModel] | None]:
    """Request bodies by media type.

    Args:
        form: What the endpoint takes.
        name: Begins the models' names.
    """
    return {
        "multipart/form-data": _model(form, f"{name}Form", _FILE),
        "application/json": _model(form, f"{name}Json", _BASE64 | UrlInput),
    }


def _model(form: Form, name: str, kind: Any) -> type[BaseModel]:  # noqa: ANN401 - a type
    fields = _option_fields(form)
    for slot in form.slots:
        fields |= _file_fields(slot, kind)
    more: tuple[type[BaseModel], ...] = tuple(
        model for model in (form.naming, form.further) if model is not None
    )
    made: type[BaseModel] = create_model(name, __base__=(*more, Extras, form.model), **fields)
    hidden = {"kind", *form.implied}

    def hide(schema: dict[str, Any]) -> None:
        members = schema.get("properties", {})
        for member in hidden:
            members.pop(member, None)
        if "required" in schema:
            schema["required"] = [name for name in schema["required"] if name not in hidden]
        for option, value in form.defaults.items():
            members[option]["default"] = value

    made.__doc__ = f"What `{name}` takes: files and options."
    made.model_config = ConfigDict(json_schema_extra=hide, extra="forbid", frozen=True)
    made.model_rebuild(force=True)
    return made


def _option_fields(form: Form) -> dict[str, Any]:
    """Options under other names, and those that can't be chosen."""
    fields: dict[str, Any] = {}
    for theirs, ours in form.aliases.items():
        field = form.model.model_fields[ours]
        fields[theirs] = (field.annotation, Field(default=None, description=f"Same as `{ours}`."))
    for option, fixed in form.fixed.items():
        # One that is always refused is no part of what is taken.
        if fixed.accepted:
            values: list[Any] = [_JSON.get(value, value) for value in fixed.accepted]
            only = Field(
                default=values[0], description=fixed.reason, json_schema_extra={"enum": values}
            )
            fields[option] = (Any, only)
    return fields


def _file_fields(slot: Slot, kind: Any) -> dict[str, Any]:  # noqa: ANN401 - a type
    """The members that may hold a slot's files."""
    files: Any = kind
    urls: Any = str
    if slot.most > 1:
        bounds = Field(min_length=slot.fewest, max_length=slot.most)
        files, urls = Annotated[list[kind], bounds], Annotated[list[str], bounds]
    url_told = f"In place of `{slot.name}`, where this server allows URLs."
    fields: dict[str, Any] = {}
    for name, url_name in slot.members.items():
        told = f"Same as `{slot.name}`." if name != slot.name else None
        if name.isidentifier():
            fields[name] = (files | None, Field(default=None, description=told))
        fields[url_name] = (urls | None, Field(default=None, description=url_told))
    return fields
