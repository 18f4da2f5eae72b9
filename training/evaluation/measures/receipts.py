"""Whether the receipts hold for lesions that they were not made of."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import binom, fisher_exact  # type: ignore[import-untyped]
from sklearn.model_selection import StratifiedGroupKFold

from shared.model.artefact import Manifest, ReliabilityBin
from shared.model.decision_rules import bin_of, wilson_interval
from training.calibration.temperature_scaling import compute_reliability_bins
from training.data.records.labelled_image import Split
from training.evaluation.result import ReceiptCheck, ReceiptsResult
from training.evaluation.scored_sets import ScoredSet
from training.evaluation.tasks import Task, is_positive, score
from training.metrics.bootstrap import SEED, Flags, Floats

_FOLDS: Final = 4
_SIGNIFICANT: Final = 0.05
_ON_TEST: Final = "The receipts of the artefact, against the test set."
_CROSSED: Final = (
    "The artefact's receipts were made of these very lesions. So receipts were made the same way of three in four of"
    " them and held against the fourth, four times, patients and lesions apart."
)


def check_receipts(scored_set: ScoredSet, manifest: Manifest) -> ReceiptsResult | None:
    """Check the receipts of the set's population; None where there are none, or too few pictures to check."""
    known = next((one for one in manifest.populations if one.name == scored_set.population), None)
    told, malignant = (
        score(Task.COUNTED, scored_set.probabilities, manifest.labels),
        is_positive(Task.COUNTED, scored_set.images),
    )
    if known is None or min(malignant.sum(), (~malignant).sum()) < _FOLDS:
        return None
    if scored_set.images[0].split is Split.TEST:
        checks = list(_check_bins(known.reliability, told, malignant))
        return _summarize(checks, _ON_TEST)
    checks = []
    for apart in _iterate_folds(scored_set, malignant):
        checks += _check_bins(compute_reliability_bins(told[~apart], malignant[~apart]), told[apart], malignant[apart])
    return _summarize(checks, _CROSSED)


def _summarize(checks: Sequence[ReceiptCheck], protocol: str) -> ReceiptsResult:
    return ReceiptsResult(
        protocol=protocol,
        bins=tuple(checks),
        covered=float(np.mean([check.covered for check in checks])),
        agrees=float(np.mean([check.agrees for check in checks])),
        covered_if_right=float(np.mean([_coverage_by_chance(check) for check in checks])),
    )


def _check_bins(bins: tuple[ReliabilityBin, ...], told: Floats, malignant: Flags) -> Iterator[ReceiptCheck]:
    places = [bin_of(float(one), bins) for one in told]
    for place, held in enumerate(bins):
        rows = np.array([found == place for found in places])
        if held.lesions and rows.any():
            tested, found = int(rows.sum()), int(malignant[rows].sum())
            low, high = wilson_interval(held.malignant, held.lesions)
            cells = [[held.malignant, held.lesions - held.malignant], [found, tested - found]]
            yield ReceiptCheck(
                start=held.start,
                stop=held.stop,
                lesions=held.lesions,
                malignant=held.malignant,
                tested=tested,
                tested_malignant=found,
                covered=bool(low <= found / tested <= high),
                agrees=bool(fisher_exact(cells)[1] >= _SIGNIFICANT),
            )


def _coverage_by_chance(check: ReceiptCheck) -> float:
    """Chance that the interval holds the tested share when both come from the same true share."""
    true = (check.malignant + check.tested_malignant) / (check.lesions + check.tested)
    held, came = np.arange(check.lesions + 1), np.arange(check.tested + 1)
    low, high = np.array([wilson_interval(int(hits), check.lesions) for hits in held]).T
    inside = (low[:, None] <= came / check.tested) & (came / check.tested <= high[:, None])
    return float(binom.pmf(held, check.lesions, true) @ inside @ binom.pmf(came, check.tested, true))


def _iterate_folds(scored_set: ScoredSet, malignant: Flags) -> Iterator[npt.NDArray[np.bool_]]:
    """Rows of each fold: the pictures' own, or as many of whole lesions."""
    own = np.array([-1 if image.fold is None else image.fold for image in scored_set.images])
    if (own < 0).any():
        split = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=SEED)
        for number, (_, rows) in enumerate(split.split(own, malignant, scored_set.groups)):
            own[rows] = number
    for fold in np.unique(own):
        yield own == fold
