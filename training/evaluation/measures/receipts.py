"""Whether the receipts hold for lesions that they were not made of."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import binom, fisher_exact  # type: ignore[import-untyped]
from sklearn.model_selection import StratifiedGroupKFold

from shared.model.artefact import Manifest, ReliabilityBin
from shared.model.decision_rules import find_bin, wilson_interval
from training.calibration.calibrate import reliability
from training.data.records.labelled_image import Share
from training.evaluation.result import ReceiptCheck, Receipts
from training.evaluation.scored_sets import Judged
from training.evaluation.tasks import Task, score, truth
from training.metrics.bootstrap import SEED, Flags, Floats

_FOLDS: Final = 4
_SIGNIFICANT: Final = 0.05
_ON_TEST: Final = "The receipts of the artefact, against the test set."
_CROSSED: Final = (
    "The artefact's receipts were made of these very lesions. So receipts were made the same way of three in four of"
    " them and held against the fourth, four times, patients and lesions apart."
)


def receipts(judged: Judged, manifest: Manifest) -> Receipts | None:
    """Check the receipts of the set's population; None where there are none, or too few pictures to check."""
    known = next((one for one in manifest.populations if one.name == judged.population), None)
    told, malignant = score(Task.COUNTED, judged.probabilities, manifest.labels), truth(Task.COUNTED, judged.pictures)
    if known is None or min(malignant.sum(), (~malignant).sum()) < _FOLDS:
        return None
    if judged.pictures[0].share is Share.TEST:
        checks = list(_checks(known.reliability, told, malignant))
        return _summed(checks, _ON_TEST)
    checks = []
    for apart in _folds(judged, malignant):
        checks += _checks(reliability(told[~apart], malignant[~apart]), told[apart], malignant[apart])
    return _summed(checks, _CROSSED)


def _summed(checks: Sequence[ReceiptCheck], protocol: str) -> Receipts:
    return Receipts(
        protocol=protocol,
        bins=tuple(checks),
        covered=float(np.mean([check.covered for check in checks])),
        agrees=float(np.mean([check.agrees for check in checks])),
        covered_if_right=float(np.mean([_expected(check) for check in checks])),
    )


def _checks(bins: tuple[ReliabilityBin, ...], told: Floats, malignant: Flags) -> Iterator[ReceiptCheck]:
    places = [find_bin(float(one), bins) for one in told]
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


def _expected(check: ReceiptCheck) -> float:
    """Chance that the interval holds the tested share when both come from the same true share."""
    true = (check.malignant + check.tested_malignant) / (check.lesions + check.tested)
    held, came = np.arange(check.lesions + 1), np.arange(check.tested + 1)
    low, high = np.array([wilson_interval(int(hits), check.lesions) for hits in held]).T
    inside = (low[:, None] <= came / check.tested) & (came / check.tested <= high[:, None])
    return float(binom.pmf(held, check.lesions, true) @ inside @ binom.pmf(came, check.tested, true))


def _folds(judged: Judged, malignant: Flags) -> Iterator[npt.NDArray[np.bool_]]:
    """Rows of each fold: the pictures' own, or as many of whole lesions."""
    own = np.array([-1 if image.fold is None else image.fold for image in judged.pictures])
    if (own < 0).any():
        split = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=SEED)
        for number, (_, rows) in enumerate(split.split(own, malignant, judged.groups)):
            own[rows] = number
    for fold in np.unique(own):
        yield own == fold
