"""JSON schemas of models, collected under `components/schemas`."""

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import (
    GenerateJsonSchema,
    JsonSchemaMode,
    JsonSchemaValue,
    models_json_schema,
)
from pydantic_core import core_schema

from api.openapi.comments import field_comments

_TEMPLATE = "#/components/schemas/{model}"
#: What a model is for: taken from a client, or answered.
Use = Literal["taken", "answered"]
_MODES: dict[Use, JsonSchemaMode] = {"taken": "validation", "answered": "serialization"}


class _Described(GenerateJsonSchema):
    """Pydantic's schemas, with the source's comments as descriptions and without made-up titles."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        found = super().model_schema(schema)
        comments = field_comments(schema["cls"])
        if self.mode == "validation" and "const" in found.get("properties", {}).get("kind", {}):
            del found["properties"]["kind"]  # tells stored options apart; nobody sends it
        for name, member in found.get("properties", {}).items():
            if name in comments:
                member.setdefault("description", comments[name])
            if member.get("default", ...) is None and {"type": "null"} not in _choices(member):
                del member["default"]  # left out, it is nothing; null can't be sent
        return found

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401 - pydantic's own
        del schema
        return False


class Schemas:
    """References to the schemas of models, and the schemas themselves.

    Args:
        models: Every model there will be a reference to, with its use.
    """

    def __init__(self, models: Iterable[tuple[type[BaseModel], Use]]) -> None:
        wanted = [(model, _MODES[use]) for model, use in dict.fromkeys(models)]
        self._references, found = models_json_schema(
            wanted, ref_template=_TEMPLATE, schema_generator=_Described
        )
        #: By name.
        self.components: dict[str, Any] = dict(sorted(found.get("$defs", {}).items()))

    def reference(self, model: type[BaseModel], use: Use) -> dict[str, Any]:
        """`{"$ref": ...}` of a model that was named to begin with."""
        return dict(self._references[model, _MODES[use]])

    def members(self, model: type[BaseModel], use: Use) -> dict[str, Any]:
        """The schema of a model itself: its `properties` and what is `required`."""
        name = self.reference(model, use)["$ref"].rpartition("/")[2]
        found: dict[str, Any] = self.components[name]
        return found


def _choices(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [schema, *schema.get("anyOf", ())]


def without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Of a parameter or a form's field: it is left out rather than null."""
    choices = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    if rest.get("default", ...) is None:
        del rest["default"]
    if not choices:
        return rest
    return {**choices[0], **rest} if len(choices) == 1 else {"anyOf": choices, **rest}


def without_nulls(schema: dict[str, Any]) -> dict[str, Any]:
    """The same for all members of an object."""
    members = {name: without_null(one) for name, one in schema.get("properties", {}).items()}
    return {**schema, "properties": members}
