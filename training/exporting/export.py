"""Turns a fitted model into the artefact: calibrates, measures, writes `model.pb` and `model.json`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import keras
import numpy as np
import numpy.typing as npt

from shared.artefact import Manifest, Population, digest, write_manifest
from training.calibration.calibrate import calibrate, choose_bands, reliability
from training.calibration.distance import fit_distance
from training.calibration.kinds import DERMATOSCOPE, KINDS, KindHead, fit_kinds, kind_metrics, name_of
from training.calibration.populations import belongs_within
from training.data.cache import decode_all, decode_paths
from training.data.labels import LABELS
from training.data.picture import Picture, Share
from training.data.picture import Population as PictureOf
from training.data.rules import SERVED
from training.data.sources import Kind, PhonePicture, read_phone
from training.errors import TrainingError
from training.exporting.graph import TENSORS, write_graph
from training.exporting.predictor import GraphPredictor
from training.exporting.provenance import LICENCE, sources
from training.exporting.stated import counted, held_out_metrics, is_counted, isic2017_test_metrics
from training.fitting.measure import logits_and_means
from training.fitting.run import Run
from training.model.architecture import Architecture
from training.model.build import POPULATIONS
from training.model.weights import get_weights

Floats = npt.NDArray[np.floating]

GRAPH_NAME: Final = "model.pb"
NAME: Final = "lite0"
VERSION: Final = "2"
#: Training pictures that the feature distance and the kinds are fitted to: twenty-five and more a feature are enough.
DISTANCE_PICTURES: Final = 3000


def export(
    run: Run, model: keras.Model, origin: dict[str, str], out: Path, test: bool, report: Callable[[str], None]
) -> Manifest:
    """Write the artefact of `model` into the folder `out`; `origin` is how it was made.

    Only with `test` is the test set looked at. Raises `TrainingError` where pictures are missing.
    """
    if not isinstance(run.architecture, Architecture):
        raise TrainingError(f"A model with the backbone {run.recipe.backbone} cannot be exported.")
    out.mkdir(parents=True, exist_ok=True)
    trained, held = run.pictures(Share.TRAIN), run.pictures(Share.VALID)
    logits, *_ = logits_and_means(model, decode_all(held, SERVED, run.directory))
    calibration = calibrate(logits[:, POPULATIONS.index(PictureOf.DERMATOSCOPE)], _labels(held))
    report(f"temperature {calibration.temperature:.3f}, offsets {np.round(calibration.offsets, 2)}")
    some = trained[:: max(1, len(trained) // DISTANCE_PICTURES)]
    _, middle, last = logits_and_means(model, decode_all(some, SERVED, run.directory))
    distance = fit_distance(middle)
    phone = read_phone(run.data)
    kinds = _fit_kinds(run, model, np.concatenate((middle, last), axis=1), phone)
    # Beside the old graph until all is measured: a worker that starts meanwhile finds the old artefact whole.
    path = out / f".{GRAPH_NAME}.new"
    write_graph(path, get_weights(model), run.architecture, calibration, distance, kinds, SERVED.size)

    # From here on everything is measured through the file that is served.
    graph = GraphPredictor(path, TENSORS)
    predicted = graph.predict_files([picture.path for picture in held], SERVED)
    metrics = held_out_metrics(held, predicted)
    within = belongs_within(predicted.distance)
    lesions = {"held_out": predicted.kinds}
    tested: list[Picture] = []
    if test:
        tested = run.pictures(Share.TEST)
        on_test = graph.predict_files([picture.path for picture in tested], SERVED)
        metrics |= isic2017_test_metrics(tested, on_test)
        lesions["isic2017_test"] = on_test.kinds
    unseen = {kind: [one.path for one in phone if one.kind is kind and one.held] for kind in Kind}
    if unseen[Kind.LESION]:
        shares = {kind: graph.predict_files(paths, SERVED).kinds for kind, paths in unseen.items() if paths}
        metrics |= kind_metrics(lesions, shares)
    probabilities, malignant = counted(predicted.probabilities), is_counted(held)
    manifest = Manifest(
        name=NAME,
        version=VERSION,
        runtime="tensorflow-graph",
        graph=GRAPH_NAME,
        tensors=TENSORS,
        picture=SERVED,
        labels=LABELS,
        temperature=calibration.temperature,
        populations=(
            Population(
                name=DERMATOSCOPE,
                max_distance=within,
                bands=choose_bands(probabilities, malignant),
                reliability=reliability(probabilities, malignant),
            ),
        ),
        kinds=KINDS,
        metrics=metrics,
        data=sources([*trained, *held, *tested], phone),
        licence=LICENCE,
        made_with=origin,
        files={GRAPH_NAME: digest(path)},
    )
    path.replace(out / GRAPH_NAME)
    write_manifest(out, manifest)
    return manifest


def _fit_kinds(run: Run, model: keras.Model, lesions: Floats, phone: Sequence[PhonePicture]) -> KindHead:
    """The head that tells kinds apart, from features [n, features] of training lesions and half of `phone`."""
    seen = [one for one in phone if not one.held]
    names = [name_of(one.kind) for one in seen]
    if len(set(names)) < len(KINDS.names) - 1:
        raise TrainingError(f"{run.data} needs phone/ with lesions and other things: without them nothing is refused.")
    _, middle, last = logits_and_means(model, decode_paths([one.path for one in seen], SERVED, run.directory))
    features = np.concatenate((lesions, np.concatenate((middle, last), axis=1)))
    return fit_kinds(features, [*[DERMATOSCOPE] * len(lesions), *names])


def _labels(pictures: Sequence[Picture]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([picture.label for picture in pictures])
