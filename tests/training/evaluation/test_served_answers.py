import numpy as np

from shared.contract.decision import Refusal
from shared.model.artefact import read_artefact
from tests.training.evaluation.conftest import SHIPPED
from training.evaluation.served_answers import REFUSED, decide_answers
from training.evaluation.tasks import Task, score
from worker.batching.work_item import Prediction
from worker.serving.postprocessing import Postprocessor


def test_answers_are_those_of_the_worker() -> None:
    manifest = read_artefact(SHIPPED)
    rng = np.random.default_rng(4)
    probabilities = rng.dirichlet(np.full(len(manifest.labels), 0.3), 300).astype(np.float32)
    kinds = rng.dirichlet(np.full(len(manifest.kinds.names), 0.5), 300).astype(np.float32)
    distance = rng.uniform(0, 1.5 * manifest.populations[0].max_distance, 300).astype(np.float32)
    counted = score(Task.COUNTED, probabilities, manifest.labels)
    postprocessor, expected = Postprocessor(manifest), []
    for row in range(300):
        evidence = np.zeros((7, 7), np.float32)
        prediction = Prediction(probabilities[row], evidence, float(distance[row]), kinds[row], 1, 0, 0)
        decision = postprocessor.decide(prediction, advice=(), decode_s=0)
        expected.append(REFUSED if isinstance(decision, Refusal) else decision.band.value)
    assert decide_answers(counted, kinds, distance, manifest) == expected
    assert len(set(expected)) == 5
