"""Measures runs on sources that they left out: how well the recipe serves a clinic that it has never seen.

A run with `left_out` sources ends with `predictions.csv`: its logits for the lesions that it has not trained on, those
of the left-out sources and those held out of the other sources. Calibration and the threshold of "low" come from the
latter, as for the artefact; everything is then measured on the former.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from shared.model.artefact import Metric
from training.calibration.bands import LOW_SENSITIVITY, choose_low_threshold
from training.calibration.temperature_scaling import fit_temperature_scaling
from training.data.records.csv_table import read_rows
from training.data.records.labels import COUNTED, LABEL_NAMES, MELANOMA
from training.data.sources import PAD_UFES_20, is_chosen_by_diagnosis
from training.errors import TrainingError
from training.fitting.loop.checkpoint import load_checkpoint
from training.fitting.run import PREDICTIONS_NAME
from training.metrics.auc import auc_metric

#: Folders of such runs in the folder of a run begin with it.
FOLDER_PREFIX: Final = "without-"


@dataclass(frozen=True)
class LeftOutResult:
    """Figures of one run on the sources that it left out.

    Attributes:
        sources: The left-out sources.
        metrics: By name.
        low_threshold: Probability below which `1 - LOW_SENSITIVITY` of the malignant lesions of the sources are.
    """

    sources: tuple[str, ...]
    metrics: dict[str, Metric]
    low_threshold: float


def measure_left_out_runs(directory: Path) -> list[LeftOutResult]:
    """Measure the runs in the folders `without-*` and `fold-*` of a run that left sources out.

    The run of a fold may leave out a source too: its predictions for both are of a model that has seen neither.

    Raises:
        TrainingError: If a run is not finished.
    """
    results = []
    for folder in sorted([*directory.glob(f"{FOLDER_PREFIX}*"), *directory.glob("fold-*")]):
        state = load_checkpoint(folder)
        if state is not None and state.recipe.left_out:
            if not (folder / PREDICTIONS_NAME).is_file():
                raise TrainingError(f"{folder} has no {PREDICTIONS_NAME}: the same melanoma-train command writes it.")
            results.append(measure_predictions(folder / PREDICTIONS_NAME, state.recipe.left_out))
    return results


def measure_predictions(table: Path, left_out: Sequence[str]) -> LeftOutResult:
    """Measure the predictions in `table` for the sources `left_out`."""
    sources, labels, groups, logits = _read_predictions(table)
    inside = ~np.isin(sources, [*left_out, PAD_UFES_20])
    natural = inside & ~np.array([is_chosen_by_diagnosis(source) for source in sources])
    scaling = fit_temperature_scaling(logits[natural], labels[natural])
    probabilities = scaling.probabilities(logits)
    counted = np.clip(probabilities[:, COUNTED].sum(axis=1), 0, 1)
    is_counted, is_melanoma = np.isin(labels, COUNTED), labels == MELANOMA
    own_threshold = choose_low_threshold(counted[natural], is_counted[natural])
    rows = np.isin(sources, left_out)
    name = f"left_out.{'+'.join(left_out)}"
    metrics = {
        f"{name}.melanoma_auc": auc_metric(probabilities[rows, MELANOMA], is_melanoma[rows], groups[rows].tolist()),
        f"{name}.counted_auc": auc_metric(counted[rows], is_counted[rows], groups[rows].tolist()),
    }
    for title, selected in (("counted_not_low", rows & is_counted), ("others_low", rows & ~is_counted)):
        is_low = counted[selected] < own_threshold
        value = is_low.mean() if title == "others_low" else 1 - is_low.mean()
        metrics[f"{name}.{title}"] = Metric(value=float(value), pictures=int(selected.sum()))
    malignant = np.sort(counted[rows & is_counted])
    threshold = float(malignant[int(len(malignant) * (1 - LOW_SENSITIVITY) + 1e-9)])
    return LeftOutResult(sources=tuple(left_out), metrics=metrics, low_threshold=threshold)


def _read_predictions(
    table: Path,
) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.int64], npt.NDArray[np.str_], npt.NDArray[np.float64]]:
    """Read the source, the label, the group and the logits of each lesion."""
    columns = tuple(f"output_{number}" for number in range(len(LABEL_NAMES)))
    try:
        rows = list(read_rows(table, ("source", "label", "group", *columns)))
        logits = np.array([[float(row[column]) for column in columns] for row in rows])
        labels = np.array([LABEL_NAMES.index(row["label"]) for row in rows])
    except ValueError as error:
        raise TrainingError(f"{table} is no table of predictions: {error}.") from error
    sources, groups = (np.array([row[column] for row in rows]) for column in ("source", "group"))
    return sources, labels, groups, logits
