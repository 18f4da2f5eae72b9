"""Measures the kind classifier: dermatoscope lesion, phone lesion, or no lesion."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from shared.model.artefact import Manifest, Metric
from shared.model.decision_rules import select_kind, wilson_interval
from training.data.sources import PhoneSubject, read_phone_images
from training.evaluation.result import KindShare, KindsResult
from training.evaluation.scored_sets import ScoredSet
from training.exporting.out_of_fold import OutOfFoldTable
from training.exporting.predictor import GraphPredictor
from training.metrics.auc import auc_metric
from training.metrics.bootstrap import Flags, Floats

_TITLES: Final = {
    PhoneSubject.SKIN: "Plain skin",
    PhoneSubject.HAND: "Hands",
    PhoneSubject.THING: "Other things",
}


def measure_kinds(
    data: Path, sets: Sequence[ScoredSet], graph: GraphPredictor, manifest: Manifest, table: OutOfFoldTable | None
) -> KindsResult | None:
    """Measure how many images are named right, and how many are refused as no lesion.

    Lesions are those of `sets`. Images of no lesion that are held out are predicted here. Those with a fold show skin
    of patients whose lesions the graph was trained on, so their kinds are those of `table`.

    Returns:
        None if there are no images to measure.
    """
    # Title, the right kind of lesion ("" for no lesion), and the probabilities of the kinds.
    groups = [(scored_set.title, str(scored_set.population), scored_set.kinds) for scored_set in sets]
    images = read_phone_images(data)
    row_by_name = {} if table is None else {name: row for row, name in enumerate(table.names)}
    for subject, title in _TITLES.items():
        paths = [image.path for image in images if image.subject is subject and image.is_held_out]
        rows = [
            row_by_name[name]
            for image in images
            if image.subject is subject and (name := (image.source, image.path.stem)) in row_by_name
        ]
        if paths:
            groups.append((title, "", graph.predict_files(paths, manifest.picture).kinds))
        if rows and table is not None:
            groups.append((f"{title}, out of fold", "", table.kinds[rows]))
    if not groups:
        return None
    no_lesion = manifest.kinds.names.index(manifest.kinds.no_lesion)
    scores = np.concatenate([kinds[:, no_lesion] for *_, kinds in groups])
    is_other = np.concatenate([np.full(len(kinds), not right_kind) for _, right_kind, kinds in groups])
    return KindsResult(
        shares=tuple(_measure_kind(title, right_kind, kinds, manifest) for title, right_kind, kinds in groups),
        no_lesion_auc=auc_metric(scores, is_other) if is_other.any() and not is_other.all() else None,
    )


def compute_share(flags: Flags) -> Metric:
    """Compute the share of true `flags` [n], n >= 1, with its 95 % Wilson interval."""
    low, high = wilson_interval(int(flags.sum()), len(flags))
    return Metric(value=float(flags.mean()), low=low, high=high, pictures=len(flags))


def _measure_kind(title: str, right_kind: str, kinds: Floats, manifest: Manifest) -> KindShare:
    named_kinds = [select_kind(row, manifest) or "" for row in kinds]
    return KindShare(
        title=title,
        lesion=bool(right_kind),
        named_right=compute_share(np.array([name == right_kind for name in named_kinds])),
        refused=compute_share(np.array([not name for name in named_kinds])),
    )
