"""Turns a finished run into the artefact: calibrates, measures, writes `model.pb` and `model.json`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from shared.model.artefact import Manifest, Population, hash_file, write_manifest
from training.calibration.calibrate import calibrate, choose_bands, reliability
from training.calibration.distance import fit_distance
from training.calibration.judgement import Judgement
from training.calibration.kinds import DERMATOSCOPE, KINDS, PHONE, fit_kinds, kind_metrics
from training.calibration.populations import belongs_within
from training.data.records.labelled_image import LabelledImage
from training.data.records.labelled_image import Population as Of
from training.data.records.labels import LABEL_NAMES, LABELS
from training.data.sources import PhoneSubject
from training.errors import TrainingError
from training.exporting.agreement import check
from training.exporting.calibration_inputs.calibration_data import Lesions, Material, read_material, test_pictures
from training.exporting.calibration_inputs.chat_copies import with_copies
from training.exporting.calibration_inputs.cross_fitting import Answers, Background, Unseen, ask_folds
from training.exporting.calibration_inputs.features import Features
from training.exporting.calibration_inputs.run_models import Fitted, read_folds, read_run
from training.exporting.graph import TENSORS, Storage, write_graph
from training.exporting.out_of_fold import FILE_NAME, OutOfFold, write_out_of_fold
from training.exporting.predictor import GraphPredictor, Predicted
from training.exporting.provenance import licence, made_with, sources
from training.exporting.reported_metrics import counted, held_out_metrics, isic2017_test_metrics, phone_metrics
from training.model.architecture import Architecture
from training.model.classifier import POPULATIONS
from training.model.weights import get_weights

Floats = npt.NDArray[np.floating]

GRAPH_NAME: Final = "model.pb"


@dataclass(frozen=True)
class Order:
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


def export(order: Order, report: Callable[[str], None]) -> Manifest:
    """Make the artefact. Raises `TrainingError` where pictures or runs are missing."""
    fitted, folds = read_run(order.run), read_folds(order.run)
    rules = fitted.recipe.serving_spec
    material = read_material(order.data, order.run, fitted.recipe)
    some, held, phone = material.some, material.held, material.phone
    report(f"asking the models of {len(folds)} folds about {len(phone.pictures)} phone pictures")
    background = Background(
        with_copies(np.concatenate((some.pixels, material.others.pixels))),
        [*[DERMATOSCOPE] * len(some.pixels), *material.others.kinds] * 2,
    )
    unseen = ask_folds({number: one.model for number, one in folds.items()}, phone.pictures, phone.pixels, background)

    order.out.mkdir(parents=True, exist_ok=True)
    # Beside the old graph until all is measured: a worker that starts meanwhile finds the old artefact whole.
    path = order.out / f".{GRAPH_NAME}.new"
    features = Features.of(fitted.model, held.pixels)
    judgements = _write(path, fitted, material, features, background, unseen, order.storage)

    # From here on everything is measured through the file that is served, but for phone pictures: it has seen them.
    graph = GraphPredictor(path, TENSORS)
    on_held = graph.predict_files(held.paths, rules)
    agreed = check(features, judgements, on_held, held.counted, order.storage)
    report(
        f"the graph and the trained model differ by at most {agreed.difference:.1g} in a probability;"
        f" the AUC changes by {agreed.auc_change:+.1g}"
    )
    on_phone = unseen.calibrated(phone.labels)
    metrics = held_out_metrics(held.pictures, on_held) | phone_metrics(phone.pictures, on_phone.probabilities)
    lesions = {"held_out": on_held.kinds}
    tested: list[LabelledImage] = test_pictures(order.data) if order.test else []
    if tested:
        on_test = graph.predict_files([image.path for image in tested], rules)
        metrics |= isic2017_test_metrics(tested, on_test)
        lesions["isic2017_test"] = on_test.kinds
    others = {kind: graph.predict_files(paths, rules).kinds for kind, paths in material.others.unseen().items()}
    metrics |= kind_metrics(lesions, {PhoneSubject.LESION: unseen.kinds, **others})
    write_out_of_fold(
        order.out / FILE_NAME,
        OutOfFold(
            pictures=tuple(hash_file(path).sha256 for path in phone.paths),
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
            _population(DERMATOSCOPE, judgements[0], held, on_held),
            _population(PHONE, judgements[1], phone, on_phone),
        ),
        kinds=KINDS,
        metrics=metrics,
        data=sources([*material.trained, *held.pictures, *phone.pictures, *tested], material.others.pictures),
        licence=licence([*material.trained, *phone.pictures]),
        made_with=made_with(fitted, len(folds)),
        files={name: hash_file(order.out / name) for name in (GRAPH_NAME, FILE_NAME)},
    )
    write_manifest(order.out, manifest)
    return manifest


def _write(
    path: Path,
    fitted: Fitted,
    material: Material,
    held: Features,
    others: Background,
    unseen: Unseen,
    storage: Storage,
) -> tuple[Judgement, Judgement]:
    """Write the graph, and return how it judges: phone pictures by what models said that had not seen them."""
    phone = Features.of(fitted.model, with_copies(material.phone.pixels))
    background = Features.of(fitted.model, others.pixels)
    dermatoscope = np.array(others.kinds) == DERMATOSCOPE
    judgements = (
        Judgement(
            calibrate(held.logits[:, POPULATIONS.index(Of.DERMATOSCOPE)], material.held.labels),
            fit_distance(background.middle[dermatoscope]),
        ),
        Judgement(calibrate(unseen.logits, material.phone.labels), fit_distance(phone.middle)),
    )
    kinds = fit_kinds(np.concatenate((background.means, phone.means)), [*others.kinds, *[PHONE] * len(phone.means)])
    recipe = fitted.recipe
    if not isinstance(recipe.architecture, Architecture):
        raise TrainingError(f"The backbone {recipe.backbone} cannot be exported yet: EfficientNet-Lite can.")
    write_graph(
        path, get_weights(fitted.model), recipe.architecture, judgements, kinds, recipe.serving_spec.size, storage
    )
    return judgements


def _population(name: str, judgement: Judgement, lesions: Lesions, answers: Answers | Predicted) -> Population:
    """Bands, receipts and farthest distance, from lesions that were not trained on and are of the kind by the model."""
    named = answers.kinds.argmax(axis=1) == KINDS.names.index(name)
    if not named.any():
        raise TrainingError(f"None of the held-out {name} lesions is taken for one: kinds cannot be told apart.")
    probability, malignant = counted(answers.probabilities[named]), lesions.counted[named]
    return Population(
        name=name,
        temperature=judgement.calibration.temperature,
        max_distance=belongs_within(answers.distance[named]),
        bands=choose_bands(probability, malignant),
        reliability=reliability(probability, malignant),
    )
