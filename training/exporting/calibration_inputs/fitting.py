"""Fits everything that an artefact adds to a trained model: calibration, feature distance and kind classifier."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.calibration.distance import fit_distance
from training.calibration.kinds import DERMATOSCOPE, PHONE, KindClassifier, fit_kind_classifier
from training.calibration.population_calibration import PopulationCalibration
from training.calibration.temperature_scaling import fit_temperature_scaling
from training.data.records.labelled_image import Population
from training.exporting.calibration_inputs.calibration_data import CalibrationData, read_calibration_data
from training.exporting.calibration_inputs.chat_copies import append_chat_copies
from training.exporting.calibration_inputs.cross_fitting import (
    BackgroundImages,
    OutOfFoldOutputs,
    predict_out_of_fold,
)
from training.exporting.calibration_inputs.features import Features
from training.exporting.calibration_inputs.run_models import RunModel, read_fold_models, read_run_model
from training.model.classifier import POPULATIONS
from training.model.views import ViewAverager, Views

Progress = Callable[[str], None]


@dataclass(frozen=True)
class FittedModel:
    """A model and everything that is fitted to its outputs.

    Attributes:
        run: The model.
        views: Number of views of each image whose feature maps are averaged.
        fold_count: Number of folds.
        data: The images.
        held_out: Outputs of the model for the held-out dermatoscope lesions.
        out_of_fold: Outputs of the models of the folds for the phone lesions.
        others_out_of_fold: Their outputs for the images of no lesion that have a fold.
        calibrations: Of each population, in the order of the heads.
        kinds: The kind classifier.
    """

    run: RunModel
    views: Views
    fold_count: int
    data: CalibrationData
    held_out: Features
    out_of_fold: OutOfFoldOutputs
    others_out_of_fold: OutOfFoldOutputs
    calibrations: tuple[PopulationCalibration, ...]
    kinds: KindClassifier


def fit_model(directory: Path, data_folder: Path, progress: Progress, views: Views = 1) -> FittedModel:
    """Fit everything to the model of the run in `directory` and the models of its folds, each with so many `views`.

    Raises:
        TrainingError: Images or runs are missing or do not belong together.
    """
    run = read_run_model(directory)
    folds = read_fold_models(directory, run)
    data = read_calibration_data(data_folder, directory, run.recipe)
    progress(f"predicting {len(data.phone.images)} phone pictures with the models of {len(folds)} folds")
    background = BackgroundImages(
        append_chat_copies(np.concatenate((data.training_sample.pixels, data.others.pixels))),
        [*[DERMATOSCOPE] * len(data.training_sample.pixels), *data.others.kind_names] * 2,
        np.tile(np.concatenate((np.full(len(data.training_sample.pixels), -1), data.others.folds)), 2),
    )
    models = {fold: ViewAverager(fold_run.model, views) for fold, fold_run in folds.items()}
    out_of_fold, others_out_of_fold = predict_out_of_fold(
        models,
        data.phone.images,
        data.phone.pixels,
        data.others.with_folds,
        data.others.pixels_with_folds,
        background,
    ).split(len(data.phone.images))
    model = ViewAverager(run.model, views)
    held_out = Features.extract(model, data.held_out.pixels)
    calibrations, kinds = _fit(model, data, background, held_out, out_of_fold)
    return FittedModel(run, views, len(folds), data, held_out, out_of_fold, others_out_of_fold, calibrations, kinds)


def _fit(
    model: ViewAverager,
    data: CalibrationData,
    background: BackgroundImages,
    held_out: Features,
    out_of_fold: OutOfFoldOutputs,
) -> tuple[tuple[PopulationCalibration, ...], KindClassifier]:
    """Fit the calibration of each population, in the order of the heads, and the kind classifier.

    Probabilities of dermatoscope images are calibrated by the sources whose lesions were not chosen by diagnosis; those
    of phone images by the outputs of models that were not trained on the images.
    """
    others = Features.extract(model, background.pixels)
    phone = Features.extract(model, append_chat_copies(data.phone.pixels))
    is_dermatoscope = np.array(background.kind_names) == DERMATOSCOPE
    logits, natural = held_out.logits[:, POPULATIONS.index(Population.DERMATOSCOPE)], data.held_out.is_natural
    calibrations = (
        PopulationCalibration(
            fit_temperature_scaling(logits[natural], data.held_out.labels[natural]),
            fit_distance(others.middle[is_dermatoscope]),
        ),
        PopulationCalibration(
            fit_temperature_scaling(out_of_fold.phone_logits, data.phone.labels), fit_distance(phone.middle)
        ),
    )
    kinds = fit_kind_classifier(
        np.concatenate((others.all_means, phone.all_means)),
        [*background.kind_names, *[PHONE] * len(phone.all_means)],
    )
    return calibrations, kinds
