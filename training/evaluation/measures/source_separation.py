"""Measures how well an image's source can be told from the model's features among lesions of one diagnosis.

Where it can, a model may take what belongs to a clinic or a camera for a property of the diagnosis that is frequent
there. Each source is told from the others by a logistic regression on images that it was not fitted to, once with the
images as they are and once with all of them reduced to what the poorest source offers.
"""

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from shared.images.decode import decode
from shared.images.thumbnail import make_thumbnail
from shared.model.artefact import Manifest, Metric
from training.data.image_cache import Pixels, decode_file
from training.data.records.labelled_image import LabelledImage, Population, Split
from training.data.records.labels import LABELS
from training.evaluation.result import SourcesResult
from training.exporting.predictor import GraphFeatures
from training.metrics.bootstrap import SEED, DrawWeights, Floats, draw_weights, metric_with_interval
from training.metrics.curve import RocCurve, area_under_curve

#: Images of a diagnosis that a source needs to be told from others.
MIN_IMAGES: Final = 30
_FOLDS: Final = 5
#: Inverse strength of the ridge penalty: there are more features than images.
_INVERSE_PENALTY: Final = 0.003
#: Side and JPEG quality of the poorest source, BCN20000 at 84 pixels, with a little more compression.
POOREST_SIDE: Final = 84
_POOREST_QUALITY: Final = 40
_MAX_SIDE: Final = 640


def measure_sources(
    images: Sequence[LabelledImage], features: GraphFeatures, manifest: Manifest, count: int
) -> tuple[SourcesResult, ...]:
    """Measure up to `count` dermatoscope images of each source and diagnosis, without the test set.

    A diagnosis with fewer than two sources of at least `MIN_IMAGES` images is left out.
    """
    results = []
    eligible = [
        image for image in images if image.population is Population.DERMATOSCOPE and image.split is not Split.TEST
    ]
    for index, label in enumerate(LABELS):
        sample = _sample([image for image in eligible if image.label == index], count)
        if sample:
            sources = np.array([image.source for image in sample])
            groups = [image.group for image in sample]
            before = features.extract([decode_file(image.path, manifest.picture) for image in sample])
            after = features.extract([_reduce(image, manifest) for image in sample])
            names, counts = np.unique(sources, return_counts=True)
            results.append(
                SourcesResult(
                    diagnosis=label.title,
                    sources=dict(zip(names.tolist(), counts.tolist(), strict=True)),
                    before=tell_sources(before, sources, groups),
                    after=tell_sources(after, sources, groups),
                )
            )
    return tuple(results)


def tell_sources(features: Floats, sources: npt.NDArray[np.str_], groups: Sequence[str]) -> Metric:
    """Mean ROC AUC of telling each source from the others, with its interval; 0.5 is chance.

    Args:
        features: [n, features].
        sources: Source of each image, [n].
        groups: Lesion of each image, [n]: a regression is never tested on lesions that it was fitted to.
    """
    names = np.unique(sources)
    scores = np.zeros((len(sources), len(names)))
    splitter = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=SEED)
    for fitted, tested in splitter.split(features, sources, groups):
        regression = make_pipeline(
            StandardScaler(), LogisticRegression(C=_INVERSE_PENALTY, max_iter=300, class_weight="balanced")
        ).fit(features[fitted], sources[fitted])
        columns = np.searchsorted(names, regression.classes_)
        scores[np.ix_(tested, columns)] = regression.predict_proba(features[tested])

    def mean_area(weights: DrawWeights) -> Floats:
        areas = [
            area_under_curve(RocCurve.from_scores(scores[:, column], sources == name, weights))
            for column, name in enumerate(names)
        ]
        return np.asarray(np.mean(areas, axis=0))

    metric = metric_with_interval(mean_area, draw_weights(np.zeros(len(sources), bool), groups))
    if metric is None:
        raise ValueError("sources need pictures")
    return metric


def _sample(images: Sequence[LabelledImage], count: int) -> list[LabelledImage]:
    """Draw up to `count` images of each source that has enough; none of a single source."""
    rng, drawn = np.random.default_rng(SEED), []
    for source in sorted({image.source for image in images}):
        members = [image for image in images if image.source == source]
        if len(members) >= MIN_IMAGES:
            drawn.append([members[index] for index in rng.permutation(len(members))[:count]])
    return [image for part in drawn for image in part] if len(drawn) > 1 else []


def _reduce(image: LabelledImage, manifest: Manifest) -> Pixels:
    """Reduce an image to the poorest source's resolution and compression, and decode it as serving does."""
    small = make_thumbnail(image.path.read_bytes(), _MAX_SIDE).resize(
        (POOREST_SIDE, POOREST_SIDE), Image.Resampling.LANCZOS
    )
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=_POOREST_QUALITY)
    return decode(stream.getvalue(), manifest.picture).pixels
