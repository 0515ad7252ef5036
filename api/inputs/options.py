"""The options of a request: other names put right, values checked, nothing passed over."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from api.errors import ApiError, invalid_options
from api.inputs.forms import Form
from api.inputs.naming import Naming, taken_naming, words
from api.tags import Tags
from models.catalogue import Catalogue
from workers.choices import WrongModel, analyses_of, check_far, check_names
from workers.contract import ALL_ANALYSES, ANALYSES, Analysis, AnalyzeOptions
from workers.jobs.options import CompareOptions, JobOptions

_TAGS: TypeAdapter[tuple[str, ...]] = TypeAdapter(Tags)

#: Puts into options by which of the caller's collections the faces are named.
Namer = Callable[[Naming, JobOptions], JobOptions]

#: What is asked of a photo that comes with its options spelled as we spell them.
PLAIN = Form(kind="analyze", model=AnalyzeOptions, slots=())


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is asked of the files of a request."""

    options: JobOptions
    tags: tuple[str, ...]
    #: Told of the job's end; "": nobody.
    webhook_url: str = ""


def asked_of(
    members: Mapping[str, Any],
    form: Form,
    *,
    catalogue: Catalogue,
    disabled_analyses: Collection[Analysis] = (),
    namer: Namer | None = None,
) -> Asked:
    """What the members of a request ask for.

    Options are members beside the files: form fields (lists by repetition or commas), or members
    of the JSON object. An `options` member holding a JSON object is taken too; single members win.

    Args:
        members: Of the request.
        form: What the endpoint takes.
        catalogue: The models there are.
        disabled_analyses: Those that are switched off.
        namer: Of endpoints that tell who people are, as `api.identities.naming` makes it.

    Raises:
        ApiError: an option is unknown, wrong, or can't be honoured.
    """
    rest = dict(members)
    given = {**_nested(rest.pop("options", None)), **rest}
    tags = _tags(given.pop("tags", None))
    webhook_url = given.pop("webhook_url", None) or ""
    if not isinstance(webhook_url, str):
        raise ApiError("validation_error", "webhook_url: expected a URL.", field="webhook_url")
    naming = taken_naming(given, form.naming if namer else None)
    options = _options(_renamed(given, form), form, disabled_analyses)
    _check_models(options, form, catalogue)
    if naming and namer:
        options = namer(naming, options)
    check_enabled(options, disabled_analyses)
    return Asked(options=options, tags=tags, webhook_url=webhook_url)


def _nested(nested: object) -> Mapping[str, Any]:
    """The `options` member: an object, or its JSON text in a form field."""
    if isinstance(nested, str):
        try:
            nested = json.loads(nested)
        except (ValueError, RecursionError):
            nested = ...
    if nested is None:
        return {}
    if not isinstance(nested, dict):
        raise ApiError("invalid_request", "'options' is not a JSON object.", field="options")
    return nested


def _tags(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    words = value.split(",") if isinstance(value, str) else value
    try:
        return _TAGS.validate_python(words)
    except ValidationError:
        detail = "tags: expected at most 10 words of letters, digits and . _ : - of up to 64."
        raise ApiError("validation_error", detail, field="tags") from None


def _renamed(given: Mapping[str, Any], form: Form) -> dict[str, Any]:
    """Options under our names; those that can't be chosen are checked and left out."""
    options: dict[str, Any] = {}
    for name, value in given.items():
        if fixed := form.fixed.get(name):
            if not fixed.takes(value):
                raise ApiError("option_unsupported", f"{name}: {fixed.reason}", field=name)
            continue
        ours = form.aliases.get(name, name)
        if ours not in form.options:
            known = ", ".join((*form.options, *form.aliases))
            detail = f"There is no option '{name}' here. Known: {known}."
            raise ApiError("unknown_option", detail, field=name)
        if ours in options:
            detail = f"'{name}' and another name of it were both sent."
            raise ApiError("validation_error", detail, field=name)
        options[ours] = value
    return options


def _options(
    given: dict[str, Any], form: Form, disabled_analyses: Collection[Analysis]
) -> JobOptions:
    if "analyses" in given:
        given["analyses"] = _analyses(given["analyses"], disabled_analyses)
    if "require" in given:
        given["require"] = words(given["require"])
    try:
        made = form.model.model_validate({**form.defaults, **given, **form.implied})
    except ValidationError as error:
        raise invalid_options(error) from None
    except (ValueError, OverflowError):
        raise ApiError("validation_error", "An option's value can't be read.") from None
    return cast("JobOptions", made)


def _check_models(options: JobOptions, form: Form, catalogue: Catalogue) -> None:
    try:
        check_names(options, catalogue)
        if isinstance(options, CompareOptions):
            check_far(options, catalogue)
    except WrongModel as error:
        code = "validation_error" if error.option == "far" else "unknown_model"
        spelled = {ours: theirs for theirs, ours in form.aliases.items()}
        field = error.option if error.option in form.options else spelled.get(error.option)
        raise ApiError(code, str(error), field=field) from None


def _analyses(value: object, disabled_analyses: Collection[Analysis]) -> list[str]:
    given = value if isinstance(value, list) else [value]
    names: list[str] = []
    for item in given:
        if not isinstance(item, str):
            raise ApiError("validation_error", "analyses: expected names.", field="analyses")
        names += [name.strip() for name in item.split(",") if name.strip()]
    if ALL_ANALYSES in names:
        names += [name for name in ANALYSES if name not in disabled_analyses]
        names = [name for name in names if name != ALL_ANALYSES]
    for name in names:
        if name not in ANALYSES:
            raise ApiError(
                "unknown_analysis",
                f"There is no analysis '{name}'. Available: {', '.join(ANALYSES)}, or all.",
                field="analyses",
            )
        _check_enabled(name, disabled_analyses)
    return list(dict.fromkeys(names))


def _check_enabled(name: str, disabled_analyses: Collection[Analysis]) -> None:
    if name in disabled_analyses:
        detail = f"'{name}' is switched off on this server."
        raise ApiError("analysis_disabled", detail, field="analyses")


def check_enabled(options: JobOptions, disabled_analyses: Collection[Analysis]) -> None:
    """Refuse what takes an analysis that is switched off.

    Raises:
        ApiError: `analysis_disabled`; names the first of them.
    """
    for name in analyses_of(options):
        _check_enabled(name, disabled_analyses)
