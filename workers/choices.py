"""Which models a job's options mean: names of the catalogue in, model ids out. Pure."""

import math
from collections.abc import Iterator, Mapping

from models.catalogue import Catalogue
from models.errors import UnknownModel
from models.spec import Task
from workers.contract import AUTO_ENGINE, Analysis, AnalyzeOptions
from workers.errors import WorkersError
from workers.gates import gate_analyses
from workers.jobs.options import (
    ChunkOptions,
    CompareOptions,
    EnrollOptions,
    JobKind,
    JobOptions,
    LivenessOptions,
    ReembedOptions,
    VerifyOptions,
    VideoOptions,
)

#: The word for all models of a task that are installed, voting together.
ENSEMBLE = "ensemble"
#: Tasks whose models may vote together.
ENSEMBLE_TASKS: tuple[Task, ...] = ("recognition", "anti_spoofing")
#: Option -> the tasks a model named by it may do. The first ones are those of the defaults.
TASKS_OF_OPTION: dict[str, tuple[Task, ...]] = {
    "engine": ("detection",),
    "recognition_model": ("recognition",),
    "anti_spoofing_model": ("anti_spoofing",),
    "deepfake_model": ("deepfake",),
    "demographics_model": ("age_gender",),
}
#: Analysis -> the option that names its model, and the tasks of its default models.
DEFAULT_TASKS: dict[str, tuple[str, tuple[Task, ...]]] = {
    "detection": ("engine", ("detection",)),
    "recognition": ("recognition_model", ("recognition",)),
    "anti_spoofing": ("anti_spoofing_model", ("anti_spoofing",)),
    "deepfake": ("deepfake_model", ("deepfake",)),
    "demographics": ("demographics_model", ("age", "gender")),
}

#: Kind of job -> the analyses it does; it is switched off with any of them.
ANALYSES_OF_KIND: Mapping[JobKind, tuple[Analysis, ...]] = {
    "compare": ("recognition",),
    "liveness": ("anti_spoofing",),
    # People are told apart by their embeddings.
    "video": ("deepfake", "recognition"),
    "enroll": ("recognition",),
    "verify": ("recognition",),
    "reembed": ("recognition",),
    # They take embeddings that are there.
    "search": (),
    "calibrate": (),
}


class WrongModel(WorkersError):
    """A job's options name a model there is none of."""

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option


def as_analysis(options: JobOptions) -> AnalyzeOptions:
    """The analysis of a photo that uses the models a job of any kind uses."""
    if isinstance(options, AnalyzeOptions):
        return options
    if isinstance(options, ChunkOptions):
        return as_analysis(options.options)
    # Without any analysis it is one that finds faces, which all others do as well.
    analyses = analyses_of(options) or ("detection",)
    if isinstance(options, CompareOptions | ReembedOptions):
        return AnalyzeOptions(analyses=analyses, recognition_model=options.model)
    if isinstance(options, LivenessOptions):
        return AnalyzeOptions(analyses=analyses, anti_spoofing_model=options.model)
    if isinstance(options, VideoOptions):
        return AnalyzeOptions(analyses=analyses, deepfake_model=options.model)
    return AnalyzeOptions(analyses=analyses)


def analyses_of(options: JobOptions) -> tuple[Analysis, ...]:
    """The analyses a job does."""
    if isinstance(options, AnalyzeOptions):
        return options.analyses
    if isinstance(options, ChunkOptions):
        return analyses_of(options.options)
    gates = options.require if isinstance(options, EnrollOptions | VerifyOptions) else ()
    return (*ANALYSES_OF_KIND[options.kind], *gate_analyses(gates))


def check_far(options: CompareOptions, catalogue: Catalogue) -> None:
    """Refuse a false accept rate that no model was measured at that the options may mean.

    Raises:
        WrongModel: the message lists the rates there are; `option` is "far".
    """
    if options.threshold is not None or options.model == ENSEMBLE:
        return
    names = (
        catalogue.defaults.get("recognition", ())
        if options.model is None
        else candidates(options.model, ("recognition",), catalogue)
    )
    measured = [catalogue.thresholds[name] for name in names if name in catalogue.thresholds]
    rates = sorted({point.far for one in measured for point in one.points})
    if not any(math.isclose(rate, options.far, rel_tol=1e-6) for rate in rates):
        told = ", ".join(f"{rate:g}" for rate in rates) or "none"
        raise WrongModel("far", f"far: no threshold was measured at that rate. Measured: {told}.")


def check_names(options: JobOptions, catalogue: Catalogue) -> None:
    """Refuse names the catalogue has no model for, and models of another task.

    Raises:
        WrongModel: the message says why; `option` names the option.
    """
    if isinstance(options, AnalyzeOptions):
        _check_names(options, catalogue)
        return
    try:
        _check_names(as_analysis(options), catalogue)
    except WrongModel as error:
        raise WrongModel("model", str(error)) from None


def _check_names(options: AnalyzeOptions, catalogue: Catalogue) -> None:
    for option, tasks in TASKS_OF_OPTION.items():
        name = getattr(options, option)
        if name not in {None, AUTO_ENGINE}:
            try:
                if option == "demographics_model":
                    demographics_candidates(name, catalogue)
                else:
                    candidates(name, tasks, catalogue)
            except UnknownModel as error:
                raise WrongModel(option, str(error)) from None


def candidates(name: str, tasks: tuple[Task, ...], catalogue: Catalogue) -> tuple[str, ...]:
    """Ids of the models a name may mean, best first.

    Args:
        name: An id, alias, name of several models, or "ensemble".
        tasks: What the model must do.
        catalogue: Where to look.

    Raises:
        UnknownModel: there is no such name, nothing is behind it, or it does something else.
    """
    if name == ENSEMBLE and tasks[0] in ENSEMBLE_TASKS:
        return ensemble_members(tasks[0], catalogue)
    specs = catalogue.resolve(name)
    fitting = tuple(spec.id for spec in specs if spec.task in tasks)
    if not fitting:
        does = ", ".join(sorted({spec.task for spec in specs}))
        raise UnknownModel(f"'{name}' does {does}, not {' or '.join(tasks)}.")
    return fitting


def demographics_candidates(name: str, catalogue: Catalogue) -> tuple[tuple[str, ...], ...]:
    """Ids of the models a name may mean that tell age and gender together, best first.

    Each is one model that does both, or a pair of one for the age and one for the gender.

    Raises:
        UnknownModel: there is no such name, nothing is behind it, or it does something else.
    """
    specs = catalogue.resolve(name)
    ages = [spec.id for spec in specs if spec.task == "age"]
    genders = [spec.id for spec in specs if spec.task == "gender"]
    found = [(spec.id,) for spec in specs if spec.task == "age_gender"]
    pairs = list(zip(ages, genders, strict=False))
    if not found and not pairs:
        does = ", ".join(sorted({spec.task for spec in specs}))
        raise UnknownModel(f"'{name}' does {does}, not age and gender.")
    return (*found, *pairs)


def ensemble_members(task: Task, catalogue: Catalogue) -> tuple[str, ...]:
    """Ids of all models that may vote on a task: the weighted ones first."""
    weighted = tuple(catalogue.ensembles.get(task, {}))
    return tuple(dict.fromkeys((*weighted, *catalogue.defaults.get(task, ()))))


def expected_models(options: JobOptions, catalogue: Catalogue) -> tuple[str, ...]:
    """Ids a job needs where everything is installed, each once; what routing asks the ledger for.

    Raises:
        UnknownModel: a name in the options is unknown.
    """
    if not analyses_of(options):
        return ()
    return tuple(dict.fromkeys(_expected(as_analysis(options), catalogue)))


def _expected(options: AnalyzeOptions, catalogue: Catalogue) -> Iterator[str]:
    for analysis, (option, tasks) in DEFAULT_TASKS.items():
        if analysis not in (*options.analyses, "detection"):
            continue
        name = getattr(options, option)
        if name in {None, AUTO_ENGINE}:
            yield from (catalogue.for_task(task).id for task in tasks)
        elif option == "demographics_model":
            yield from demographics_candidates(name, catalogue)[0]
        else:
            yield candidates(name, TASKS_OF_OPTION[option], catalogue)[0]
