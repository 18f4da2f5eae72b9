"""Turns a finished run into the artefact: calibrates, measures, writes `model.pb` and `model.json`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from shared.model.artefact import Manifest, Population, hash_file, write_manifest
from training.calibration.distance import fit_distance
from training.calibration.kinds import DERMATOSCOPE, KINDS, PHONE, fit_kind_classifier, measure_kinds
from training.calibration.population_calibration import PopulationCalibration
from training.calibration.populations import max_population_distance
from training.calibration.temperature_scaling import choose_bands, compute_reliability_bins, fit_temperature_scaling
from training.data.records.labelled_image import LabelledImage
from training.data.records.labelled_image import Population as Of
from training.data.records.labels import LABEL_NAMES, LABELS
from training.data.sources import PhoneSubject
from training.errors import TrainingError
from training.exporting.agreement import check_agreement
from training.exporting.calibration_inputs.calibration_data import (
    CalibrationData,
    LesionImages,
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
from training.exporting.out_of_fold import FILE_NAME, OutOfFoldTable, write_out_of_fold
from training.exporting.predictor import GraphPredictor, Predicted
from training.exporting.provenance import collect_build_info, derive_licence, list_data_sources
from training.exporting.reported_metrics import (
    counted_probability,
    measure_held_out,
    measure_isic2017_test,
    measure_phone,
)
from training.model.architecture import Architecture
from training.model.classifier import POPULATIONS
from training.model.weights import get_weights

Floats = npt.NDArray[np.floating]

GRAPH_NAME: Final = "model.pb"


@dataclass(frozen=True)
class ExportOptions:
    """What is to be made: from the run in the folder `run`, trained on `data`, an artefact `name`@`version` in `out`.

    Only with `test` is the test set looked at.
    """

    run: Path
    data: Path
    out: Path
    name: str
    version: str
    test: bool
    storage: Storage = Storage.SINGLE


def export(order: ExportOptions, report: Callable[[str], None]) -> Manifest:
    """Make the artefact. Raises `TrainingError` where pictures or runs are missing."""
    fitted, folds = read_run_model(order.run), read_fold_models(order.run)
    rules = fitted.recipe.serving_spec
    calibration_data = read_calibration_data(order.data, order.run, fitted.recipe)
    some, held, phone = calibration_data.training_sample, calibration_data.held_out, calibration_data.phone
    report(f"asking the models of {len(folds)} folds about {len(phone.images)} phone pictures")
    background = BackgroundImages(
        append_chat_copies(np.concatenate((some.pixels, calibration_data.others.pixels))),
        [*[DERMATOSCOPE] * len(some.pixels), *calibration_data.others.kind_names] * 2,
    )
    unseen = predict_out_of_fold(
        {number: one.model for number, one in folds.items()}, phone.images, phone.pixels, background
    )

    order.out.mkdir(parents=True, exist_ok=True)
    # Beside the old graph until all is measured: a worker that starts meanwhile finds the old artefact whole.
    path = order.out / f".{GRAPH_NAME}.new"
    features = Features.extract(fitted.model, held.pixels)
    calibrations = _write(path, fitted, calibration_data, features, background, unseen, order.storage)

    # From here on everything is measured through the file that is served, but for phone pictures: it has seen them.
    graph = GraphPredictor(path, TENSORS)
    on_held = graph.predict_files(held.paths, rules)
    agreed = check_agreement(features, calibrations, on_held, held.is_counted, order.storage)
    report(
        f"the graph and the trained model differ by at most {agreed.max_difference:.1g} in a probability;"
        f" the AUC changes by {agreed.auc_change:+.1g}"
    )
    on_phone = unseen.calibrate(phone.labels)
    metrics = measure_held_out(held.images, on_held) | measure_phone(phone.images, on_phone.probabilities)
    lesions = {"held_out": on_held.kinds}
    tested: list[LabelledImage] = read_test_images(order.data) if order.test else []
    if tested:
        on_test = graph.predict_files([image.path for image in tested], rules)
        metrics |= measure_isic2017_test(tested, on_test)
        lesions["isic2017_test"] = on_test.kinds
    others = {
        kind: graph.predict_files(paths, rules).kinds
        for kind, paths in calibration_data.others.held_out_paths().items()
    }
    metrics |= measure_kinds(lesions, {PhoneSubject.LESION: unseen.kinds, **others})
    write_out_of_fold(
        order.out / FILE_NAME,
        OutOfFoldTable(
            image_sha256=tuple(hash_file(path).sha256 for path in phone.paths),
            folds=unseen.fold,
            labels=LABEL_NAMES,
            kind_names=KINDS.names,
            probabilities=on_phone.probabilities,
            kinds=unseen.kinds,
        ),
    )
    path.replace(order.out / GRAPH_NAME)
    manifest = Manifest(
        name=order.name,
        version=order.version,
        runtime="tensorflow-graph",
        graph=GRAPH_NAME,
        tensors=TENSORS,
        picture=rules,
        labels=LABELS,
        populations=(
            _population(DERMATOSCOPE, calibrations[0], held, on_held),
            _population(PHONE, calibrations[1], phone, on_phone),
        ),
        kinds=KINDS,
        metrics=metrics,
        data=list_data_sources(
            [*calibration_data.training_images, *held.images, *phone.images, *tested], calibration_data.others.images
        ),
        licence=derive_licence([*calibration_data.training_images, *phone.images]),
        made_with=collect_build_info(fitted, len(folds)),
        files={name: hash_file(order.out / name) for name in (GRAPH_NAME, FILE_NAME)},
    )
    write_manifest(order.out, manifest)
    return manifest


def _write(
    path: Path,
    fitted: RunModel,
    calibration_data: CalibrationData,
    held: Features,
    others: BackgroundImages,
    unseen: OutOfFoldOutputs,
    storage: Storage,
) -> tuple[PopulationCalibration, PopulationCalibration]:
    """Write the graph, and return how it judges: phone pictures by what models said that had not seen them."""
    phone = Features.extract(fitted.model, append_chat_copies(calibration_data.phone.pixels))
    background = Features.extract(fitted.model, others.pixels)
    dermatoscope = np.array(others.kind_names) == DERMATOSCOPE
    calibrations = (
        PopulationCalibration(
            fit_temperature_scaling(
                held.logits[:, POPULATIONS.index(Of.DERMATOSCOPE)], calibration_data.held_out.labels
            ),
            fit_distance(background.middle[dermatoscope]),
        ),
        PopulationCalibration(
            fit_temperature_scaling(unseen.logits, calibration_data.phone.labels), fit_distance(phone.middle)
        ),
    )
    kinds = fit_kind_classifier(
        np.concatenate((background.all_means, phone.all_means)), [*others.kind_names, *[PHONE] * len(phone.all_means)]
    )
    recipe = fitted.recipe
    if not isinstance(recipe.architecture, Architecture):
        raise TrainingError(f"The backbone {recipe.backbone} cannot be exported yet: EfficientNet-Lite can.")
    write_graph(
        path, get_weights(fitted.model), recipe.architecture, calibrations, kinds, recipe.serving_spec.size, storage
    )
    return calibrations


def _population(
    name: str, calibration: PopulationCalibration, lesions: LesionImages, answers: CalibratedOutputs | Predicted
) -> Population:
    """Bands, receipts and farthest distance, from lesions that were not trained on and are of the kind by the model."""
    named = answers.kinds.argmax(axis=1) == KINDS.names.index(name)
    if not named.any():
        raise TrainingError(f"None of the held-out {name} lesions is taken for one: kinds cannot be told apart.")
    probability, malignant = counted_probability(answers.probabilities[named]), lesions.is_counted[named]
    return Population(
        name=name,
        temperature=calibration.scaling.temperature,
        max_distance=max_population_distance(answers.distance[named]),
        bands=choose_bands(probability, malignant),
        reliability=compute_reliability_bins(probability, malignant),
    )
