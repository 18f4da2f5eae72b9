"""Exports a finished run: calibrates and measures it, and writes the artefact."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from runtimes.base import PredictionBatch
from shared.model.artefact import Manifest, Metric, StoredFile, hash_file, write_manifest
from training.calibration.kinds import DERMATOSCOPE, KINDS, PHONE, measure_kinds
from training.data.records.labelled_image import LabelledImage
from training.data.records.labels import LABEL_NAMES, LABELS
from training.data.sources import PhoneImage, PhoneSubject
from training.errors import TrainingError
from training.exporting.calibration_inputs.calibration_data import read_test_images
from training.exporting.calibration_inputs.cross_fitting import CalibratedOutputs
from training.exporting.calibration_inputs.fitting import FittedModel, Progress, fit_model
from training.exporting.forms.agreement import check_agreement
from training.exporting.forms.forms import open_staging, write_forms
from training.exporting.forms.graph import TENSORS, Storage, write_graph
from training.exporting.left_out import LeftOutResult, measure_left_out_runs
from training.exporting.out_of_fold import FILE_NAME, OutOfFoldTable, write_out_of_fold
from training.exporting.population import describe_population
from training.exporting.predictor import GraphPredictor
from training.exporting.provenance import collect_build_info, derive_licence, list_data_sources
from training.exporting.reported_metrics import measure_held_out, measure_isic2017_test, measure_phone
from training.model.architecture import Architecture
from training.model.classifier import POPULATIONS
from training.model.views import Views
from training.model.weights import get_weights

GRAPH_NAME: Final = "model.pb"
#: Times that the cost of several views is measured; the first calls prepare the graphs.
_COST_TURNS: Final = 7


@dataclass(frozen=True)
class ExportOptions:
    """Options of an export.

    Attributes:
        run: Folder of the run.
        data: Folder of the data that it was trained on.
        out: Folder for the artefact.
        name: Name of the artefact.
        version: Version of the artefact.
        test: Measure on the test set too.
        storage: Precision in which the graph's kernels are stored.
        views: Number of views of each image whose feature maps the graph averages: 1, 2 or 4.
    """

    run: Path
    data: Path
    out: Path
    name: str
    version: str
    test: bool
    storage: Storage = Storage.SINGLE
    views: Views = 1


@dataclass(frozen=True)
class _Measurements:
    """The graph's outputs for held-out lesions, calibrated outputs for phone lesions, and the metrics of both."""

    held_out: PredictionBatch
    phone: CalibratedOutputs
    test_images: list[LabelledImage]
    metrics: dict[str, Metric]


def export(options: ExportOptions, progress: Progress) -> Manifest:
    """Make the artefact: `model.pb`, the forms that are derived from it, `out_of_fold.csv` and `model.json`.

    `progress` is called with a sentence about each step.

    Raises:
        TrainingError: Images or runs are missing, or the graph differs from the trained model.
    """
    fitted, left_out = fit_model(options.run, options.data, progress, options.views), measure_left_out_runs(options.run)
    return write_artefact(fitted, left_out, options, progress)


def write_artefact(
    fitted: FittedModel, left_out: Sequence[LeftOutResult], options: ExportOptions, progress: Progress
) -> Manifest:
    """Write the artefact of a fitted model, as `export` does.

    Raises:
        TrainingError: The graph differs from the trained model, or another form from the graph.
    """
    # The old files are replaced only after all measurements: a worker that starts before finds the old artefact whole.
    with open_staging(options.out) as staging:
        manifest = _write_files(staging, fitted, left_out, options, progress)
        for name in manifest.files:
            (staging / name).replace(options.out / name)
    write_manifest(options.out, manifest)
    return manifest


def _write_files(
    directory: Path,
    fitted: FittedModel,
    left_out: Sequence[LeftOutResult],
    options: ExportOptions,
    progress: Progress,
) -> Manifest:
    """Write all files of the artefact except `model.json` into `directory`; return the manifest."""
    _write_graph(directory / GRAPH_NAME, fitted, options.storage, fitted.views)
    # From here on everything is measured with the graph that is served, except phone lesions: it was trained on them.
    graph = GraphPredictor(directory / GRAPH_NAME, TENSORS)
    held_out = graph.predict_files(fitted.data.held_out.paths, fitted.run.recipe.serving_spec)
    is_counted = fitted.data.held_out.is_counted
    agreement = check_agreement(fitted.held_out, fitted.calibrations, held_out, is_counted, options.storage)
    progress(
        f"the graph and the trained model differ by at most {agreement.max_difference:.1g} in a probability;"
        f" the AUC changes by {agreement.auc_change:+.1g}"
    )
    cost = 1.0
    if fitted.views > 1:
        cost = _measure_cost(graph, directory, fitted, options.storage)
        progress(f"the graph averages {fitted.views} views: a forward pass takes {cost:.1f} times as long as of one")
    measurements = _measure(graph, held_out, fitted, left_out, options)
    write_out_of_fold(directory / FILE_NAME, _tabulate(fitted, measurements.phone))
    files = {name: hash_file(directory / name) for name in (GRAPH_NAME, FILE_NAME)}
    manifest = _build_manifest(options, fitted, left_out, measurements, files, cost)
    return manifest.model_copy(update={"files": files | write_forms(directory, manifest, progress)})


def _write_graph(path: Path, fitted: FittedModel, storage: Storage, views: Views) -> None:
    recipe = fitted.run.recipe
    if not isinstance(recipe.architecture, Architecture):
        raise TrainingError(f"The backbone {recipe.backbone} cannot be exported yet: EfficientNet-Lite can.")
    weights, size = get_weights(fitted.run.model), recipe.serving_spec.size
    write_graph(path, weights, recipe.architecture, fitted.calibrations, fitted.kinds, size, storage, views)


def _measure_cost(graph: GraphPredictor, directory: Path, fitted: FittedModel, storage: Storage) -> float:
    """Time of a forward pass as a multiple of that of one view: the median of several turns of both graphs."""
    path = directory / f"{GRAPH_NAME}.one"
    _write_graph(path, fitted, storage, 1)
    one = GraphPredictor(path, TENSORS)
    path.unlink()
    pixels = fitted.data.held_out.pixels[:8]
    seconds: dict[GraphPredictor, list[float]] = {graph: [], one: []}
    for _ in range(_COST_TURNS):
        for each, durations in seconds.items():
            started_at = time.perf_counter()
            each.predict(pixels)
            durations.append(time.perf_counter() - started_at)
    return median(seconds[graph]) / median(seconds[one])


def _measure(
    graph: GraphPredictor,
    held_out: PredictionBatch,
    fitted: FittedModel,
    left_out: Sequence[LeftOutResult],
    options: ExportOptions,
) -> _Measurements:
    """Measure the artefact. The test set is used only if the options say so."""
    data, spec = fitted.data, fitted.run.recipe.serving_spec
    phone = fitted.out_of_fold.calibrate(data.phone.labels, fitted.calibrations[0].scaling)
    metrics = measure_held_out(data.held_out.images, held_out) | measure_phone(data.phone.images, phone.probabilities)
    for result in left_out:
        metrics |= result.metrics
    lesions = {"held_out": held_out.kinds}
    test_images = read_test_images(options.data) if options.test else []
    if test_images:
        predicted = graph.predict_files([image.path for image in test_images], spec)
        metrics |= measure_isic2017_test(test_images, predicted)
        lesions["isic2017_test"] = predicted.kinds
    others = {
        subject: graph.predict_files(paths, spec).kinds for subject, paths in data.others.held_out_paths().items()
    }
    for subject in dict.fromkeys(image.subject for image in data.others.with_folds):
        rows = [image.subject is subject for image in data.others.with_folds]
        own = [others[subject]] if subject in others else []
        others[subject] = np.concatenate([*own, fitted.others_out_of_fold.kinds[rows]])
    metrics |= measure_kinds(lesions, {PhoneSubject.LESION: fitted.out_of_fold.kinds, **others})
    return _Measurements(held_out, phone, test_images, metrics)


def _tabulate(fitted: FittedModel, phone: CalibratedOutputs) -> OutOfFoldTable:
    lesions, others, other_outputs = fitted.data.phone.images, fitted.data.others.with_folds, fitted.others_out_of_fold
    unknown = np.zeros((len(others), len(LABEL_NAMES)))
    return OutOfFoldTable(
        names=(*map(_name, lesions), *map(_name, others)),
        folds=np.concatenate((fitted.out_of_fold.folds, other_outputs.folds)),
        heads=tuple(POPULATIONS[head].value for head in (*fitted.out_of_fold.heads, *other_outputs.heads)),
        distance=np.concatenate((phone.distance, np.full(len(others), np.nan))),
        labels=LABEL_NAMES,
        kind_names=KINDS.names,
        probabilities=np.concatenate((phone.probabilities, unknown)),
        kinds=np.concatenate((phone.kinds, other_outputs.kinds)),
    )


def _name(image: LabelledImage | PhoneImage) -> tuple[str, str]:
    """Source of an image, and the name of its file without the ending."""
    return image.source, image.path.stem


def _build_manifest(
    options: ExportOptions,
    fitted: FittedModel,
    left_out: Sequence[LeftOutResult],
    measurements: _Measurements,
    files: dict[str, StoredFile],
    cost: float,
) -> Manifest:
    data = fitted.data
    measured_images = [*data.held_out.images, *data.phone.images, *measurements.test_images]
    return Manifest(
        name=options.name,
        version=options.version,
        runtime="tensorflow-graph",
        graph=GRAPH_NAME,
        tensors=TENSORS,
        picture=fitted.run.recipe.serving_spec,
        labels=LABELS,
        populations=(
            describe_population(
                DERMATOSCOPE,
                fitted.calibrations[0],
                data.held_out,
                measurements.held_out,
                [result.low_threshold for result in left_out],
            ),
            describe_population(PHONE, fitted.calibrations[1], data.phone, measurements.phone),
        ),
        kinds=KINDS,
        metrics=measurements.metrics,
        data=list_data_sources(fitted.run.lineage, [*data.training_images, *measured_images], data.others.images),
        licence=derive_licence(fitted.run.lineage),
        made_with=collect_build_info(fitted.run, fitted.fold_count)
        | {"views": str(fitted.views), "cost_of_views": f"{cost:.2f}"},
        files=files,
    )
