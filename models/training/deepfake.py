"""Fit and measure the deepfake head: `python -m models.training.deepfake --help`.

Everything is seeded: the same faces, encoder and libraries give the same head. Two files come out:
the head that ships, and a JSON file with all that was tried.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from models.catalogue import load_catalogue
from models.deepfake.calibration import Platt
from models.deepfake.clip_head import Head, Trace
from models.evaluation.deepfake import grouped_auc_interval
from models.spec import ModelSpec
from models.training.deepfake_candidates import Candidate, compared, eligible, for_generated
from models.training.deepfake_data import block_outputs, read_crops, read_pictures
from models.training.deepfake_heads import (
    LinearHead,
    Scores,
    auc,
    fit_platt,
    folds_of,
    out_of_fold,
)
from models.training.deepfake_material import (
    Material,
    open_encoder,
    open_finder,
    pinned_file,
    read_material,
)
from models.training.deepfake_measures import (
    baselines,
    calibration_curve,
    gate_of,
    shares_at,
    strata,
    thresholds_of,
)
from models.weights.store import WeightStore

MODEL_ID = "facesocial_deepfake"
#: Seeds of the repeated cross-validation; each shuffles the groups into other folds.
SEEDS = (0, 1, 2)
#: Folds inside a training fold, where the nested cross-validation chooses.
INNER_FOLDS = 3

_log = structlog.get_logger()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m models.training.deepfake", description=__doc__)
    parser.add_argument("--swapped", type=Path, required=True, help="set of face crops (DFDC)")
    parser.add_argument("--generated", type=Path, required=True, help="set of whole pictures")
    parser.add_argument("--store", type=Path, required=True, help="weight store")
    parser.add_argument("--cache", type=Path, required=True, help="folder for what is read")
    parser.add_argument("--head", type=Path, default=Path("models/deepfake/head.json"))
    parser.add_argument("--results", type=Path, required=True, help="JSON of all that was tried")
    given = parser.parse_args(arguments)
    catalogue, store = load_catalogue(), WeightStore(given.store)
    spec = catalogue.model(MODEL_ID)
    whole, session = open_encoder(store, spec)
    find = open_finder(store, catalogue.model("yunet"))
    swapped, generated = (
        read_material(crops, whole, session, cache=given.cache / folder.name)
        for folder, crops in (
            (given.swapped, read_crops(given.swapped)),
            (given.generated, read_pictures(given.generated, spec, find)),
        )
    )
    head, results = train(swapped, generated, spec)
    given.head.write_text(head.model_dump_json(indent=1) + "\n", encoding="utf-8")
    given.results.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def train(
    swapped: Material,
    generated: Material,
    spec: ModelSpec,
    *,
    tried: Sequence[Candidate] | None = None,
) -> tuple[Head, dict[str, Any]]:
    """Compare, choose, fit, calibrate.

    Args:
        swapped: Faces of videos, some swapped or altered.
        generated: Faces of pictures, some wholly synthetic.
        spec: The encoder's entry.
        tried: Rows of the table; all of `eligible` among them.

    Returns:
        The head, and everything that was measured.
    """
    table = {candidate.name: _row(candidate, swapped) for candidate in tried or compared()}
    chosen = max(eligible(), key=lambda candidate: table[candidate.name]["auc"])
    first, on_swapped = _swapped_trace(chosen, swapped, generated)
    second, on_generated = _generated_trace(swapped, generated)
    likely = np.maximum(on_swapped, on_generated)
    everyone = swapped.with_more(generated)
    labels = np.tile(everyone.crops.is_fake, (len(SEEDS), 1))
    thresholds = thresholds_of(likely.ravel(), labels.ravel())
    count = len(swapped.crops.files)
    nested = _nested(swapped)
    low, high = grouped_auc_interval(nested, swapped.crops.is_fake, swapped.crops.groups)
    measured = {
        "auc": table[chosen.name]["auc"],
        "auc_sd_over_repeats": table[chosen.name]["sd"],
        "auc_nested": auc(swapped.crops.is_fake, nested),
        "auc_nested_low": low,
        "auc_nested_high": high,
        "auc_swapped_both_traces": _mean_auc(swapped, likely[:, :count]),
        "auc_generated_both_traces": _mean_auc(generated, likely[:, count:]),
        **shares_at(likely.ravel(), labels.ravel(), thresholds),
    }
    head = Head(
        origin=f"models.training.deepfake: swapped: {chosen.name}; {count} faces; generated:"
        f" {for_generated().name}; {len(generated.crops.files)} faces; seeds {list(SEEDS)}",
        encoder_sha256=pinned_file(spec).sha256,
        outputs=tuple(block_outputs(spec)[block] for block in chosen.blocks),
        traces=(first, second),
        thresholds=thresholds,
        gate=gate_of(swapped.crops, spec),
        measured={name: round(value, 4) for name, value in measured.items()},
    )
    return head, {
        "baselines": baselines(swapped.crops),
        "candidates": table,
        "chosen": chosen.name,
        "measured": measured,
        "thresholds": asdict(thresholds),
        "shares": {
            "swapped": _shares(swapped, likely[:, :count], head),
            "generated": _shares(generated, likely[:, count:], head),
        },
        "strata": strata(swapped.crops, likely[:, :count].mean(axis=0)),
        "calibration_curve": calibration_curve(likely.ravel(), labels.ravel()),
    }


def _swapped_trace(
    chosen: Candidate, swapped: Material, generated: Material
) -> tuple[Trace, Scores]:
    """The trace, and (seeds, faces) probabilities of faces it has not seen."""
    repeats = np.stack([_scores(chosen, swapped, seed) for seed in SEEDS])
    labels = np.tile(swapped.crops.is_fake, len(SEEDS))
    trace, head = _fitted("swapped", chosen, swapped, fit_platt(repeats.ravel(), labels))
    others = head.decision_function(generated.views_of(chosen)[0])
    unseen = np.hstack([repeats, np.tile(others, (len(SEEDS), 1))])
    return trace, _likely(trace, unseen)


def _generated_trace(swapped: Material, generated: Material) -> tuple[Trace, Scores]:
    """As `_swapped_trace`; authentic faces of videos count as authentic here too."""
    candidate, is_fake = for_generated(), swapped.crops.is_fake
    material = swapped.rows(~is_fake).with_more(generated)
    repeats = np.stack([_scores(candidate, material, seed) for seed in SEEDS])
    labels = np.tile(material.crops.is_fake, len(SEEDS))
    trace, head = _fitted("generated", candidate, material, fit_platt(repeats.ravel(), labels))
    unseen = np.empty((len(SEEDS), len(is_fake) + len(generated.crops.files)))
    authentic = np.append(~is_fake, np.ones(len(generated.crops.files), np.bool_))
    unseen[:, authentic] = repeats
    unseen[:, ~authentic] = head.decision_function(swapped.views_of(candidate)[0][is_fake])
    return trace, _likely(trace, unseen)


def _fitted(
    name: str, candidate: Candidate, material: Material, platt: Platt
) -> tuple[Trace, LinearHead]:
    """The head fitted to all faces and views."""
    views = material.views_of(candidate)
    head = candidate.fit(np.concatenate(views), np.tile(material.crops.is_fake, len(views)))
    if not isinstance(head, LinearHead):
        raise TypeError(f"{candidate.name} is not linear and can't ship.")
    # Nine digits are more than float32 features carry.
    trace = Trace(
        name=name,
        weights=tuple(float(f"{weight:.9g}") for weight in head.weights),
        bias=float(f"{head.bias:.9g}"),
        calibration=platt,
    )
    return trace, head


def _likely(trace: Trace, raw: Scores) -> Scores:
    return np.array([[trace.calibration.probability(float(value)) for value in row] for row in raw])


def _shares(material: Material, likely: Scores, head: Head) -> dict[str, float]:
    labels = np.tile(material.crops.is_fake, len(SEEDS))
    return shares_at(likely.ravel(), labels, head.thresholds)


def _mean_auc(material: Material, likely: Scores) -> float:
    return float(np.mean([auc(material.crops.is_fake, scores) for scores in likely]))


def _scores(candidate: Candidate, material: Material, seed: int) -> Scores:
    crops = material.crops
    folds = folds_of(crops.is_fake, crops.groups, seed=seed)
    return out_of_fold(material.views_of(candidate), crops.is_fake, folds, candidate.fit)


def _row(candidate: Candidate, material: Material) -> dict[str, float]:
    areas = [auc(material.crops.is_fake, _scores(candidate, material, seed)) for seed in SEEDS]
    row = {"auc": float(np.mean(areas)), "sd": float(np.std(areas))}
    _log.info("candidate_measured", name=candidate.name, **row)
    return row


def _nested(material: Material) -> Scores:
    """Scores of heads whose penalty was chosen without the crops they are for."""
    crops = material.crops
    scores = np.zeros(len(crops.files))
    for train_rows, test_rows in folds_of(crops.is_fake, crops.groups, seed=SEEDS[0]):
        best = _best_inside(material, train_rows)
        views = material.views_of(best)
        head = best.fit(
            np.concatenate([view[train_rows] for view in views]),
            np.tile(crops.is_fake[train_rows], len(views)),
        )
        scores[test_rows] = head.decision_function(views[0][test_rows])
    return scores


def _best_inside(material: Material, rows: NDArray[np.intp]) -> Candidate:
    """The eligible candidate that does best when only these crops are known."""
    labels = material.crops.is_fake[rows]
    folds = folds_of(labels, material.crops.groups[rows], seed=SEEDS[0], count=INNER_FOLDS)

    def area(candidate: Candidate) -> float:
        views = [view[rows] for view in material.views_of(candidate)]
        return auc(labels, out_of_fold(views, labels, folds, candidate.fit))

    return max(eligible(), key=area)


if __name__ == "__main__":
    main()
