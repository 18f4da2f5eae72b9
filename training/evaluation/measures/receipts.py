"""Checks evidence receipts against lesions that they were not computed from."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from scipy.stats import binom, fisher_exact  # type: ignore[import-untyped]
from sklearn.model_selection import StratifiedGroupKFold

from shared.model.artefact import Manifest, ReliabilityBin
from shared.model.decision_rules import find_bin, wilson_interval
from training.calibration.bands import compute_reliability_bins
from training.data.records.labelled_image import Split
from training.evaluation.result import ReceiptCheck, ReceiptsResult
from training.evaluation.scored_sets import ScoredSet
from training.evaluation.tasks import Task, is_positive, score
from training.metrics.bootstrap import SEED, Flags, Floats

_FOLDS: Final = 4
_SIGNIFICANCE: Final = 0.05
_ON_TEST: Final = "The receipts of the artefact, against the test set."
_CROSSED: Final = (
    "The artefact's receipts were computed from these lesions. So for each fold, receipts were computed in the same way"
    " from the other folds and checked against that fold. No patient or lesion is on both sides."
)


def check_receipts(scored_set: ScoredSet, manifest: Manifest) -> ReceiptsResult | None:
    """Check the receipts of the set's population.

    A test set is compared with the artefact's own receipts. Any other set was used to compute these; it is compared
    fold by fold with receipts computed from its other folds.

    Returns:
        None if the artefact has no receipts for the population, or the set has too few images.
    """
    population = next((known for known in manifest.populations if known.name == scored_set.population), None)
    probabilities = score(Task.COUNTED, scored_set.probabilities, manifest.labels)
    positive = is_positive(Task.COUNTED, scored_set.images)
    if population is None or min(positive.sum(), (~positive).sum()) < _FOLDS:
        return None
    if scored_set.images[0].split is Split.TEST:
        return _summarize(list(_check_bins(population.reliability, probabilities, positive)), _ON_TEST)
    checks: list[ReceiptCheck] = []
    for inside in _iterate_folds(scored_set, positive):
        bins = compute_reliability_bins(probabilities[~inside], positive[~inside])
        checks += _check_bins(bins, probabilities[inside], positive[inside])
    return _summarize(checks, _CROSSED)


def _summarize(checks: Sequence[ReceiptCheck], protocol: str) -> ReceiptsResult:
    return ReceiptsResult(
        protocol=protocol,
        bins=tuple(checks),
        covered=float(np.mean([check.covered for check in checks])),
        agrees=float(np.mean([check.agrees for check in checks])),
        covered_if_right=float(np.mean([_coverage_by_chance(check) for check in checks])),
    )


def _check_bins(bins: tuple[ReliabilityBin, ...], probabilities: Floats, positive: Flags) -> Iterator[ReceiptCheck]:
    """Compare each bin with the lesions whose probability is in it; bins without such lesions are left out."""
    bin_indices = np.array([find_bin(float(probability), bins) for probability in probabilities])
    for index, receipt in enumerate(bins):
        rows = bin_indices == index
        if receipt.lesions and rows.any():
            tested, malignant = int(rows.sum()), int(positive[rows].sum())
            low, high = wilson_interval(receipt.malignant, receipt.lesions)
            table = [[receipt.malignant, receipt.lesions - receipt.malignant], [malignant, tested - malignant]]
            yield ReceiptCheck(
                start=receipt.start,
                stop=receipt.stop,
                lesions=receipt.lesions,
                malignant=receipt.malignant,
                tested=tested,
                tested_malignant=malignant,
                covered=bool(low <= malignant / tested <= high),
                agrees=bool(fisher_exact(table)[1] >= _SIGNIFICANCE),
            )


def _coverage_by_chance(check: ReceiptCheck) -> float:
    """Probability that the receipt's interval contains the tested share if both come from the same true share."""
    true_share = (check.malignant + check.tested_malignant) / (check.lesions + check.tested)
    in_receipt, in_test = np.arange(check.lesions + 1), np.arange(check.tested + 1)
    low, high = np.array([wilson_interval(int(malignant), check.lesions) for malignant in in_receipt]).T
    is_covered = (low[:, None] <= in_test / check.tested) & (in_test / check.tested <= high[:, None])
    in_receipt_probability = binom.pmf(in_receipt, check.lesions, true_share)
    return float(in_receipt_probability @ is_covered @ binom.pmf(in_test, check.tested, true_share))


def _iterate_folds(scored_set: ScoredSet, positive: Flags) -> Iterator[Flags]:
    """Yield the rows of each fold: the images' own folds, or `_FOLDS` folds of whole patients or lesions."""
    folds = np.array([-1 if image.fold is None else image.fold for image in scored_set.images])
    if (folds < 0).any():
        splitter = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=SEED)
        for fold, (_, rows) in enumerate(splitter.split(folds, positive, scored_set.groups)):
            folds[rows] = fold
    for fold in np.unique(folds):
        yield folds == fold
