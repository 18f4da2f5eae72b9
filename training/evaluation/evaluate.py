"""The whole evaluation: from an artefact and the data to what is found."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from shared.model.artefact import ArtefactError, Manifest, read_artefact
from training.data.records.labelled_image import LabelledImage, Population, Split
from training.data.sources import read_labelled_images
from training.errors import TrainingError
from training.evaluation.measures.kinds import measure_kinds
from training.evaluation.measures.labels import measure_labels
from training.evaluation.measures.receipts import check_receipts
from training.evaluation.measures.subgroups import measure_subgroups
from training.evaluation.measures.symmetries import measure_symmetries
from training.evaluation.measures.task_metrics import measure_task
from training.evaluation.pointing.pointing_game import measure_pointing
from training.evaluation.result import Evaluation, SetResult
from training.evaluation.scored_sets import ScoredSet, read_out_of_fold_sets, score_held_out
from training.evaluation.served_answers import count_answers, measure_diagnoses
from training.evaluation.stress.stress_test import measure_stress
from training.evaluation.tasks import Task
from training.exporting.out_of_fold import FILE_NAME
from training.exporting.predictor import GraphPredictor
from training.metrics.bootstrap import DRAW_COUNT, SEED

Progress = Callable[[str], None]


@dataclass(frozen=True)
class EvaluationOptions:
    """`test`: look at the test sets too. `stress` and `pointing`: pictures of each population, 0 for none."""

    test: bool = False
    symmetries: bool = False
    stress: int = 300
    pointing: int = 300


def evaluate_artefact(
    directory: Path, data: Path, options: EvaluationOptions, progress: Progress
) -> tuple[Evaluation, Sequence[ScoredSet]]:
    """Measure the artefact in `directory`; what is going on goes to `report`. Also gives what each figure rests on.

    Raises `TrainingError` where the artefact or the data cannot be used.
    """
    try:
        manifest = read_artefact(directory)
    except ArtefactError as error:
        raise TrainingError(str(error)) from error
    images = read_labelled_images(data)
    graph = GraphPredictor(directory / manifest.graph, manifest.tensors)
    progress(f"{manifest.title}: predicting what it was not trained on")
    sets = [
        *score_held_out(images, graph, manifest, share=Split.VALID),
        *read_out_of_fold_sets(images, directory, manifest),
        *(score_held_out(images, graph, manifest, share=Split.TEST) if options.test else ()),
    ]
    if not sets:
        raise TrainingError(f"{data} has no pictures that {manifest.title} was not trained on.")
    shown = [one for one in images if one.split is Split.VALID or one.fold is not None]
    seen_once = [one for one in sets if one.distance is not None]
    found = Evaluation(
        artefact=manifest.title,
        graph_sha256=manifest.files[manifest.graph].sha256,
        made=datetime.now(UTC).strftime("%Y-%m-%d"),
        seed=SEED,
        draws=DRAW_COUNT,
        test=options.test,
        sets=tuple(_measure_set(one, manifest, progress) for one in sets),
        unmeasured=_describe_unmeasured(images, sets, directory),
        skin_types=_count_skin_types(images),
        kinds=measure_kinds(data, sets, graph, manifest),
        stress=measure_stress(shown, graph, manifest, options.stress, progress) if options.stress else (),
        pointing=measure_pointing(shown, graph, manifest, options.pointing) if options.pointing else (),
        symmetries=tuple(
            result
            for one in seen_once
            if options.symmetries
            for result in measure_symmetries(one, graph, manifest, progress)
        ),
    )
    return found, sets


def _measure_set(scored_set: ScoredSet, manifest: Manifest, report: Progress) -> SetResult:
    report(f"measuring: {scored_set.title}, {len(scored_set.images)} pictures")
    tasks = (measure_task(task, scored_set, manifest) for task in Task)
    return SetResult(
        name=scored_set.name,
        title=scored_set.title,
        population=scored_set.population,
        protocol=scored_set.protocol,
        pictures=len(scored_set.images),
        groups=len(set(scored_set.groups)),
        tasks=tuple(found for found in tasks if found is not None),
        labels=measure_labels(scored_set, manifest),
        subgroups=measure_subgroups(scored_set, manifest),
        diagnoses=measure_diagnoses(scored_set, manifest),
        answers=count_answers(scored_set, manifest),
        receipts=check_receipts(scored_set, manifest),
    )


def _describe_unmeasured(
    images: Sequence[LabelledImage], sets: Sequence[ScoredSet], directory: Path
) -> tuple[str, ...]:
    missing = []
    for population in Population:
        name, count = population.capitalize(), sum(image.population is population for image in images)
        if not count:
            missing.append(f"{name}: the data has no such pictures.")
        elif not any(one.population is population for one in sets):
            missing.append(
                f"{name}: trained on, not measured. The {count} pictures have folds, any of which the model may have"
                f" learned from, and {directory.name} has no {FILE_NAME}. Measured is only whether they are taken for"
                " what they are, on those that did not teach it."
            )
    return tuple(missing)


def _count_skin_types(images: Sequence[LabelledImage]) -> dict[str, int]:
    counts = Counter("" if image.skin_type is None else str(image.skin_type) for image in images)
    return dict(sorted(counts.items()))
