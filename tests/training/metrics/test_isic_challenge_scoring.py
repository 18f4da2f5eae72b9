"""Agrees with isic-challenge-scoring, which scores the field's challenge.

The package cannot be a dependency: it needs zipfile-deflate64, of which there are no wheels for these Pythons. So
`isic_example.json` holds what its release 5.6.0 says of `isic_example.csv`, made lesions with ties among the scores:
`isic-challenge-scoring classification`, with the truth as ones and zeros.
"""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from training.metrics.bootstrap import DrawWeights, Flags, Floats
from training.metrics.curve import RocCurve, area_above_sensitivity, area_under_curve, average_precision
from training.metrics.operating_points import BinaryPredictions, balanced_multiclass_accuracy

HERE = Path(__file__).parent
EXPECTED = json.loads((HERE / "isic_example.json").read_text(encoding="utf-8"))
NAMES = tuple(EXPECTED["per_category"])
ONCE = np.ones((1, 150))


def example() -> tuple[list[str], Floats]:
    with (HERE / "isic_example.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [row["truth"] for row in rows], np.array([[float(row[name]) for name in NAMES] for row in rows])


@pytest.mark.parametrize("name", NAMES)
def test_each_figure_of_a_category(name: str) -> None:
    truth, probabilities = example()
    positive: Flags = np.array([word == name for word in truth])
    scores = probabilities[:, NAMES.index(name)]
    curve = RocCurve.from_scores(scores, positive, ONCE)
    figures = {
        key: figure(ONCE) for key, figure in BinaryPredictions(scores > 0.5, positive).metric_functions().items()
    }
    figures |= {
        "auc": area_under_curve(curve),
        "auc_sens_80": area_above_sensitivity(curve, 0.8),
        "ap": average_precision(curve),
    }
    figures["dice"] = figures.pop("f1")
    del figures["balanced_accuracy"]
    found = {key: float(value[0]) for key, value in figures.items()}
    assert found == pytest.approx(EXPECTED["per_category"][name], abs=1e-12)


def test_balanced_accuracy_over_all_categories() -> None:
    truth, probabilities = example()
    labels = np.array([NAMES.index(word) for word in truth])
    weights: DrawWeights = ONCE
    found = balanced_multiclass_accuracy(probabilities, labels, weights)
    assert float(found[0]) == pytest.approx(EXPECTED["aggregate"]["balanced_accuracy"], abs=1e-12)
