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
from training.evaluation.measures.kinds import kinds_result
from training.evaluation.measures.labels import label_figures
from training.evaluation.measures.receipts import receipts
from training.evaluation.measures.subgroups import subgroups
from training.evaluation.measures.symmetries import symmetry_results
from training.evaluation.measures.task_metrics import task_result
from training.evaluation.pointing.game import pointing_results
from training.evaluation.result import Evaluation, SetResult
from training.evaluation.scored_sets import Judged, held_out, out_of_fold
from training.evaluation.served_answers import answers, diagnoses
from training.evaluation.stress.measure import stress_results
from training.evaluation.tasks import Task
from training.exporting.out_of_fold import FILE_NAME
from training.exporting.predictor import GraphPredictor
from training.metrics.bootstrap import DRAW_COUNT, SEED

Report = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """`test`: look at the test sets too. `stress` and `pointing`: pictures of each population, 0 for none."""

    test: bool = False
    symmetries: bool = False
    stress: int = 300
    pointing: int = 300


def assess(directory: Path, data: Path, options: Options, report: Report) -> tuple[Evaluation, Sequence[Judged]]:
    """Measure the artefact in `directory`; what is going on goes to `report`. Also gives what each figure rests on.

    Raises `TrainingError` where the artefact or the data cannot be used.
    """
    try:
        manifest = read_artefact(directory)
    except ArtefactError as error:
        raise TrainingError(str(error)) from error
    images = read_labelled_images(data)
    graph = GraphPredictor(directory / manifest.graph, manifest.tensors)
    report(f"{manifest.title}: predicting what it was not trained on")
    sets = [
        *held_out(images, graph, manifest, share=Split.VALID),
        *out_of_fold(images, directory, manifest),
        *(held_out(images, graph, manifest, share=Split.TEST) if options.test else ()),
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
        sets=tuple(_set(one, manifest, report) for one in sets),
        unmeasured=_unmeasured(images, sets, directory),
        skin_types=_skin_types(images),
        kinds=kinds_result(data, sets, graph, manifest),
        stress=stress_results(shown, graph, manifest, options.stress, report) if options.stress else (),
        pointing=pointing_results(shown, graph, manifest, options.pointing) if options.pointing else (),
        symmetries=tuple(
            result
            for one in seen_once
            if options.symmetries
            for result in symmetry_results(one, graph, manifest, report)
        ),
    )
    return found, sets


def _set(judged: Judged, manifest: Manifest, report: Report) -> SetResult:
    report(f"measuring: {judged.title}, {len(judged.pictures)} pictures")
    tasks = (task_result(task, judged, manifest) for task in Task)
    return SetResult(
        name=judged.name,
        title=judged.title,
        population=judged.population,
        protocol=judged.protocol,
        pictures=len(judged.pictures),
        groups=len(set(judged.groups)),
        tasks=tuple(found for found in tasks if found is not None),
        labels=label_figures(judged, manifest),
        subgroups=subgroups(judged, manifest),
        diagnoses=diagnoses(judged, manifest),
        answers=answers(judged, manifest),
        receipts=receipts(judged, manifest),
    )


def _unmeasured(images: Sequence[LabelledImage], sets: Sequence[Judged], directory: Path) -> tuple[str, ...]:
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


def _skin_types(images: Sequence[LabelledImage]) -> dict[str, int]:
    counts = Counter("" if image.skin_type is None else str(image.skin_type) for image in images)
    return dict(sorted(counts.items()))
