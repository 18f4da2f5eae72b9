"""Agreement with isic-challenge-scoring, which scores the ISIC challenges.

The package cannot be a dependency, because it needs zipfile-deflate64, which has no wheels for these Pythons. Instead,
`isic_example.json` holds the output of `isic-challenge-scoring classification`, release 5.6.0, for `isic_example.csv`:
synthetic lesions with ties among the scores, and the truth as ones and zeros.
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


def read_example() -> tuple[list[str], Floats]:
    with (HERE / "isic_example.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return [row["truth"] for row in rows], np.array([[float(row[name]) for name in NAMES] for row in rows])


@pytest.mark.parametrize("name", NAMES)
def test_each_metric_of_a_category_agrees(name: str) -> None:
    truth, probabilities = read_example()
    positive: Flags = np.array([label == name for label in truth])
    scores = probabilities[:, NAMES.index(name)]
    curve = RocCurve.from_scores(scores, positive, ONCE)
    metrics = {
        key: function(ONCE) for key, function in BinaryPredictions(scores > 0.5, positive).metric_functions().items()
    }
    metrics |= {
        "auc": area_under_curve(curve),
        "auc_sens_80": area_above_sensitivity(curve, 0.8),
        "ap": average_precision(curve),
    }
    metrics["dice"] = metrics.pop("f1")
    del metrics["balanced_accuracy"]
    actual = {key: float(value[0]) for key, value in metrics.items()}
    assert actual == pytest.approx(EXPECTED["per_category"][name], abs=1e-12)


def test_balanced_accuracy_over_all_categories_agrees() -> None:
    truth, probabilities = read_example()
    labels = np.array([NAMES.index(label) for label in truth])
    weights: DrawWeights = ONCE
    actual = balanced_multiclass_accuracy(probabilities, labels, weights)
    assert float(actual[0]) == pytest.approx(EXPECTED["aggregate"]["balanced_accuracy"], abs=1e-12)
