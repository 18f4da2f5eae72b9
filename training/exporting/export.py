"""Exports a finished run: calibrates and measures it, and writes the artefact."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from runtimes.base import PredictionBatch
from shared.model.artefact import Manifest, Metric, hash_file, write_manifest
from training.calibration.distance import fit_distance
from training.calibration.kinds import DERMATOSCOPE, KINDS, PHONE, KindClassifier, fit_kind_classifier, measure_kinds
from training.calibration.population_calibration import PopulationCalibration
from training.calibration.temperature_scaling import fit_temperature_scaling
from training.data.records.labelled_image import LabelledImage, Population
from training.data.records.labels import LABEL_NAMES, LABELS
from training.data.sources import PhoneSubject
from training.errors import TrainingError
from training.exporting.agreement import check_agreement
from training.exporting.calibration_inputs.calibration_data import (
    CalibrationData,
    read_calibration_data,
    read_test_images,
)
from training.exporting.calibration_inputs.chat_copies import append_chat_copies
from training.exporting.calibration_inputs.cross_fitting import (
    BackgroundImages,
    CalibratedOutputs,
    OutOfFoldOutputs,
    predict_out_of_fold,
)
from training.exporting.calibration_inputs.features import Features
from training.exporting.calibration_inputs.run_models import RunModel, read_fold_models, read_run_model
from training.exporting.graph import TENSORS, Storage, write_graph
from training.exporting.left_out import LeftOutResult, measure_left_out_runs
from training.exporting.out_of_fold import FILE_NAME, OutOfFoldTable, write_out_of_fold
from training.exporting.population import describe_population
from training.exporting.predictor import GraphPredictor
from training.exporting.provenance import collect_build_info, derive_licence, list_data_sources
from training.exporting.reported_metrics import measure_held_out, measure_isic2017_test, measure_phone
from training.model.architecture import Architecture
from training.model.classifier import POPULATIONS
from training.model.weights import get_weights

GRAPH_NAME: Final = "model.pb"

Progress = Callable[[str], None]


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
    """

    run: Path
    data: Path
    out: Path
    name: str
    version: str
    test: bool
    storage: Storage = Storage.SINGLE


@dataclass(frozen=True)
class _Inputs:
    """The models and images of an export, and the out-of-fold outputs for the phone images."""

    run: RunModel
    fold_count: int
    data: CalibrationData
    background: BackgroundImages
    out_of_fold: OutOfFoldOutputs
    #: Results of the runs that left sources out.
    left_out: list[LeftOutResult]


@dataclass(frozen=True)
class _Measurements:
    """The graph's outputs for held-out lesions, calibrated outputs for phone lesions, and the metrics of both."""

    held_out: PredictionBatch
    phone: CalibratedOutputs
    test_images: list[LabelledImage]
    metrics: dict[str, Metric]


def export(options: ExportOptions, progress: Progress) -> Manifest:
    """Make the artefact: `model.pb`, `out_of_fold.csv` and `model.json`.

    `progress` is called with a sentence about each step.

    Raises:
        TrainingError: Images or runs are missing, or the graph differs from the trained model.
    """
    inputs = _read_inputs(options, progress)
    options.out.mkdir(parents=True, exist_ok=True)
    # The old graph is replaced only after all measurements: a worker that starts before finds the old artefact whole.
    new_graph = options.out / f".{GRAPH_NAME}.new"
    features = Features.extract(inputs.run.model, inputs.data.held_out.pixels)
    calibrations, kinds = _fit(inputs, features)
    _write_graph(new_graph, inputs.run, calibrations, kinds, options.storage)

    # From here on everything is measured with the graph that is served, except phone lesions: it was trained on them.
    graph = GraphPredictor(new_graph, TENSORS)
    held_out = graph.predict_files(inputs.data.held_out.paths, inputs.run.recipe.serving_spec)
    is_counted = inputs.data.held_out.is_counted
    agreement = check_agreement(features, calibrations, held_out, is_counted, options.storage)
    progress(
        f"the graph and the trained model differ by at most {agreement.max_difference:.1g} in a probability;"
        f" the AUC changes by {agreement.auc_change:+.1g}"
    )
    measurements = _measure(graph, held_out, inputs, options)
    write_out_of_fold(options.out / FILE_NAME, _tabulate(inputs, measurements.phone))
    new_graph.replace(options.out / GRAPH_NAME)
    manifest = _build_manifest(options, inputs, calibrations, measurements)
    write_manifest(options.out, manifest)
    return manifest


def _read_inputs(options: ExportOptions, progress: Progress) -> _Inputs:
    run, left_out = read_run_model(options.run), measure_left_out_runs(options.run)
    folds = read_fold_models(options.run, run)
    data = read_calibration_data(options.data, options.run, run.recipe)
    progress(f"predicting {len(data.phone.images)} phone pictures with the models of {len(folds)} folds")
    background = BackgroundImages(
        append_chat_copies(np.concatenate((data.training_sample.pixels, data.others.pixels))),
        [*[DERMATOSCOPE] * len(data.training_sample.pixels), *data.others.kind_names] * 2,
    )
    models = {fold: fold_run.model for fold, fold_run in folds.items()}
    out_of_fold = predict_out_of_fold(models, data.phone.images, data.phone.pixels, background)
    return _Inputs(run, len(folds), data, background, out_of_fold, left_out)


def _fit(inputs: _Inputs, held_out: Features) -> tuple[tuple[PopulationCalibration, ...], KindClassifier]:
    """Fit the calibration of each population, in the order of the heads, and the kind classifier.

    Phone probabilities are calibrated by the outputs of models that were not trained on the images.
    """
    data, background = inputs.data, inputs.background
    others = Features.extract(inputs.run.model, background.pixels)
    phone = Features.extract(inputs.run.model, append_chat_copies(data.phone.pixels))
    is_dermatoscope = np.array(background.kind_names) == DERMATOSCOPE
    logits = held_out.logits[:, POPULATIONS.index(Population.DERMATOSCOPE)]
    calibrations = (
        PopulationCalibration(
            fit_temperature_scaling(logits[data.held_out.is_natural], data.held_out.labels[data.held_out.is_natural]),
            fit_distance(others.middle[is_dermatoscope]),
        ),
        PopulationCalibration(
            fit_temperature_scaling(inputs.out_of_fold.logits, data.phone.labels), fit_distance(phone.middle)
        ),
    )
    kinds = fit_kind_classifier(
        np.concatenate((others.all_means, phone.all_means)),
        [*background.kind_names, *[PHONE] * len(phone.all_means)],
    )
    return calibrations, kinds


def _write_graph(
    path: Path, run: RunModel, calibrations: tuple[PopulationCalibration, ...], kinds: KindClassifier, storage: Storage
) -> None:
    recipe = run.recipe
    if not isinstance(recipe.architecture, Architecture):
        raise TrainingError(f"The backbone {recipe.backbone} cannot be exported yet: EfficientNet-Lite can.")
    write_graph(
        path, get_weights(run.model), recipe.architecture, calibrations, kinds, recipe.serving_spec.size, storage
    )


def _measure(
    graph: GraphPredictor, held_out: PredictionBatch, inputs: _Inputs, options: ExportOptions
) -> _Measurements:
    """Measure the artefact. The test set is used only if the options say so."""
    data, spec = inputs.data, inputs.run.recipe.serving_spec
    phone = inputs.out_of_fold.calibrate(data.phone.labels)
    metrics = measure_held_out(data.held_out.images, held_out) | measure_phone(data.phone.images, phone.probabilities)
    for result in inputs.left_out:
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
    metrics |= measure_kinds(lesions, {PhoneSubject.LESION: inputs.out_of_fold.kinds, **others})
    return _Measurements(held_out, phone, test_images, metrics)


def _tabulate(inputs: _Inputs, phone: CalibratedOutputs) -> OutOfFoldTable:
    return OutOfFoldTable(
        image_sha256=tuple(hash_file(path).sha256 for path in inputs.data.phone.paths),
        folds=inputs.out_of_fold.folds,
        labels=LABEL_NAMES,
        kind_names=KINDS.names,
        probabilities=phone.probabilities,
        kinds=phone.kinds,
    )


def _build_manifest(
    options: ExportOptions,
    inputs: _Inputs,
    calibrations: tuple[PopulationCalibration, ...],
    measurements: _Measurements,
) -> Manifest:
    data = inputs.data
    measured_images = [*data.held_out.images, *data.phone.images, *measurements.test_images]
    return Manifest(
        name=options.name,
        version=options.version,
        runtime="tensorflow-graph",
        graph=GRAPH_NAME,
        tensors=TENSORS,
        picture=inputs.run.recipe.serving_spec,
        labels=LABELS,
        populations=(
            describe_population(
                DERMATOSCOPE,
                calibrations[0],
                data.held_out,
                measurements.held_out,
                [result.low_threshold for result in inputs.left_out],
            ),
            describe_population(PHONE, calibrations[1], data.phone, measurements.phone),
        ),
        kinds=KINDS,
        metrics=measurements.metrics,
        data=list_data_sources(inputs.run.lineage, [*data.training_images, *measured_images], data.others.images),
        licence=derive_licence(inputs.run.lineage),
        made_with=collect_build_info(inputs.run, inputs.fold_count),
        files={name: hash_file(options.out / name) for name in (GRAPH_NAME, FILE_NAME)},
    )
