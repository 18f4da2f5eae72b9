"""Whether each picture is taken for what it is: through a dermatoscope, by a phone, or no lesion at all."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from shared.model.artefact import Manifest, Metric
from shared.model.decision_rules import select_kind, wilson_interval
from training.data.records.labelled_image import Population
from training.data.sources import Kind, read_phone
from training.evaluation.result import KindShare, KindsResult
from training.evaluation.scored_sets import Judged
from training.exporting.predictor import GraphPredictor
from training.metrics.auc import auc_metric
from training.metrics.bootstrap import Flags, Floats

_TITLES: Final = {
    Kind.LESION: "Lesions by phone, half of which taught the kinds, the other half here",
    Kind.SKIN: "Plain skin",
    Kind.HAND: "Hands",
    Kind.THING: "Other things",
}


def kinds_result(data: Path, sets: Sequence[Judged], graph: GraphPredictor, manifest: Manifest) -> KindsResult | None:
    """Shares named right and refused, of the sets' lesions and of the held half of the other pictures.

    Phone lesions are those of an out-of-fold set where there is one. None where the data has no other pictures.
    """
    shares = [(one.title, str(one.population), one.kinds) for one in sets]
    phone = [image for image in read_phone(data) if image.held]
    if any(one.population is Population.PHONE for one in sets):
        phone = [image for image in phone if image.kind is not Kind.LESION]
    for kind in Kind:
        paths = [image.path for image in phone if image.kind is kind]
        if paths:
            right = str(Population.PHONE) if kind is Kind.LESION else None
            shares.append((_TITLES[kind], right or "", graph.predict_files(paths, manifest.picture).kinds))
    if not shares:
        return None
    nothing = manifest.kinds.names.index(manifest.kinds.no_lesion)
    scores = np.concatenate([found[:, nothing] for *_, found in shares])
    other = np.concatenate([np.full(len(found), not right) for _, right, found in shares])
    return KindsResult(
        shares=tuple(_share(title, right, found, manifest) for title, right, found in shares),
        no_lesion_auc=auc_metric(scores, other) if other.any() and not other.all() else None,
    )


def share_metric(flags: Flags) -> Metric:
    """Share of true `flags` [n], n >= 1, with its 95 % Wilson interval."""
    low, high = wilson_interval(int(flags.sum()), len(flags))
    return Metric(value=float(flags.mean()), low=low, high=high, pictures=len(flags))


def _share(title: str, right: str, kinds: Floats, manifest: Manifest) -> KindShare:
    named = [select_kind(row, manifest) or "" for row in kinds]
    return KindShare(
        title=title,
        lesion=bool(right),
        named_right=share_metric(np.array([name == right for name in named])),
        refused=share_metric(np.array([not name for name in named])),
    )
