"""Turns a fitted model into the artefact: calibrates, measures, writes `model.pb` and `model.json`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import keras
import numpy as np

from shared.artefact import Manifest, Population, digest, write_manifest
from training.backbone import get_weights
from training.cache import decode_all
from training.calibrate import calibrate, choose_bands, reliability
from training.distance import fit_distance
from training.evaluate import counted, held_out_metrics, is_counted, isic2017_test_metrics
from training.graph import TENSORS, write_graph
from training.labels import LABELS
from training.measure import logits_and_middle
from training.populations import belongs_within, distance_metrics, refuse_beyond
from training.predictor import GraphPredictor
from training.provenance import LICENCE, made_with, sources
from training.rules import SERVED
from training.run import Run
from training.sources import Picture, Share, read_phone

GRAPH_NAME: Final = "model.pb"
POPULATION: Final = "dermatoscope"
NAME: Final = "lite0"
VERSION: Final = "1"
#: Training pictures that the feature distance is fitted to: twenty-five and more a feature are enough.
DISTANCE_PICTURES: Final = 3000


def export(run: Run, model: keras.Model, epochs: int, out: Path, test: bool, report: Callable[[str], None]) -> Manifest:
    """Write the artefact of `model`, fitted for `epochs` epochs, into the folder `out`.

    Only with `test` is the test set looked at. Raises `TrainingError` where pictures are missing.
    """
    out.mkdir(parents=True, exist_ok=True)
    trained, held = run.pictures(Share.TRAIN), run.pictures(Share.VALID)
    logits, _ = logits_and_middle(model, decode_all(held, SERVED, run.directory))
    calibration = calibrate(logits, _labels(held))
    report(f"temperature {calibration.temperature:.3f}, offsets {np.round(calibration.offsets, 2)}")
    some = trained[:: max(1, len(trained) // DISTANCE_PICTURES)]
    _, middle = logits_and_middle(model, decode_all(some, SERVED, run.directory))
    distance = fit_distance(middle)
    # Beside the old graph until all is measured: a worker that starts meanwhile finds the old artefact whole.
    path = out / f".{GRAPH_NAME}.new"
    write_graph(path, get_weights(model), run.architecture, calibration, distance, SERVED.size)

    # From here on everything is measured through the file that is served.
    graph = GraphPredictor(path, TENSORS)
    predicted = graph.predict_files([picture.path for picture in held], SERVED)
    metrics = held_out_metrics(held, predicted)
    phone = {kind: graph.predict_files(paths, SERVED).distance for kind, paths in read_phone(run.data).items()}
    within, beyond = belongs_within(predicted.distance), refuse_beyond(predicted.distance, phone)
    metrics |= distance_metrics(within, beyond, phone)
    tested: list[Picture] = []
    if test:
        tested = run.pictures(Share.TEST)
        metrics |= isic2017_test_metrics(tested, graph.predict_files([picture.path for picture in tested], SERVED))
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
                name=POPULATION,
                max_distance=within,
                bands=choose_bands(probabilities, malignant),
                reliability=reliability(probabilities, malignant),
            ),
        ),
        refuse_beyond=beyond,
        metrics=metrics,
        data=sources([*trained, *held, *tested], {kind: len(found) for kind, found in phone.items()}),
        licence=LICENCE,
        made_with=made_with(run, epochs),
        files={GRAPH_NAME: digest(path)},
    )
    path.replace(out / GRAPH_NAME)
    write_manifest(out, manifest)
    return manifest


def _labels(pictures: Sequence[Picture]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([picture.label for picture in pictures])
