"""What is evaluated is what is served."""

import numpy as np

from shared.contract.decision import Refusal
from shared.model.artefact import read_artefact
from tests.training.evaluation.conftest import SHIPPED
from tests.training.evaluation.factories import image
from training.data.records.labels import LABELS
from training.evaluation.served_answers import REFUSED, decide_answers
from training.evaluation.tasks import Task, is_positive, score
from worker.batching.work_item import Prediction
from worker.serving.postprocessing import Postprocessor


def test_the_answers_are_those_of_the_worker() -> None:
    manifest = read_artefact(SHIPPED)
    rng = np.random.default_rng(4)
    probabilities = rng.dirichlet(np.full(len(manifest.labels), 0.3), 300).astype(np.float32)
    kinds = rng.dirichlet(np.full(len(manifest.kinds.names), 0.5), 300).astype(np.float32)
    distance = rng.uniform(0, 1.5 * manifest.populations[0].max_distance, 300).astype(np.float32)
    told = score(Task.COUNTED, probabilities, manifest.labels)
    judge, expected = Postprocessor(manifest), []
    for row in range(300):
        one = Prediction(probabilities[row], np.zeros((7, 7), np.float32), float(distance[row]), kinds[row], 1, 0, 0)
        said = judge.decide(one, advice=(), decode_s=0)
        expected.append(REFUSED if isinstance(said, Refusal) else said.band.value)
    assert decide_answers(told, kinds, distance, manifest) == expected
    assert len(set(expected)) == 5


def test_the_questions() -> None:
    images = [image(label.name) for label in LABELS]
    yes = {
        task: [LABELS[one.label].name for one, is_yes in zip(images, is_positive(task, images), strict=True) if is_yes]
        for task in Task
    }
    assert yes == {
        Task.MELANOMA: ["mel"],
        Task.MALIGNANT: ["mel", "bcc", "scc"],
        Task.COUNTED: ["mel", "bcc", "scc", "akiec"],
    }


def test_a_model_without_a_label_is_asked_of_those_that_it_has() -> None:
    """The first artefact has no squamous cell carcinoma."""
    labels = [label for label in LABELS if label.name != "scc"]
    probabilities = np.eye(len(labels))
    assert score(Task.MALIGNANT, probabilities, labels).tolist() == [1, 1, 0, 0, 0, 0, 0]
