"""Measures an artefact: from its graph and the data to an `Evaluation`."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from shared.model.artefact import ArtefactError, Manifest, read_artefact
from training.data.records.labelled_image import LabelledImage, Population, Split
from training.data.sources import PhoneSubject, is_chosen_by_diagnosis, read_labelled_images, read_phone_images
from training.errors import TrainingError
from training.evaluation.measures.kinds import measure_kinds
from training.evaluation.measures.labels import measure_labels
from training.evaluation.measures.receipts import check_receipts
from training.evaluation.measures.runtime_agreement import compare_on_images, select_images
from training.evaluation.measures.source_separation import measure_sources
from training.evaluation.measures.subgroups import measure_subgroups
from training.evaluation.measures.symmetries import measure_symmetries
from training.evaluation.measures.task_metrics import measure_task
from training.evaluation.pointing.pointing_game import measure_pointing
from training.evaluation.result import Evaluation, SetResult
from training.evaluation.scored_sets import ScoredSet, make_out_of_fold_sets, read_matching_table, score_held_out
from training.evaluation.served_answers import count_answers, measure_diagnoses
from training.evaluation.stress.score_shift import measure_stress
from training.evaluation.tasks import Task
from training.exporting.out_of_fold import FILE_NAME, OutOfFoldTable
from training.exporting.predictor import GraphFeatures, GraphPredictor
from training.metrics.bootstrap import DRAW_COUNT, SEED

Progress = Callable[[str], None]


@dataclass(frozen=True)
class EvaluationOptions:
    """Options of an evaluation.

    Attributes:
        test: Measure on the test sets too.
        symmetries: Measure the gain of averaging over the eight symmetries too.
        agreement: Compare the installed runtimes with the reference too.
        stress: Images per population for the stress test, 0 for none.
        pointing: Images per population for the pointing game, 0 for none.
        sources: Images per source and diagnosis for telling the sources, 0 for none.
    """

    test: bool = False
    symmetries: bool = False
    agreement: bool = False
    stress: int = 300
    pointing: int = 300
    sources: int = 100


def evaluate_artefact(
    directory: Path, data: Path, options: EvaluationOptions, progress: Progress
) -> tuple[Evaluation, Sequence[ScoredSet]]:
    """Measure an artefact.

    `progress` is called with a sentence about each step.

    Returns:
        The evaluation, and the sets of images with the scores that it is computed from.

    Raises:
        TrainingError: The artefact or the data cannot be used.
    """
    try:
        manifest = read_artefact(directory)
    except ArtefactError as error:
        raise TrainingError(str(error)) from error
    images = read_labelled_images(data)
    graph = GraphPredictor(directory / manifest.graph, manifest.tensors)
    table = read_matching_table(directory, manifest)
    progress(f"{manifest.title}: predicting pictures that it was not trained on")
    sets = [
        *score_held_out(images, graph, manifest, split=Split.VALID),
        *(() if table is None else make_out_of_fold_sets(images, table, manifest)),
        *(score_held_out(images, graph, manifest, split=Split.TEST) if options.test else ()),
    ]
    if not sets:
        raise TrainingError(f"{data} has no pictures that {manifest.title} was not trained on.")
    # The stress test and the pointing game use neither the test set nor lesions that were chosen by their diagnosis.
    not_test = [
        image
        for image in images
        if image.fold is not None or (image.split is Split.VALID and not is_chosen_by_diagnosis(image.source))
    ]
    evaluation = Evaluation(
        artefact=manifest.title,
        graph_sha256=manifest.files[manifest.graph].sha256,
        made=datetime.now(UTC).strftime("%Y-%m-%d"),
        seed=SEED,
        draws=DRAW_COUNT,
        test=options.test,
        stress_count=options.stress,
        pointing_count=options.pointing,
        sources_count=options.sources,
        sets=tuple(_measure_set(scored_set, manifest, progress) for scored_set in sets),
        unmeasured=(
            *_describe_unmeasured(images, sets, directory),
            *_describe_unmeasured_skin(data, table),
        ),
        skin_types=_count_skin_types(images),
        kinds=measure_kinds(data, sets, graph, manifest, table),
        stress=measure_stress(not_test, graph, manifest, options.stress, progress) if options.stress else (),
        pointing=measure_pointing(not_test, graph, manifest, options.pointing) if options.pointing else (),
        sources=(
            measure_sources(
                images, GraphFeatures(directory / manifest.graph, manifest.tensors), manifest, options.sources
            )
            if options.sources
            else ()
        ),
        symmetries=tuple(
            result
            for scored_set in sets
            if options.symmetries and scored_set.is_by_graph
            for result in measure_symmetries(scored_set, graph, manifest, progress)
        ),
        agreement=compare_on_images(directory, manifest, select_images(images), progress) if options.agreement else (),
    )
    return evaluation, sets


def _measure_set(scored_set: ScoredSet, manifest: Manifest, progress: Progress) -> SetResult:
    progress(f"measuring: {scored_set.title}, {len(scored_set.images)} pictures")
    tasks = (measure_task(task, scored_set, manifest) for task in Task)
    return SetResult(
        name=scored_set.name,
        title=scored_set.title,
        population=scored_set.population,
        protocol=scored_set.protocol,
        pictures=len(scored_set.images),
        groups=len(set(scored_set.groups)),
        tasks=tuple(result for result in tasks if result is not None),
        labels=measure_labels(scored_set, manifest),
        subgroups=measure_subgroups(scored_set, manifest),
        diagnoses=measure_diagnoses(scored_set, manifest),
        answers=count_answers(scored_set, manifest),
        receipts=check_receipts(scored_set, manifest),
    )


def _describe_unmeasured(
    images: Sequence[LabelledImage], sets: Sequence[ScoredSet], directory: Path
) -> tuple[str, ...]:
    """Write a sentence about each population that no set belongs to, or not all of its images with folds."""
    sentences = []
    for population in Population:
        name, count = population.capitalize(), sum(image.population is population for image in images)
        with_folds = sum(image.population is population and image.fold is not None for image in images)
        measured = sum(
            len(scored_set.images)
            for scored_set in sets
            if scored_set.population is population and not scored_set.is_by_graph
        )
        if not count:
            sentences.append(f"{name}: the data has no such pictures.")
        elif not any(scored_set.population is population for scored_set in sets):
            sentences.append(
                f"{name}: trained on, not measured. The model may have been trained on any of the {count} pictures,"
                f" as they have folds, and {directory.name} has no {FILE_NAME} that names them by source and file."
            )
        elif measured < with_folds:
            sentences.append(
                f"{name}: {with_folds - measured} of {with_folds} pictures with folds are not in {FILE_NAME} of"
                f" {directory.name} by source and name of the file. The model may have been trained on them."
            )
    return tuple(sentences)


def _describe_unmeasured_skin(data: Path, table: OutOfFoldTable | None) -> tuple[str, ...]:
    """Write a sentence if there are images of no lesion with folds that no model without the fold has judged."""
    names = set() if table is None else set(table.names)
    count = sum(
        image.fold is not None
        and image.subject is not PhoneSubject.LESION
        and (image.source, image.path.stem) not in names
        for image in read_phone_images(data)
    )
    sentence = (
        f"Plain skin: {count} pictures show skin of patients whose lesions the model was trained on, so whether it"
        " refuses them says little."
    )
    return (sentence,) if count else ()


def _count_skin_types(images: Sequence[LabelledImage]) -> dict[str, int]:
    counts = Counter("" if image.skin_type is None else str(image.skin_type) for image in images)
    return dict(sorted(counts.items()))
